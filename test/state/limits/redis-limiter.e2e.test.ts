import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Limiter } from '../../../src/state/limits/limiter.ts';
import { openRedisLimiter, type RedisLimiterOptions } from '../../../src/state/limits/redis-limiter.ts';
import { findRedis, type RedisServer, startRedis } from '../../support/redis-server.ts';
import { testLimiter } from './limiter-suite.ts';

const redis = await findRedis();
const skipped = typeof redis === 'string' ? '' : `, skipped: ${redis.missing}`;

let server: RedisServer;

beforeAll(async () => {
  if (skipped === '') server = await startRedis();
});

afterAll(async () => {
  if (skipped === '') await server[Symbol.asyncDispose]();
});

function open(options: Partial<RedisLimiterOptions> = {}): Promise<Limiter> {
  const used = { usedTokens: async () => 0 };
  return openRedisLimiter({ url: server.url, onError: () => {}, used, ...options });
}

describe.skipIf(skipped !== '')(`limits in Redis${skipped}`, () => {
  testLimiter((setting) => open(setting));
});

describe.skipIf(skipped !== '')(`limits that replicas share in Redis${skipped}`, () => {
  it('grant 50 of 200 calls at once, whichever replica they come to', async () => {
    const replicas = await Promise.all(Array.from({ length: 4 }, () => open()));
    const limits = { tokensPerDay: 5000, tokensPerMonth: 1e6 };
    const decisions = await Promise.all(
      Array.from({ length: 50 }, () =>
        replicas.map((replica) => replica.reserve('shared', limits, 100)),
      ).flat(),
    );
    expect(decisions.filter(({ granted }) => granted)).toHaveLength(50);
    await Promise.all(replicas.map((replica) => replica.close()));
  });

  it('follow the clock of Redis', async () => {
    const limiter = await open();
    const limits = { requestsPerMinute: 1200, concurrentRequests: 1000 };
    for (let call = 0; call < 5; call += 1) await limiter.reserve('clock', limits, 1);
    await pause(400);
    const decision = await limiter.reserve('clock', limits, 1);
    expect(decision.rates.requests?.remaining).toBe(1199);
    await limiter.close();
  });

  it('let go of the running requests of a replica that was killed, with their lease', async () => {
    const limits = { concurrentRequests: 1 };
    const killed = await open({ lease: 900 });
    await killed.reserve('killed', limits, 1);
    const other = await open();
    // It renews its lease as long as it lives.
    await pause(1500);
    expect(await other.reserve('killed', limits, 1)).toMatchObject({ granted: false });
    await killed.close();
    await pause(1000);
    expect(await other.reserve('killed', limits, 1)).toMatchObject({ granted: true });
    await other.close();
  });

  it('are read again from the ledger when Redis has lost them', async () => {
    let used = 0;
    const limiter = await open({ used: { usedTokens: async () => used } });
    const limits = { tokensPerDay: 100 };
    expect(await limiter.reserve('lost', limits, 60)).toMatchObject({ granted: true });
    used = 60;
    await server.stop();
    await server.restart();
    await expect.poll(() => limiter.reserve('lost', limits, 41).catch(() => undefined)).toBeDefined();
    expect(await limiter.reserve('lost', limits, 41)).toMatchObject({
      granted: false,
      refusal: { remaining: 40 },
    });
    await limiter.close();
  });

  it('refuse everybody while Redis is away, and settle when it is back', async () => {
    const limiter = await open({ lease: 300 });
    const limits = { tokensPerMinute: 100, concurrentRequests: 1 };
    const decision = await limiter.reserve('away', limits, 100);
    if (!decision.granted) throw new Error('refused');
    server.freeze();
    const started = performance.now();
    await expect(limiter.reserve('away', limits, 1)).rejects.toMatchObject({ code: 'overloaded' });
    await limiter.settle(decision.reservation, 0);
    expect(performance.now() - started).toBeLessThan(10_000);
    server.thaw();
    await expect
      .poll(async () => (await limiter.reserve('away', limits, 100).catch(() => undefined))?.granted)
      .toBe(true);
    await limiter.close();
  });
});

describe.skipIf(skipped !== '')(`a Redis that cannot be used${skipped}`, () => {
  it('is named without its password', async () => {
    const urls = ['redis://user:secret@127.0.0.1:1', server.url.replace('//', '//user:secret@')];
    const messages = await Promise.all(
      urls.map((url) => open({ url }).then(String, (error: Error) => error.message)),
    );
    expect(messages[0]).toMatch(/^Redis at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED/);
    expect(messages[1]).toMatch(/^Redis at 127\.0\.0\.1:\d+ cannot be used: .*WRONGPASS/);
    expect(messages.join('')).not.toContain('secret');
  });
});
