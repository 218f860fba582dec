import { describe, expect, it } from 'vitest';
import { LocalLimiter } from '../../../src/state/limits/local-limiter.ts';
import { testLimiter } from './limiter-suite.ts';

describe('LocalLimiter', () => {
  testLimiter(async (setting) => new LocalLimiter(setting));

  it('asks the ledger once for calls of one moment, and not again that day', async () => {
    let asked = 0;
    const used = {
      async usedTokens() {
        asked += 1;
        return 0;
      },
    };
    const limiter = new LocalLimiter({ used, now: () => 0 });
    await Promise.all(Array.from({ length: 20 }, () => limiter.reserve('a', { tokensPerDay: 100 }, 1)));
    await limiter.reserve('a', { tokensPerDay: 100 }, 1);
    expect(asked).toBe(1);
  });

  it('forgets callers that are idle, when there are many, and none with a running request', async () => {
    let now = 0;
    let asked: string[] = [];
    const used = {
      async usedTokens(principal: string) {
        asked.push(principal);
        return 0;
      },
    };
    const limiter = new LocalLimiter({ used, now: () => now });
    const limits = { tokensPerDay: 100, concurrentRequests: 1 };
    await limiter.reserve('running', limits, 1);
    for (let caller = 0; caller < 10_000; caller += 1) {
      const decision = await limiter.reserve(`caller-${caller}`, limits, 1);
      if (decision.granted) await limiter.settle(decision.reservation, 1);
    }
    now += 200_000;
    await limiter.reserve('one more', limits, 1);
    asked = [];
    expect(await limiter.reserve('running', limits, 1)).toMatchObject({ granted: false });
    await limiter.reserve('caller-0', limits, 1);
    await limiter.reserve('caller-9999', limits, 1);
    expect(asked).toEqual(['caller-0']);
  });
});
