import { describe, expect, it } from 'vitest';
import { limitsUnavailable, toLimitError } from '../../../src/state/limits/limit-errors.ts';
import type { Refusal } from '../../../src/state/limits/limiter.ts';

describe('toLimitError', () => {
  it.each<[Refusal, object]>([
    [
      { limit: 'requestsPerMinute', allowed: 60, remaining: 0, requested: 1, retryAfterSeconds: 0.4 },
      {
        code: 'rate_limit_exceeded',
        message:
          'A limit of this caller is reached: 60 requests per minute, left: 0, requested: 1. Try again in 1 second.',
        retryAfterSeconds: 0.4,
        shouldRetry: undefined,
      },
    ],
    [
      { limit: 'tokensPerMinute', allowed: 100, remaining: -20, requested: 50, retryAfterSeconds: 42 },
      {
        code: 'rate_limit_exceeded',
        message: expect.stringContaining('left: 0, requested: 50. Try again in 42 seconds.') as string,
      },
    ],
    [
      {
        limit: 'tokensPerMinute',
        allowed: 100,
        remaining: 100,
        requested: 101,
        retryAfterSeconds: undefined,
      },
      {
        code: 'rate_limit_exceeded',
        message: expect.stringContaining('asks for more than the limit') as string,
        retryAfterSeconds: undefined,
        shouldRetry: false,
      },
    ],
    [
      { limit: 'concurrentRequests', allowed: 2, remaining: 0, requested: 1, retryAfterSeconds: 1 },
      { code: 'rate_limit_exceeded', message: expect.stringContaining('at the same time') as string },
    ],
    [
      { limit: 'tokensPerDay', allowed: 1000, remaining: 3, requested: 9, retryAfterSeconds: 3540 },
      {
        code: 'insufficient_quota',
        message: expect.stringContaining(
          '1000 tokens per day (UTC), left: 3, requested: 9. Try again in 59 minutes.',
        ) as string,
        retryAfterSeconds: 3540,
        shouldRetry: false,
      },
    ],
    [
      { limit: 'tokensPerMonth', allowed: 1000, remaining: 0, requested: 9, retryAfterSeconds: 864_000 },
      { code: 'insufficient_quota', message: expect.stringContaining('Try again in 240 hours.') as string },
    ],
  ])('tells what is reached and when to come back: %j', (refusal, expected) => {
    const error = toLimitError(refusal);
    expect(error).toMatchObject(expected);
    expect(error.status).toBe(429);
  });
});

describe('limitsUnavailable', () => {
  it('keeps to itself why', () => {
    const error = limitsUnavailable(new Error('redis://user:secret@host'));
    expect(error).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
    expect(error.message).not.toContain('secret');
  });
});
