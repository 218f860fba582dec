import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReplicaSet, type ReplicaSetOptions } from '../../../src/upstream/replicas/replica-set.ts';
import type { Lease, Replica } from '../../../src/upstream/replicas/replica.ts';
import { TransportError } from '../../../src/upstream/transport-error.ts';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

const NONE: ReadonlySet<Replica> = new Set();

/** A generator of numbers that are the same in each run. */
function numbers(seed = 1): () => number {
  let state = seed;
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}

/** Servers that can be taken away, and replicas that ask them. */
function setUp({ hosts = 'abc', ...options }: Partial<ReplicaSetOptions> & { hosts?: string } = {}) {
  /** What is wrong with a server, by name. */
  const faults = new Map<string, Error | 'hangs'>();
  const changes: string[] = [];
  const set = new ReplicaSet({
    urls: Array.from(hosts, (host) => `http://${host}:1/v1`),
    probe: async ({ name }) => {
      const fault = faults.get(name);
      if (fault === 'hangs') return new Promise(() => undefined);
      if (fault !== undefined) throw fault;
    },
    health: { intervalMs: 10_000, downIntervalMs: 1000, timeoutMs: 3000 },
    circuit: { failures: 5, openMs: 2000, maxOpenMs: 30_000 },
    slowStartMs: 10_000,
    now: Date.now,
    random: numbers(),
    onChange: (replica, state, reason) =>
      void changes.push(`${Date.now()} ${replica.name} ${state}: ${reason}`),
    ...options,
  });
  const replica = (name: string): Replica => set.replicas.find((one) => one.name === `${name}:1`) as Replica;
  /** Leases a certain replica. */
  const takeOf = (name: string): Lease =>
    set.take(new Set(set.replicas.filter((one) => one !== replica(name)))) as Lease;
  const failOnce = (name: string, fault: 'failed' | 'unreachable' = 'unreachable'): void => {
    const lease = takeOf(name);
    lease.fail(fault === 'unreachable' ? 'no connection (ECONNREFUSED)' : 'HTTP 500', fault);
    lease.release();
  };
  return { set, faults, changes, replica, takeOf, failOnce };
}

const refused = new TransportError('connect', 'no connection (ECONNREFUSED)');
const namesOf = (leases: readonly (Lease | undefined)[]): string[] =>
  leases.map((lease) => lease?.replica.name ?? 'none').sort();

describe('ReplicaSet', () => {
  it('needs a base URL', () => {
    expect(() => setUp({ hosts: '' })).toThrow(RangeError);
  });

  it('shows where its replicas are', () => {
    expect(setUp({ hosts: 'a' }).set.replicas).toMatchObject([
      {
        url: 'http://a:1/v1',
        origin: 'http://a:1',
        pathPrefix: '/v1',
        name: 'a:1',
        state: 'up',
        inFlight: 0,
      },
    ]);
  });

  it('spreads requests evenly', () => {
    const { set } = setUp();
    const leases = Array.from({ length: 30 }, () => set.take(NONE));
    expect(set.replicas.map(({ inFlight }) => inFlight)).toEqual([10, 10, 10]);
    for (const lease of leases) lease?.release();
    expect(set.replicas.map(({ inFlight }) => inFlight)).toEqual([0, 0, 0]);
  });

  it('asks each replica once for one request', () => {
    const { set } = setUp();
    const passed = new Set<Replica>();
    const leases = Array.from({ length: 4 }, () => {
      const lease = set.take(passed);
      if (lease !== undefined) passed.add(lease.replica);
      return lease;
    });
    expect(namesOf(leases.slice(0, 3))).toEqual(['a:1', 'b:1', 'c:1']);
    expect(leases[3]).toBeUndefined();
  });

  it('asks one that is overloaded only when no other is left', () => {
    const { set, takeOf } = setUp();
    takeOf('a').fail('HTTP 429', 'overloaded', 2000);
    const others = Array.from({ length: 10 }, () => set.take(NONE));
    expect(namesOf(others)).toEqual([...Array(5).fill('b:1'), ...Array(5).fill('c:1')]);
    expect(set.take(new Set(set.replicas.slice(1)))?.replica.name).toBe('a:1');
    vi.setSystemTime(2000);
    expect(set.take(NONE)?.replica.name).toBe('a:1');
  });

  it('has none to ask when all are down, until one is due for a trial', () => {
    const { set, failOnce } = setUp({ hosts: 'ab' });
    failOnce('a');
    vi.setSystemTime(500);
    expect(set.isAvailable()).toBe(true);
    failOnce('b');
    expect(set.isAvailable()).toBe(false);
    expect(set.take(NONE)).toBeUndefined();
    vi.setSystemTime(2000);
    expect(set.isAvailable()).toBe(true);
    const trial = set.take(NONE);
    expect(trial?.replica.name).toBe('a:1');
    expect(set.isAvailable()).toBe(false);
    expect(set.take(NONE)).toBeUndefined();
    trial?.release();
    expect(set.take(NONE)?.replica.name).toBe('a:1');
  });

  it.each<{ name: string; act: (set: ReturnType<typeof setUp>) => void; says: string }>([
    { name: 'nothing', act: () => undefined, says: 'a:1 is up; b:1 is up' },
    {
      name: 'failures',
      act: ({ failOnce }) => {
        failOnce('a');
        for (let time = 0; time < 5; time++) failOnce('b', 'failed');
      },
      says: 'a:1 no connection (ECONNREFUSED); b:1 HTTP 500',
    },
    {
      name: 'one overloaded',
      act: ({ takeOf }) => takeOf('b').fail('HTTP 429', 'overloaded'),
      says: 'a:1 is up; b:1 HTTP 429',
    },
  ])('describes how its replicas are after $name', ({ act, says }) => {
    const set = setUp({ hosts: 'ab' });
    act(set);
    expect(set.set.describe()).toBe(says);
  });
});

