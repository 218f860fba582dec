import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type FailedAttempt,
  pause,
  RetryBudget,
  type RetryOptions,
  withRetries,
} from '../../src/upstream/retry.ts';

// Sockets of other files in this process go on with setImmediate: faked, it would never come to its end.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;

describe('RetryBudget', () => {
  it('starts with ten retries and earns one with about ten requests', () => {
    const budget = new RetryBudget();
    expect(Array.from({ length: 11 }, () => budget.spend())).toEqual([...Array(10).fill(true), false]);
    for (let request = 0; request < 9; request++) budget.earn();
    expect(budget.spend()).toBe(false);
    // In floating point, ten times a tenth falls just short of one.
    budget.earn();
    budget.earn();
    expect(budget.spend()).toBe(true);
    expect(budget.spend()).toBe(false);
  });

  it('keeps no more than it may hold', () => {
    const budget = new RetryBudget({ max: 1, ratio: 1 });
    for (let request = 0; request < 5; request++) budget.earn();
    expect([budget.spend(), budget.spend()]).toEqual([true, false]);
  });

  it('never lets retries exceed what was there at the start and a tenth of the requests', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (isRequest) => {
        const budget = new RetryBudget();
        const retries = isRequest.filter((request) => (request ? budget.earn() : budget.spend())).length;
        const requests = isRequest.filter(Boolean).length;
        expect(retries).toBeLessThanOrEqual(10 + requests / 10 + 1e-9);
      }),
    );
  });
});

interface Run {
  readonly outcome: Promise<unknown>;
  /** When each attempt was made, in milliseconds from the start. */
  readonly times: number[];
}

/** Attempts that fail as told, then succeed. */
function run(
  failures: readonly FailedAttempt[],
  options: RetryOptions = {},
  { budget = new RetryBudget(), signal = never } = {},
): Run {
  const times: number[] = [];
  const start = Date.now();
  const outcome = withRetries(
    async (number) => {
      expect(number).toBe(times.push(Date.now() - start) - 1);
      const failure = failures[number];
      if (failure !== undefined) throw failure;
      return `attempt ${number}`;
    },
    (error) => error as FailedAttempt,
    { budget, signal, options: { random: () => 1, ...options } },
  );
  // It may be rejected while the clock runs, before a test looks.
  outcome.catch(() => undefined);
  return { outcome, times };
}

const transient: FailedAttempt = { retryable: true };
const hinted = (hintMs: number): FailedAttempt => ({ retryable: true, hintMs });

describe('withRetries', () => {
  it.each<{
    name: string;
    failures: FailedAttempt[];
    options?: RetryOptions;
    times: number[];
    succeeds: boolean;
  }>([
    { name: 'no failure', failures: [], times: [0], succeeds: true },
    { name: 'two failures', failures: [transient, transient], times: [0, 500, 1500], succeeds: true },
    {
      name: 'three failures',
      failures: [transient, transient, transient],
      times: [0, 500, 1500],
      succeeds: false,
    },
    { name: 'one that will not pass', failures: [{ retryable: false }], times: [0], succeeds: false },
    {
      name: 'one that will not pass after one that may',
      failures: [transient, { retryable: false }],
      times: [0, 500],
      succeeds: false,
    },
    {
      name: 'lucky jitter',
      failures: [transient],
      options: { random: () => 0 },
      times: [0, 0],
      succeeds: true,
    },
    {
      name: 'middling jitter',
      failures: [transient, transient],
      options: { random: () => 0.5 },
      times: [0, 250, 750],
      succeeds: true,
    },
    { name: 'a hint', failures: [hinted(2000)], times: [0, 2000], succeeds: true },
    { name: 'a hint shorter than the wait', failures: [hinted(100)], times: [0, 500], succeeds: true },
    { name: 'the longest hint', failures: [hinted(20_000)], times: [0, 20_000], succeeds: true },
    { name: 'too long a hint', failures: [hinted(20_001)], times: [0], succeeds: false },
    { name: 'no retries', failures: [transient], options: { maxRetries: 0 }, times: [0], succeeds: false },
    {
      name: 'another wait',
      failures: [transient, transient],
      options: { baseDelayMs: 10 },
      times: [0, 10, 30],
      succeeds: true,
    },
  ])('with $name tries at $times ms', async ({ failures, options, times, succeeds }) => {
    const attempts = run(failures, options);
    await vi.runAllTimersAsync();
    expect(attempts.times).toEqual(times);
    const outcome = await attempts.outcome.catch((error: unknown) => error);
    expect(outcome).toBe(succeeds ? `attempt ${times.length - 1}` : failures[times.length - 1]);
  });

  it('stops when the budget is spent', async () => {
    const budget = new RetryBudget({ max: 1, ratio: 0 });
    const attempts = run([transient, transient], {}, { budget });
    await vi.runAllTimersAsync();
    expect(attempts.times).toEqual([0, 500]);
    await expect(attempts.outcome).rejects.toBe(transient);
  });

  it('does not spend the budget on what is not retried', async () => {
    const budget = new RetryBudget({ max: 1, ratio: 0 });
    for (const failure of [{ retryable: false }, hinted(60_000)]) {
      await expect(run([failure], {}, { budget }).outcome).rejects.toBe(failure);
    }
    expect(budget.spend()).toBe(true);
  });

  it('makes no further attempt after an abort while one ran', async () => {
    const aborted = new AbortController();
    const outcome = withRetries(
      async () => {
        aborted.abort(new Error('gone'));
        throw transient;
      },
      () => transient,
      { budget: new RetryBudget(), signal: aborted.signal },
    );
    await expect(outcome).rejects.toBe(transient);
  });

  it('ends the wait with an abort', async () => {
    const aborted = new AbortController();
    const attempts = run([transient], {}, { signal: aborted.signal });
    await vi.advanceTimersByTimeAsync(100);
    aborted.abort(new Error('gone'));
    await expect(attempts.outcome).rejects.toThrow('gone');
    expect(attempts.times).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('pause', () => {
  it('ends when its time is over, and not before', async () => {
    let isOver = false;
    const waiting = pause(100, never).then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(99);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
    expect(isOver).toBe(true);
  });

  it('is rejected at once for a signal that has aborted', async () => {
    await expect(pause(100, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(vi.getTimerCount()).toBe(0);
  });
});
