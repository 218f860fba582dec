import { describe, expect, it } from 'vitest';
import type { CallerPolicy } from '../../src/caller-policy.ts';
import { describePolicy, readKey } from '../../src/cli/key-options.ts';
import { CommandLineError } from '../../src/cli/run-command.ts';

const ALL_LIMITS = {
  'requests-per-minute': '60',
  'tokens-per-minute': '10000',
  'concurrent-requests': '4',
  'tokens-per-day': '1000000',
  'tokens-per-month': '999999999999',
};

describe('readKey', () => {
  it.each<[object, CallerPolicy]>([
    [{}, {}],
    [
      { models: 'a, b/*', projects: 'p' },
      { models: ['a', 'b/*'], projects: ['p'] },
    ],
    [{ 'tokens-per-day': '1' }, { limits: { tokensPerDay: 1 } }],
    [
      ALL_LIMITS,
      {
        limits: {
          requestsPerMinute: 60,
          tokensPerMinute: 10_000,
          concurrentRequests: 4,
          tokensPerDay: 1_000_000,
          tokensPerMonth: 999_999_999_999,
        },
      },
    ],
  ])('reads %j', (options, policy) => {
    expect(readKey({ name: ' ci ', ...options })).toEqual({ name: 'ci', policy });
  });

  it.each(['0', '-1', '1.5', '1e3', '', ' 1', '1000000000000', 'many'])('refuses a limit of %j', (text) => {
    const read = () => readKey({ name: 'ci', 'requests-per-minute': text });
    expect(read).toThrow(CommandLineError);
    expect(read).toThrow(/^--requests-per-minute wants a whole number from 1 to 999999999999, not/);
  });
});

describe('describePolicy', () => {
  it.each<[CallerPolicy, string]>([
    [{}, 'everything'],
    [{ models: ['a', 'b'], endpoints: ['1'] }, 'models a, b; endpoints 1'],
    [
      { limits: { requestsPerMinute: 60, tokensPerDay: 5 } },
      'everything; 60 requests per minute; 5 tokens per day',
    ],
    [{ projects: ['p'], limits: { concurrentRequests: 2 } }, 'projects p; 2 concurrent requests'],
  ])('says of %j: %s', (policy, text) => {
    expect(describePolicy(policy)).toBe(text);
  });
});
