import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HealthProbe } from '../../../src/upstream/replicas/health-probe.ts';
import { TransportError } from '../../../src/upstream/transport-error.ts';
import { oneReplica } from './one-replica.ts';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

type Check = (signal: AbortSignal) => Promise<void>;

const passes: Check = async () => undefined;
const saysNo: Check = async () => {
  throw new Error('HTTP 503');
};
const refuses: Check = async () => {
  throw new TransportError('connect', 'no connection (ECONNREFUSED)');
};
/** Never ends, not even when its signal aborts. */
const hangs: Check = () => new Promise(() => undefined);
const hangsUntilCut: Check = (signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

/**
 * A probe of one replica that checks as told, the last way for ever: every 10 s, every second while down, for 3 s at
 * most.
 */
function probing(checks: readonly Check[], { intervalMs = 10_000, random = 0.5 } = {}) {
  const { replica, failOnce, lease, onChange } = oneReplica({ now: Date.now });
  const times: number[] = [];
  const signals: AbortSignal[] = [];
  const check: Check = (signal) => {
    signals.push(signal);
    // A timer of no time at all takes a millisecond.
    const at = times.push(Math.floor(Date.now() / 10) * 10) - 1;
    return (checks[Math.min(at, checks.length - 1)] as Check)(signal);
  };
  const probe = new HealthProbe(replica, {
    check,
    health: { intervalMs, downIntervalMs: 1000, timeoutMs: 3000 },
    now: Date.now,
    random: () => random,
  });
  onChange.mockImplementation(() => probe.reschedule());
  probe.start();
  return { probe, replica, times, signals, failOnce, lease };
}

describe('HealthProbe', () => {
  it.each<{ name: string; checks: Check[]; intervalMs?: number; times: number[]; state: string }>([
    { name: 'one that is up', checks: [passes], times: [0, 10_000, 20_000], state: 'up' },
    { name: 'one that is up, only once', checks: [passes], intervalMs: 0, times: [0], state: 'up' },
    {
      name: 'one where nothing listens',
      checks: [passes, refuses],
      times: [0, ...seconds(10, 25)],
      state: 'down',
    },
    {
      name: 'one that says no, which counts from the second time on',
      checks: [passes, saysNo, saysNo, passes],
      times: [0, 10_000, 11_000, 12_000, 22_000],
      state: 'up',
    },
    {
      name: 'one that said no once',
      checks: [passes, saysNo, passes],
      times: [0, 10_000, 11_000, 21_000],
      state: 'up',
    },
    {
      name: 'one that says no from the start, without an interval',
      checks: [saysNo, saysNo, saysNo, passes],
      intervalMs: 0,
      times: [0, 1000, 2000, 3000],
      state: 'up',
    },
    {
      name: 'one that hangs, one time-out after the other',
      checks: [passes, hangs],
      times: [0, ...seconds(10, 22, 3)],
      state: 'down',
    },
    {
      name: 'one that hung once',
      checks: [passes, hangsUntilCut, passes],
      times: [0, 10_000, 13_000, 23_000],
      state: 'up',
    },
    {
      name: 'at a short interval even sooner than one that is down',
      checks: [passes, saysNo, passes],
      intervalMs: 400,
      times: [0, 400, 800, 1200],
      state: 'up',
    },
  ])('asks $name', async ({ checks, intervalMs, times, state }) => {
    const { probe, ...run } = probing(checks, intervalMs === undefined ? {} : { intervalMs });
    await vi.advanceTimersByTimeAsync(25_000);
    expect(run.times.slice(0, intervalMs === 400 ? 4 : undefined)).toEqual(times);
    expect(run.replica.state).toBe(state);
    await probe.close();
  });

  it.each([
    { random: 0, times: [0, 9000, 18_000] },
    { random: 0.999_999, times: [0, 11_000, 22_000] },
  ])('varies its interval by a tenth: $times', async ({ random, times }) => {
    const { probe, ...run } = probing([passes], { random });
    await vi.advanceTimersByTimeAsync(25_000);
    expect(run.times.map((time) => Math.round(time / 100) * 100)).toEqual(times);
    await probe.close();
  });

  it.each([
    [saysNo, 'HTTP 503'],
    [refuses, 'no connection (ECONNREFUSED)'],
    [hangs, 'no answer to the health check within 3000 ms'],
    // What an abort made of the check is not the cause.
    [hangsUntilCut, 'no answer to the health check within 3000 ms'],
    [() => Promise.reject('secret'), 'the health check failed'],
  ])('says why it failed (%#)', async (check, reason) => {
    const { probe, replica } = probing([check]);
    await vi.advanceTimersByTimeAsync(8000);
    expect(replica).toMatchObject({ state: 'down', lastFailure: reason });
    await probe.close();
  });

  it('cuts a probe off when its time is over', async () => {
    const { probe, signals } = probing([hangs]);
    await vi.advanceTimersByTimeAsync(2999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await vi.advanceTimersByTimeAsync(2);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    await probe.close();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it.each([
    { intervalMs: 10_000, times: [0, 3500] },
    { intervalMs: 0, times: [0, 3500] },
  ])('asks sooner when requests found it down, interval $intervalMs', async ({ intervalMs, times }) => {
    const { probe, failOnce, replica, ...run } = probing([passes], { intervalMs });
    await vi.advanceTimersByTimeAsync(2500);
    failOnce('unreachable');
    await vi.advanceTimersByTimeAsync(1000);
    expect(run.times).toEqual(times);
    expect(replica.state).toBe('recovering');
    await vi.advanceTimersByTimeAsync(9999);
    expect(run.times).toEqual(times);
    await probe.close();
  });

  it('drops what a probe says that began before requests found it down', async () => {
    const { probe, failOnce, replica, times } = probing([
      () => new Promise((resolve) => void setTimeout(resolve, 600)),
      refuses,
    ]);
    await vi.advanceTimersByTimeAsync(500);
    failOnce('unreachable');
    await vi.advanceTimersByTimeAsync(200);
    expect(replica.state).toBe('down');
    await vi.advanceTimersByTimeAsync(300);
    expect(times).toEqual([0, 1000]);
    await probe.close();
  });

  it('stops asking one that recovered by a request, without an interval', async () => {
    const { probe, failOnce, lease, replica, times } = probing([passes, refuses], { intervalMs: 0 });
    await vi.advanceTimersByTimeAsync(0);
    failOnce('unreachable');
    await vi.advanceTimersByTimeAsync(1500);
    lease().succeed();
    expect(replica.state).toBe('recovering');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(times).toEqual([0, 1000]);
    await probe.close();
  });

  it.each([
    ['between probes', passes],
    ['during a probe', hangsUntilCut],
    ['during one that does not heed its signal', hangs],
  ])('closes %s, without a trace', async (_, check) => {
    const { probe, replica, times } = probing([check]);
    await vi.advanceTimersByTimeAsync(100);
    await probe.close();
    await probe.close();
    expect(vi.getTimerCount()).toBe(0);
    probe.reschedule();
    probe.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(times).toEqual([0]);
    expect(replica).toMatchObject({ state: 'up', lastFailure: undefined });
  });

  it('asks one at a time, whatever requests find meanwhile', async () => {
    const { probe, failOnce, lease, times } = probing([hangs]);
    for (let at = 0; at < 20; at++) {
      await vi.advanceTimersByTimeAsync(1000);
      failOnce('unreachable');
      lease().succeed();
    }
    const gaps = times.slice(1).map((time, at) => time - (times[at] as number));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3000);
    await probe.close();
  });

  it('starts once', async () => {
    const { probe, times } = probing([passes]);
    probe.start();
    await vi.advanceTimersByTimeAsync(100);
    probe.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(times).toEqual([0, 10_000]);
    await probe.close();
  });

  it('does not begin when it was closed before', async () => {
    const { replica } = oneReplica();
    const check = vi.fn<Check>(passes);
    const health = { intervalMs: 1, downIntervalMs: 1, timeoutMs: 1 };
    const probe = new HealthProbe(replica, { check, health, now: Date.now, random: Math.random });
    await probe.close();
    probe.start();
    expect(check).not.toHaveBeenCalled();
  });
});

/** Times from one second to another, in milliseconds. */
function seconds(from: number, to: number, step = 1): number[] {
  const times: number[] = [];
  for (let second = from; second <= to; second += step) times.push(second * 1000);
  return times;
}