describe('the probes of a ReplicaSet', () => {
  it('settle it once it is known of each replica whether it is up', async () => {
    const { set, faults } = setUp();
    faults.set('a:1', refused).set('b:1', new Error('HTTP 503'));
    expect(set.hasSettled).toBe(false);
    set.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(set.replicas.map(({ state }) => state)).toEqual(['down', 'up', 'up']);
    expect(set.hasSettled).toBe(false);
    await vi.advanceTimersByTimeAsync(1100);
    expect(set.replicas.map(({ state }) => state)).toEqual(['down', 'down', 'up']);
    expect(set.hasSettled).toBe(true);
    await set.close();
  });

  it('are not needed to settle it', () => {
    const { set, takeOf, failOnce } = setUp({ hosts: 'ab' });
    takeOf('a').succeed();
    expect(set.hasSettled).toBe(false);
    failOnce('b');
    expect(set.hasSettled).toBe(true);
  });

  it('do not wait for each other', async () => {
    const { set, faults, replica } = setUp({ hosts: 'ab' });
    faults.set('a:1', 'hangs').set('b:1', refused);
    set.start();
    await vi.advanceTimersByTimeAsync(0);
    expect([replica('a').state, replica('b').state]).toEqual(['up', 'down']);
    faults.delete('b:1');
    await vi.advanceTimersByTimeAsync(1100);
    expect([replica('a').state, replica('b').state]).toEqual(['up', 'recovering']);
    await vi.advanceTimersByTimeAsync(4901);
    expect([replica('a').state, replica('b').state]).toEqual(['down', 'recovering']);
    await set.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ask the replica they are for, path included', async () => {
    const asked: string[] = [];
    const { set } = setUp({
      hosts: 'ab',
      probe: async ({ url }) => void asked.push(url),
    });
    set.start();
    await set.close();
    expect(asked).toEqual(['http://a:1/v1', 'http://b:1/v1']);
  });

  it('report a check that throws at once as failed', async () => {
    const { set } = setUp({
      hosts: 'a',
      probe: () => {
        throw refused;
      },
    });
    set.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(set.describe()).toBe('a:1 no connection (ECONNREFUSED)');
    await set.close();
  });

  it('tell of changes, once each', async () => {
    const { set, faults, changes } = setUp({ hosts: 'ab', random: () => 0.5 });
    set.start();
    await vi.advanceTimersByTimeAsync(5000);
    faults.set('a:1', refused);
    await vi.advanceTimersByTimeAsync(10_000);
    faults.delete('a:1');
    await vi.advanceTimersByTimeAsync(30_000);
    await set.close();
    expect(changes).toEqual([
      '10000 a:1 down: no connection (ECONNREFUSED)',
      '16000 a:1 recovering: the health check passed',
    ]);
  });

  it.each([
    { name: 'nothing listens', fault: refused },
    { name: 'it answers with an error', fault: new Error('HTTP 503') },
    { name: 'it is silent', fault: 'hangs' as const },
  ])('bring a replica back within 5 s, whenever it comes back, when $name', async ({ fault }) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 600_000 }), fc.nat(), async (downMs, seed) => {
        const { set, faults, failOnce, replica } = setUp({ hosts: 'a', random: numbers(seed) });
        set.start();
        await vi.advanceTimersByTimeAsync(1500);
        faults.set('a:1', fault);
        failOnce('a');
        await vi.advanceTimersByTimeAsync(downMs);
        faults.delete('a:1');
        await vi.advanceTimersByTimeAsync(5000);
        expect(replica('a').state).not.toBe('down');
        await set.close();
      }),
      { numRuns: 15 },
    );
  });
});

