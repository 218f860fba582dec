import { describe, expect, it } from 'vitest';
import { type Grant, TokenCache } from '../../../src/auth/outbound/token-cache.ts';
import { never } from './credential-fixture.ts';

interface Pending {
  readonly signal: AbortSignal;
  resolve(token: string, lifetimeSeconds?: number): Promise<void>;
  reject(error: Error): Promise<void>;
}

/** All that follows at once from a settled promise has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** A cache whose fetches are settled by hand. */
function handFed() {
  const pending: Pending[] = [];
  const renewalFailures: unknown[] = [];
  const clock = { now: 1_000_000 };
  const cache = new TokenCache({
    now: () => clock.now,
    fetchTimeoutMs: 60_000,
    onRenewalFailure: (error) => renewalFailures.push(error),
    fetch: (signal) =>
      new Promise<Grant>((resolve, reject) => {
        pending.push({
          signal,
          resolve: (token, lifetimeSeconds = 3600) => {
            resolve({
              headers: { authorization: `Bearer ${token}` },
              expiresAt: clock.now + lifetimeSeconds * 1000,
            });
            return settled();
          },
          reject: (error) => {
            reject(error);
            return settled();
          },
        });
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  });
  const get = async (signal = never) => (await cache.get(signal))['authorization']?.slice('Bearer '.length);
  return { cache, pending, renewalFailures, clock, get };
}

/** A cache that holds the token `first` for an hour. */
async function filled(lifetimeSeconds = 3600) {
  const all = handFed();
  const first = all.get();
  await all.pending[0]?.resolve('first', lifetimeSeconds);
  await first;
  return all;
}

/** What a promise fails with; asked for before it does. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
}

describe('TokenCache', () => {
  it('fetches once for a hundred callers', async () => {
    const { get, pending } = handFed();
    const all = Promise.all(Array.from({ length: 100 }, () => get()));
    await pending[0]?.resolve('first');
    expect(new Set(await all)).toEqual(new Set(['first']));
    expect(pending).toHaveLength(1);
  });

  it.each([
    { life: 3600, passed: 3299, fetches: 1 },
    { life: 3600, passed: 3300, fetches: 2 },
    // Short ones are renewed at half of their life, or each call would renew them.
    { life: 200, passed: 0, fetches: 1 },
    { life: 200, passed: 99, fetches: 1 },
    { life: 200, passed: 100, fetches: 2 },
  ])('serves a token of $life s after $passed s with $fetches fetches', async ({ life, passed, fetches }) => {
    const { get, pending, clock } = await filled(life);
    clock.now += passed * 1000;
    expect(await get()).toBe('first');
    expect(await get()).toBe('first');
    expect(pending).toHaveLength(fetches);
  });

  it('hands out the renewed token once it is there', async () => {
    const { get, pending, clock } = await filled();
    clock.now += 3_400_000;
    expect(await get()).toBe('first');
    await pending[1]?.resolve('second');
    expect(await get()).toBe('second');
    clock.now += 3_299_000;
    expect(await get()).toBe('second');
    expect(pending).toHaveLength(2);
  });

  it('waits for a new token when the old one ends within ten seconds', async () => {
    const { get, pending, clock } = await filled();
    clock.now += 3_590_000;
    const second = get();
    await pending[1]?.resolve('second');
    expect(await second).toBe('second');
  });

  it('serves the old token while renewals fail, and tries again later and later', async () => {
    const { get, pending, clock, renewalFailures } = await filled();
    clock.now += 3_300_000;
    for (const [attempt, waitSeconds] of [1, 2, 4, 8].entries()) {
      expect(await get()).toBe('first');
      await pending[attempt + 1]?.reject(new Error('no'));
      clock.now += waitSeconds * 1000 - 1;
      expect(await get()).toBe('first');
      expect(pending).toHaveLength(attempt + 2);
      clock.now += 1;
    }
    expect(renewalFailures).toHaveLength(4);
    expect(await get()).toBe('first');
    await pending[5]?.resolve('second');
    expect(await get()).toBe('second');
  });

  it('serves the old token to its end when renewals fail', async () => {
    const { get, pending, clock, renewalFailures } = await filled();
    clock.now += 3_580_000;
    expect(await get()).toBe('first');
    await pending[1]?.reject(new Error('no'));
    for (const passed of [10_000, 9000, 999]) {
      clock.now += passed;
      expect(await get()).toBe('first');
    }
    // Nobody waits for the second try, which has not come to its end.
    expect(pending).toHaveLength(3);
    expect(renewalFailures).toHaveLength(1);
    clock.now += 1;
    const last = failureOf(get());
    await pending[2]?.reject(new Error('still no'));
    expect(await last).toEqual(new Error('still no'));
  });

  it('serves the old token when the only try in its last seconds fails, and reports that once', async () => {
    const { get, pending, clock, renewalFailures } = await filled();
    clock.now += 3_595_000;
    const all = Promise.all([get(), get(), get()]);
    await pending[1]?.reject(new Error('no'));
    expect(await all).toEqual(['first', 'first', 'first']);
    expect(renewalFailures).toEqual([new Error('no')]);
  });

  it.each<[string, (all: Awaited<ReturnType<typeof filled>>) => void]>([
    ['has ended meanwhile', ({ clock }) => void (clock.now += 5000)],
    ['was refused meanwhile', ({ cache }) => cache.invalidate({ authorization: 'Bearer first' })],
  ])('does not serve an old token that %s', async (_why, happen) => {
    const all = await filled();
    all.clock.now += 3_595_000;
    const waiting = failureOf(all.get());
    happen(all);
    await all.pending[1]?.reject(new Error('no'));
    expect(await waiting).toEqual(new Error('no'));
    expect(all.renewalFailures).toEqual([]);
  });

  it('waits a minute at most between renewals', async () => {
    const { get, pending, clock } = await filled(40_000);
    clock.now += 39_700_000;
    for (let attempt = 1; attempt <= 8; attempt++) {
      await get();
      await pending[attempt]?.reject(new Error('no'));
      clock.now += Math.min(60, 2 ** (attempt - 1)) * 1000;
    }
    await get();
    expect(pending).toHaveLength(10);
  });

  it('reports one failure however many callers asked meanwhile', async () => {
    const { get, pending, clock, renewalFailures } = await filled();
    clock.now += 3_400_000;
    await Promise.all(Array.from({ length: 20 }, () => get()));
    await pending[1]?.reject(new Error('no'));
    expect(renewalFailures).toEqual([new Error('no')]);
  });

  it('fails all callers with one fetch, repeats the failure for a second, then tries again', async () => {
    const { get, pending, clock } = handFed();
    const all = Promise.allSettled([get(), get(), get()]);
    await pending[0]?.reject(new Error('refused'));
    expect(await all).toMatchObject(
      Array.from({ length: 3 }, () => ({ status: 'rejected', reason: new Error('refused') })),
    );
    clock.now += 999;
    await expect(get()).rejects.toThrow('refused');
    expect(pending).toHaveLength(1);
    clock.now += 1;
    const next = get();
    await pending[1]?.resolve('late');
    expect(await next).toBe('late');
  });

  it('tries again although the clock was set back', async () => {
    const { get, pending, clock } = handFed();
    const first = failureOf(get());
    await pending[0]?.reject(new Error('refused'));
    expect(await first).toEqual(new Error('refused'));
    clock.now -= 500_000;
    const second = get();
    await pending[1]?.resolve('late');
    expect(await second).toBe('late');
  });

  it('forgets a token that was refused, once for all who were refused', async () => {
    const { cache, get, pending } = await filled();
    const refused = await cache.get(never);
    cache.invalidate(refused);
    cache.invalidate(refused);
    const [second, alsoSecond] = [get(), get()];
    cache.invalidate(refused);
    await pending[1]?.resolve('second');
    expect([await second, await alsoSecond]).toEqual(['second', 'second']);
    cache.invalidate(refused);
    expect(await get()).toBe('second');
    expect(pending).toHaveLength(2);
  });

  it('fetches at once after a refusal, even when a renewal has just failed', async () => {
    const { cache, get, pending, clock } = await filled();
    clock.now += 3_400_000;
    const refused = await cache.get(never);
    await pending[1]?.reject(new Error('no'));
    cache.invalidate({ ...refused, 'content-type': 'application/json' });
    const second = get();
    await pending[2]?.resolve('second');
    expect(await second).toBe('second');
  });

  it('lets go of a caller that aborts and fetches on for the others', async () => {
    const { get, pending } = handFed();
    const impatient = new AbortController();
    const [left, stays] = [get(impatient.signal), get()];
    impatient.abort(new Error('the client left'));
    await expect(left).rejects.toThrow('the client left');
    expect(pending[0]?.signal.aborted).toBe(false);
    await pending[0]?.resolve('first');
    expect(await stays).toBe('first');
  });

  it('keeps what was fetched for a caller that left', async () => {
    const { get, pending } = handFed();
    const impatient = new AbortController();
    const left = get(impatient.signal);
    impatient.abort(new Error('the client left'));
    await expect(left).rejects.toThrow('the client left');
    await pending[0]?.resolve('first');
    expect(await get()).toBe('first');
    expect(pending).toHaveLength(1);
  });

  it('gives an aborted caller nothing', async () => {
    const { get } = await filled();
    await expect(get(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });

  it('ends the fetch when it is closed, and hands out nothing afterwards', async () => {
    const { cache, get, pending } = handFed();
    const waiting = get();
    cache.close();
    await expect(waiting).rejects.toThrow('closed');
    expect(pending[0]?.signal.aborted).toBe(true);
    await expect(get()).rejects.toThrow('closed');
    expect(pending).toHaveLength(1);
  });

  it('gives up a fetch after its time', async () => {
    const cache = new TokenCache({
      now: () => 0,
      fetchTimeoutMs: 20,
      fetch: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    });
    await expect(cache.get(never)).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});
