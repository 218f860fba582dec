/** What every limiter has to do. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomBase62 } from '../../../src/ids.ts';
import type { CallerLimits } from '../../../src/caller-policy.ts';
import type { Decision, Limiter, Reservation, UsedTokens } from '../../../src/state/limits/limiter.ts';

const NOON = Date.UTC(2026, 6, 31, 12);
const HOUR = 3_600_000;

export interface LimiterSetting {
  readonly now: () => number;
  readonly used: UsedTokens;
}

/** A ledger of other days, which says what it was asked. */
class Ledger implements UsedTokens {
  readonly asked: string[] = [];
  tokens = 0;
  failure: Error | undefined;

  async usedTokens(_principal: string, from: Date, to: Date): Promise<number> {
    this.asked.push(`${from.toISOString()}/${to.toISOString()}`);
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    return this.tokens;
  }
}

export function testLimiter(open: (setting: LimiterSetting) => Promise<Limiter>): void {
  let now: number;
  let ledger: Ledger;
  let limiter: Limiter;
  let caller: string;

  beforeEach(async () => {
    now = NOON;
    ledger = new Ledger();
    caller = `key_${randomBase62()}`;
    limiter = await open({ now: () => now, used: ledger });
  });

  afterEach(async () => {
    await limiter.close();
  });

  const reserve = (limits: CallerLimits, tokens = 1): Promise<Decision> =>
    limiter.reserve(caller, limits, tokens);

  async function granted(limits: CallerLimits, tokens = 1): Promise<Reservation> {
    const decision = await reserve(limits, tokens);
    if (!decision.granted) throw new Error(`refused: ${JSON.stringify(decision.refusal)}`);
    return decision.reservation;
  }

  it('lets a caller without limits through, and says nothing about rates', async () => {
    expect(await reserve({})).toMatchObject({ granted: true, rates: {} });
  });

  describe('requests per minute', () => {
    const limits = { requestsPerMinute: 3 };

    it('are granted up to the limit, then as they come back', async () => {
      for (const remaining of [2, 1, 0]) {
        expect(await reserve(limits)).toMatchObject({
          granted: true,
          rates: { requests: { limit: 3, remaining, resetSeconds: (3 - remaining) * 20 } },
        });
      }
      expect(await reserve(limits)).toEqual({
        granted: false,
        refusal: {
          limit: 'requestsPerMinute',
          allowed: 3,
          remaining: 0,
          requested: 1,
          retryAfterSeconds: 20,
        },
        rates: { requests: { limit: 3, remaining: 0, resetSeconds: 60 } },
      });
      now += 19_999;
      expect(await reserve(limits)).toMatchObject({ granted: false, refusal: { retryAfterSeconds: 0.001 } });
      now += 1;
      expect(await reserve(limits)).toMatchObject({ granted: true });
      expect(await reserve(limits)).toMatchObject({ granted: false });
      now += 10 * HOUR;
      expect(await reserve(limits)).toMatchObject({ granted: true, rates: { requests: { remaining: 2 } } });
    });

    it('are not given back by settling', async () => {
      await limiter.settle(await granted(limits), 0);
      expect(await reserve(limits)).toMatchObject({ rates: { requests: { remaining: 1 } } });
    });

    it('follow a limit that is changed', async () => {
      await granted(limits);
      expect(await reserve({ requestsPerMinute: 2 })).toMatchObject({
        rates: { requests: { limit: 2, remaining: 1 } },
      });
      expect(await reserve({ requestsPerMinute: 100 })).toMatchObject({
        rates: { requests: { limit: 100, remaining: 0 } },
      });
      expect(await reserve({ requestsPerMinute: 0 })).toMatchObject({
        granted: false,
        refusal: { allowed: 0, retryAfterSeconds: undefined },
      });
    });

    it('are each caller’s own', async () => {
      for (const name of ['', 'a', '{a}', 'b}{', 'é\n', `${caller}:running`]) {
        const decision = await limiter.reserve(`${caller}/${name}`, { requestsPerMinute: 1 }, 1);
        expect(decision.granted).toBe(true);
      }
    });
  });

  describe('tokens per minute', () => {
    const limits = { tokensPerMinute: 1000 };

    it('are taken as reserved and given back as not used', async () => {
      const reservation = await granted(limits, 600);
      expect(await reserve(limits, 401)).toMatchObject({
        granted: false,
        refusal: {
          limit: 'tokensPerMinute',
          allowed: 1000,
          remaining: 400,
          requested: 401,
          retryAfterSeconds: 0.06,
        },
        rates: { tokens: { limit: 1000, remaining: 400, resetSeconds: 36 } },
      });
      await limiter.settle(reservation, 100);
      expect(await reserve(limits, 900)).toMatchObject({
        granted: true,
        rates: { tokens: { remaining: 0 } },
      });
    });

    it('are owed when more was used than reserved', async () => {
      await limiter.settle(await granted(limits, 100), 1600);
      expect(await reserve(limits, 1)).toMatchObject({
        granted: false,
        refusal: { remaining: -600, retryAfterSeconds: 36.06 },
        rates: { tokens: { remaining: 0, resetSeconds: 96 } },
      });
      now += 36_060;
      expect(await reserve(limits, 1)).toMatchObject({ granted: true });
    });

    it('never go beyond the limit, however much is given back', async () => {
      const reservation = await granted(limits, 1000);
      now += HOUR;
      await limiter.settle(reservation, 0);
      expect(await reserve(limits, 1)).toMatchObject({ rates: { tokens: { remaining: 999 } } });
    });

    it('refuse for good what is larger than the limit', async () => {
      expect(await reserve(limits, 1001)).toMatchObject({
        granted: false,
        refusal: { requested: 1001, retryAfterSeconds: undefined },
      });
    });

    it.each([0, -5, 0.2])('count a request of %d tokens as one of 1', async (tokens) => {
      expect(await reserve(limits, tokens)).toMatchObject({ rates: { tokens: { remaining: 999 } } });
    });
  });

  describe('concurrent requests', () => {
    const limits = { concurrentRequests: 2 };

    it('are limited until they are settled, each once', async () => {
      const first = await granted(limits);
      await granted(limits);
      expect(await reserve(limits)).toMatchObject({
        granted: false,
        refusal: {
          limit: 'concurrentRequests',
          allowed: 2,
          remaining: 0,
          requested: 1,
          retryAfterSeconds: 1,
        },
        rates: {},
      });
      await limiter.settle(first, 5);
      await limiter.settle(first, 5);
      await granted(limits);
      expect(await reserve(limits)).toMatchObject({ granted: false });
    });
  });

  describe('tokens per day and month', () => {
    it('begin with what the ledger has', async () => {
      ledger.tokens = 900;
      const limits = { tokensPerDay: 1000, tokensPerMonth: 2000 };
      expect(await reserve(limits, 101)).toMatchObject({
        granted: false,
        refusal: {
          limit: 'tokensPerDay',
          allowed: 1000,
          remaining: 100,
          requested: 101,
          retryAfterSeconds: 12 * 3600,
        },
      });
      await granted(limits, 100);
      expect(await reserve(limits, 1)).toMatchObject({ granted: false, refusal: { remaining: 0 } });
      expect([...new Set(ledger.asked)]).toEqual([
        '2026-07-31T00:00:00.000Z/2026-08-01T00:00:00.000Z',
        '2026-07-01T00:00:00.000Z/2026-08-01T00:00:00.000Z',
      ]);
    });

    it('are settled by what was used', async () => {
      const limits = { tokensPerDay: 1000 };
      await limiter.settle(await granted(limits, 1000), 400);
      await limiter.settle(await granted(limits, 600), 1600);
      expect(await reserve(limits, 1)).toMatchObject({ granted: false, refusal: { remaining: -1000 } });
    });

    it('begin again at midnight by UTC; what runs over it belongs to the day before', async () => {
      const limits = { tokensPerDay: 1000, tokensPerMonth: 5000 };
      const late = await granted(limits, 1000);
      now = Date.UTC(2026, 7, 1) - 1;
      expect(await reserve(limits, 1)).toMatchObject({
        granted: false,
        refusal: { retryAfterSeconds: 0.001 },
      });
      now += 1;
      const next = await granted(limits, 1000);
      await limiter.settle(late, 0);
      expect(await reserve(limits, 1)).toMatchObject({ granted: false, refusal: { remaining: 0 } });
      await limiter.settle(next, 999);
      await granted(limits, 1);
    });

    it('of a month last until its end', async () => {
      now = Date.UTC(2028, 1, 28, 23);
      expect(await reserve({ tokensPerMonth: 10 }, 10)).toMatchObject({ granted: true });
      expect(await reserve({ tokensPerMonth: 10, tokensPerDay: 1 }, 1)).toMatchObject({
        granted: false,
        refusal: { limit: 'tokensPerMonth', retryAfterSeconds: 25 * 3600 },
      });
    });

    it('are not granted while it is not known what was used', async () => {
      ledger.failure = new Error('connect ECONNREFUSED');
      await expect(reserve({ tokensPerDay: 10 })).rejects.toMatchObject({ code: 'overloaded' });
      ledger.failure = undefined;
      expect(await reserve({ tokensPerDay: 10 })).toMatchObject({ granted: true });
    });
  });

  it('takes nothing from any limit when one refuses, and names the one that does so for longest', async () => {
    const limits = {
      requestsPerMinute: 10,
      tokensPerMinute: 100,
      concurrentRequests: 1,
      tokensPerDay: 1000,
      tokensPerMonth: 1000,
    };
    const first = await granted(limits, 40);
    expect(await reserve(limits, 50)).toMatchObject({
      granted: false,
      refusal: { limit: 'concurrentRequests' },
      rates: { requests: { remaining: 9 }, tokens: { remaining: 60 } },
    });
    expect(await reserve(limits, 80)).toMatchObject({
      granted: false,
      refusal: { limit: 'tokensPerMinute', retryAfterSeconds: 12 },
    });
    await limiter.settle(first, 40);
    now += 60_000;
    for (let round = 0; round < 9; round += 1) {
      await limiter.settle(await granted(limits, 100), 100);
      now += 60_000;
    }
    // 40 + 900 of 1000.
    expect(await reserve(limits, 61)).toMatchObject({
      granted: false,
      refusal: { remaining: 60, limit: 'tokensPerDay' },
    });
    expect(await reserve(limits, 60)).toMatchObject({ granted: true });
  });

  it.each<[string, CallerLimits, number]>([
    ['requests per minute', { requestsPerMinute: 50 }, 7],
    ['tokens per minute', { tokensPerMinute: 350 }, 7],
    ['concurrent requests', { concurrentRequests: 50 }, 7],
    ['tokens per day', { tokensPerDay: 350 }, 7],
    ['tokens per month', { tokensPerMonth: 356 }, 7],
  ])('grants 50 of 200 calls at once that have %s for 50', async (_case, limits, tokens) => {
    const decisions = await Promise.all(Array.from({ length: 200 }, () => reserve(limits, tokens)));
    expect(decisions.filter((decision) => decision.granted)).toHaveLength(50);
  });

  it('never lets what was used and what is reserved exceed a budget, whatever comes when', async () => {
    const steps = fc.array(
      fc.record({
        tokens: fc.integer({ min: 1, max: 60 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { minLength: 1, maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 0, max: 300 }), async (requests, budget) => {
        const principal = `key_${randomBase62()}`;
        let used = 0;
        await Promise.all(
          requests.map(async ({ tokens, share }) => {
            const decision = await limiter.reserve(principal, { tokensPerDay: budget }, tokens);
            if (!decision.granted) return;
            used += tokens;
            expect(used).toBeLessThanOrEqual(budget);
            await Promise.resolve();
            const actual = Math.round(tokens * share);
            // From this moment on others may have what was not used.
            const settled = limiter.settle(decision.reservation, actual);
            used -= tokens - actual;
            await settled;
          }),
        );
        expect(used).toBeLessThanOrEqual(budget);
      }),
      { numRuns: 25 },
    );
  });
}