/** 100 requests at a time, each of 100 ms; one that fails is made again elsewhere. */
function underLoad() {
  const world = setUp();
  const { set } = world;
  const dead = new Set<string>();
  /** Requests each replica got since this was last emptied. */
  const got = new Map<string, number>();
  let unanswered = 0;
  const ask = (passed: ReadonlySet<Replica>): void => {
    const lease = set.take(passed);
    if (lease === undefined) {
      unanswered += 1;
      setTimeout(() => ask(NONE), 100);
      return;
    }
    const { name } = lease.replica;
    got.set(name, (got.get(name) ?? 0) + 1);
    const finish = (): void => {
      const isDead = dead.has(name);
      if (isDead) lease.fail('the connection broke (ECONNRESET)', 'failed');
      else lease.succeed();
      lease.release();
      ask(isDead ? new Set([...passed, lease.replica]) : NONE);
    };
    setTimeout(finish, 100);
  };
  set.start();
  for (let client = 0; client < 100; client++) ask(NONE);
  return {
    ...world,
    got,
    unanswered: () => unanswered,
    die: () => {
      dead.add('c:1');
      world.faults.set('c:1', refused);
    },
    comeBack: () => {
      dead.clear();
      world.faults.clear();
    },
  };
}

describe('three replicas under 100 concurrent requests', () => {
  it('lose one and get it back step by step, and no request is without an answer', async () => {
    const { set, replica, got, die, comeBack, unanswered } = underLoad();
    await vi.advanceTimersByTimeAsync(5000);
    const inFlight = set.replicas.map((one) => one.inFlight);
    expect(inFlight.toSorted((a, b) => a - b)).toEqual([33, 33, 34]);

    die();
    await vi.advanceTimersByTimeAsync(200);
    expect(replica('c')).toMatchObject({ state: 'down', inFlight: 0 });
    got.clear();
    await vi.advanceTimersByTimeAsync(1700);
    expect([...got.keys()].sort()).toEqual(['a:1', 'b:1']);
    expect(set.replicas.map((one) => one.inFlight)).toEqual([50, 50, 0]);

    // One trial, after two seconds; the next would be four seconds later.
    got.clear();
    await vi.advanceTimersByTimeAsync(3500);
    expect(got.get('c:1')).toBe(1);

    comeBack();
    for (let wait = 0; replica('c').state === 'down' && wait < 5000; wait += 50) {
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(replica('c').state).toBe('recovering');
    const shares: number[] = [];
    for (let second = 0; second < 11; second++) {
      got.clear();
      await vi.advanceTimersByTimeAsync(1000);
      const all = [...got.values()].reduce((sum, count) => sum + count, 0);
      shares.push((got.get('c:1') ?? 0) / all);
    }
    expect(replica('c').state).toBe('up');
    expect(shares[0]).toBeLessThan(0.12);
    expect(shares.slice(0, 10)).toEqual(shares.slice(0, 10).sort((a, b) => a - b));
    expect(new Set(shares.slice(0, 10)).size).toBe(10);
    expect(shares.at(-1)).toBeGreaterThan(0.31);
    expect(unanswered()).toBe(0);
    await set.close();
  });
});
