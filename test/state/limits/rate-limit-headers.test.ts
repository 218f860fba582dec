import { describe, expect, it } from 'vitest';
import { formatDuration, rateLimitHeaders } from '../../../src/state/limits/rate-limit-headers.ts';

describe('rateLimitHeaders', () => {
  it('names what is limited, and nothing else', () => {
    const requests = { limit: 60, remaining: 59, resetSeconds: 1 };
    const tokens = { limit: 150_000, remaining: 149_984, resetSeconds: 360 };
    expect(rateLimitHeaders({ requests, tokens })).toEqual({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '6m0s',
    });
    expect(Object.keys(rateLimitHeaders({ tokens }))).toHaveLength(3);
    expect(rateLimitHeaders({})).toEqual({});
  });

  it.each<[number, string]>([
    [0, '0s'],
    [0.0004, '1ms'],
    [0.02, '20ms'],
    [0.9994, '1s'],
    [1, '1s'],
    [8.64, '8.64s'],
    [59.9999, '1m0s'],
    [62.999, '1m2.999s'],
    [360, '6m0s'],
    [3600, '1h0m0s'],
    [90_061, '25h1m1s'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});
