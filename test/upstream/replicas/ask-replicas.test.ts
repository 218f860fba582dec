import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../../src/errors.ts';
import { type AskOptions, askReplicas } from '../../../src/upstream/replicas/ask-replicas.ts';
import type { Lease, Replica, ReplicaFault } from '../../../src/upstream/replicas/replica.ts';
import { ReplicaSet } from '../../../src/upstream/replicas/replica-set.ts';
import { RetryBudget } from '../../../src/upstream/retry.ts';
import { TransportError } from '../../../src/upstream/transport-error.ts';

const REFUSED = new TransportError('connect', 'no connection (ECONNREFUSED)');
const BROKEN = new TransportError('reset', 'the connection broke');
const SILENT = new TransportError('timeout', 'no answer in time');
const TOO_LARGE = new TransportError('too-large', 'the answer is larger than this server accepts');
const failed = (code: GatewayError['code'], retryAfterSeconds?: number) =>
  new GatewayError(code, `it is ${code}`, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });

/** Counts what is done with leases. */
class CountedLease implements Lease {
  readonly verdicts: string[] = [];
  releases = 0;
  readonly #lease: Lease;

  constructor(lease: Lease) {
    this.#lease = lease;
  }

  get replica(): Replica {
    return this.#lease.replica;
  }

  stir(): void {
    this.#lease.stir();
  }

  succeed(): void {
    this.verdicts.push('succeed');
    this.#lease.succeed();
  }

  fail(reason: string, fault: ReplicaFault, retryAfterMs = 0): void {
    this.verdicts.push(`${fault} ${reason} ${retryAfterMs}`);
    this.#lease.fail(reason, fault, retryAfterMs);
  }

  release(): void {
    this.releases++;
    this.#lease.release();
  }
}

class CountingSet extends ReplicaSet {
  readonly leases: CountedLease[] = [];

  override take(passed: ReadonlySet<Replica>): Lease | undefined {
    const lease = super.take(passed);
    if (lease === undefined) return undefined;
    const counted = new CountedLease(lease);
    this.leases.push(counted);
    return counted;
  }
}

interface Place {
  readonly set: CountingSet;
  /** Letters of the replicas that were asked, and when, in milliseconds. */
  readonly asked: string[];
  readonly abort: (reason: unknown) => void;
  /** Each attempt meets the next of these; after the last one all is well. */
  readonly ask: (
    failures: readonly unknown[],
    options?: Partial<AskOptions>,
  ) => Promise<{ answer: string; passedOver: readonly string[] }>;
}

/** Replicas that are asked in the order of their letters. */
function place(replicas: number): Place {
  const letters = ['a', 'b', 'c', 'd', 'e'].slice(0, replicas);
  const clock = Date.now();
  const set = new CountingSet({
    urls: letters.map((letter) => `http://${letter}:1`),
    probe: async () => {},
    health: { intervalMs: 0, downIntervalMs: 1000, timeoutMs: 1000 },
    circuit: { failures: 3, openMs: 1000, maxOpenMs: 1000 },
    slowStartMs: 0,
    now: () => Date.now(),
    // The first of those tied stays.
    random: () => 0.999_999,
  });
  const asked: string[] = [];
  const controller = new AbortController();
  return {
    set,
    asked,
    abort: (reason) => {
      controller.abort(reason);
    },
    async ask(failures, options = {}) {
      const left = [...failures];
      const { answer, passedOver } = await askReplicas(
        set,
        async (lease) => {
          asked.push(`${lease.replica.name.slice(0, 1)} ${Date.now() - clock}`);
          await Promise.resolve();
          const failure = left.shift();
          if (failure !== undefined) throw failure;
          lease.succeed();
          lease.release();
          return `from ${lease.replica.name}`;
        },
        {
          upstream: 'up',
          retries: 2,
          baseDelayMs: 100,
          maxHintMs: 20_000,
          budget: new RetryBudget(),
          signal: controller.signal,
          random: () => 1,
          ...options,
        },
      );
      return { answer, passedOver };
    },
  };
}

/** The outcome, be it an error. */
const caught = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets all pauses pass. */
async function finished<T>(work: Promise<T>): Promise<T> {
  void work.catch(() => {});
  await vi.runAllTimersAsync();
  return work;
}

describe('askReplicas', () => {
  it.each<
    [name: string, replicas: number, retries: number, failures: unknown[], asked: string[], outcome: string]
  >([
    ['one that answers', 3, 2, [], ['a 0'], 'from a:1'],
    ['the next one at once', 3, 2, [BROKEN], ['a 0', 'b 0'], 'from b:1'],
    [
      'as many as there are retries',
      5,
      2,
      [BROKEN, SILENT, failed('internal_error')],
      ['a 0', 'b 0', 'c 0'],
      'internal_error',
    ],
    ['none but the first without retries', 3, 0, [failed('overloaded')], ['a 0'], 'overloaded'],
    [
      'all that cannot be reached, without retries too',
      5,
      0,
      [REFUSED, REFUSED, REFUSED],
      ['a 0', 'b 0', 'c 0', 'd 0'],
      'from d:1',
    ],
    [
      'the same one after pauses',
      1,
      2,
      [BROKEN, failed('internal_error')],
      ['a 0', 'a 100', 'a 300'],
      'from a:1',
    ],
    ['the first one again when all were asked', 2, 2, [BROKEN, BROKEN], ['a 0', 'b 0', 'a 100'], 'from a:1'],
    ['nobody after a refusal', 3, 2, [failed('invalid_argument')], ['a 0'], 'invalid_argument'],
    ['nobody after an answer that is too large', 3, 2, [TOO_LARGE], ['a 0'], 'bad_upstream_response'],
    [
      'another one after a short wait was asked for',
      2,
      2,
      [failed('rate_limit_exceeded', 5)],
      ['a 0', 'b 0'],
      'from b:1',
    ],
    [
      'another one after a long wait was asked for',
      2,
      2,
      [failed('rate_limit_exceeded', 60)],
      ['a 0', 'b 0'],
      'from b:1',
    ],
    [
      'the same one after the wait it asked for',
      1,
      2,
      [failed('rate_limit_exceeded', 5)],
      ['a 0', 'a 5000'],
      'from a:1',
    ],
    [
      'nobody before the longest wait is over',
      1,
      2,
      [failed('rate_limit_exceeded', 20.5)],
      ['a 0'],
      'rate_limit_exceeded',
    ],
    [
      'the one that asked for the shortest wait',
      2,
      2,
      [failed('overloaded', 2), failed('overloaded', 60)],
      ['a 0', 'b 0', 'a 2000'],
      'from a:1',
    ],
    [
      'the one that is up, at its time',
      2,
      2,
      [failed('overloaded', 3), REFUSED],
      ['a 0', 'b 0', 'a 3000'],
      'from a:1',
    ],
    ['nobody when none is up', 2, 2, [REFUSED, REFUSED], ['a 0', 'b 0'], 'upstream_unavailable'],
    [
      'one whose model failed again',
      1,
      3,
      [failed('internal_error'), failed('bad_upstream_response'), failed('empty_response')],
      ['a 0', 'a 100', 'a 300'],
      'empty_response',
    ],
    ['nobody after a mistake of our own', 2, 2, [new TypeError('a bug')], ['a 0'], 'TypeError'],
    [
      'nobody when a failure says so',
      2,
      2,
      [new GatewayError('schema_mismatch', 'too long', { shouldRetry: false })],
      ['a 0'],
      'schema_mismatch',
    ],
  ])('asks %s', async (_, replicas, retries, failures, asked, outcome) => {
    const { set, ask, asked: actual } = place(replicas);
    const result = await finished(caught(ask(failures, { retries }).then(({ answer }) => answer)));
    expect(
      result instanceof GatewayError ? result.code : result instanceof Error ? result.name : result,
    ).toBe(outcome);
    expect(actual).toEqual(asked);
    expect(set.leases.map(({ releases }) => releases)).toEqual(set.leases.map(() => 1));
    expect(set.replicas.map(({ inFlight }) => inFlight)).toEqual(set.replicas.map(() => 0));
  });

  it.each<[failure: unknown, verdict: string[]]>([
    [REFUSED, ['unreachable no connection (ECONNREFUSED) 0']],
    [BROKEN, ['failed the connection broke 0']],
    [SILENT, ['failed no answer in time 0']],
    [TOO_LARGE, ['succeed']],
    [failed('internal_error'), ['failed 500 internal_error 0']],
    [failed('bad_upstream_response'), ['failed 502 bad_upstream_response 0']],
    [failed('overloaded'), ['failed 503 overloaded 0']],
    [failed('overloaded', 1.5), ['overloaded 503 overloaded 1500']],
    [failed('rate_limit_exceeded'), ['overloaded 429 rate_limit_exceeded 0']],
    [failed('rate_limit_exceeded', 2), ['overloaded 429 rate_limit_exceeded 2000']],
    [failed('insufficient_quota'), ['overloaded 429 insufficient_quota 0']],
    [failed('invalid_argument'), ['succeed']],
    [failed('invalid_api_key'), ['succeed']],
    [failed('unsupported'), ['succeed']],
    [new TypeError('a bug'), []],
  ])('takes %s for what it says about the replica', async (failure, verdict) => {
    const { set, ask } = place(1);
    await finished(caught(ask([failure], { retries: 0 })));
    expect(set.leases[0]?.verdicts).toEqual(verdict);
  });

  it('tells who was passed over, of an answer and of a failure', async () => {
    const answered = place(3);
    expect(await finished(answered.ask([BROKEN, failed('rate_limit_exceeded')]))).toEqual({
      answer: 'from c:1',
      passedOver: ['a:1 the connection broke', 'b:1 429 rate_limit_exceeded'],
    });
    const unanswered = place(2);
    expect(await finished(caught(unanswered.ask([BROKEN, SILENT, SILENT])))).toMatchObject({
      code: 'timeout',
      message: 'The upstream up gave no complete answer: no answer in time.',
      passedOver: ['a:1 the connection broke', 'b:1 no answer in time', 'a:1 no answer in time'],
    });
  });

  it('says of an upstream that is down how each of its replicas is', async () => {
    const { set, ask, asked } = place(2);
    await finished(caught(ask([BROKEN, REFUSED, BROKEN, BROKEN], { retries: 5 })));
    asked.length = 0;
    expect(set.replicas.map(({ state }) => state)).toEqual(['down', 'down']);
    expect(await finished(caught(ask([])))).toMatchObject({
      code: 'upstream_unavailable',
      status: 503,
      retryAfterSeconds: 1,
      message:
        'No server of the upstream up can be reached: a:1 the connection broke; b:1 no connection (ECONNREFUSED).',
      passedOver: ['a:1 the connection broke', 'b:1 no connection (ECONNREFUSED)'],
    });
    expect(asked).toEqual([]);
  });

  it('gives no verdict on a replica whose client left', async () => {
    const { set, ask, abort } = place(2);
    const gone = failed('cancelled');
    const work = caught(ask([BROKEN]));
    abort(gone);
    expect(await work).toBe(BROKEN);
    expect(set.leases.map(({ verdicts, releases }) => ({ verdicts, releases }))).toEqual([
      { verdicts: [], releases: 1 },
    ]);
  });

  it('ends with the client, while it waits', async () => {
    const { ask, asked, abort } = place(1);
    const gone = failed('cancelled');
    const work = caught(ask([failed('rate_limit_exceeded', 10)]));
    await vi.advanceTimersByTimeAsync(5000);
    abort(gone);
    expect(await work).toBe(gone);
    expect(vi.getTimerCount()).toBe(0);
    expect(asked).toEqual(['a 0']);
  });

  it.each([
    { name: 'an error', failure: failed('internal_error'), left: 0 },
    { name: 'silence', failure: SILENT, left: 0 },
    { name: 'a broken connection', failure: BROKEN, left: 1 },
    { name: 'no connection', failure: REFUSED, left: 1 },
  ])('pays for the attempt after $name: $left of 1 is left', async ({ failure, left }) => {
    const { ask } = place(2);
    const budget = new RetryBudget({ max: 1, ratio: 0 });
    await finished(ask([failure], { budget }));
    expect(budget.spend()).toBe(left === 1);
  });

  it.each([
    { name: 'there is no retry', replicas: 2, options: { retries: 0 }, failures: [SILENT] },
    { name: 'the wait would be too long', replicas: 1, options: {}, failures: [failed('overloaded', 60)] },
    { name: 'nobody is up', replicas: 2, options: { retries: 1 }, failures: [REFUSED, REFUSED] },
  ])('pays for no attempt when $name', async ({ replicas, options, failures }) => {
    const { ask } = place(replicas);
    const budget = new RetryBudget({ max: 1, ratio: 0 });
    expect(await finished(caught(ask(failures, { ...options, budget })))).toBeInstanceOf(GatewayError);
    expect(budget.spend()).toBe(true);
  });

  it.each([{ replicas: 1 }, { replicas: 2 }])(
    'makes no attempt that it cannot pay: $replicas',
    async ({ replicas }) => {
      const { set, ask, asked } = place(replicas);
      const budget = new RetryBudget({ max: 0, ratio: 0 });
      const started = Date.now();
      expect(await finished(caught(ask([failed('internal_error')], { budget })))).toMatchObject({
        code: 'internal_error',
      });
      expect(asked).toHaveLength(1);
      expect(Date.now()).toBe(started);
      expect(set.replicas.map(({ inFlight }) => inFlight)).toEqual(set.replicas.map(() => 0));
    },
  );
});

describe('an error of status 500 in the words of the server', () => {
  const own = new GatewayError('internal_error', 'it cannot be done', { upstream: { status: 500 } });

  it('says nothing against replicas that all fail at the request', async () => {
    const { set, ask, asked } = place(2);
    for (let request = 0; request < 5; request++) {
      expect(await finished(caught(ask([own, own, own])))).toMatchObject({ code: 'internal_error' });
    }
    expect(asked).toHaveLength(15);
    expect(set.replicas.map(({ state }) => state)).toEqual(['up', 'up']);
    expect(set.leases.every(({ releases }) => releases === 1)).toBe(true);
  });

  it('says so against one that fails where another does not', async () => {
    const { set, ask } = place(2);
    expect(await finished(ask([own]))).toEqual({
      answer: 'from b:1',
      passedOver: ['a:1 500 internal_error'],
    });
    expect(set.leases.map(({ verdicts, releases }) => [verdicts, releases])).toEqual([
      [['failed 500 internal_error 0'], 1],
      [['succeed'], 1],
    ]);
  });

  it('says nothing against the one that does it at the second try', async () => {
    const { set, ask } = place(1);
    expect(await finished(ask([own]))).toMatchObject({ answer: 'from a:1' });
    expect(set.leases.map(({ verdicts, releases }) => [verdicts, releases])).toEqual([
      [[], 1],
      [['succeed'], 1],
    ]);
  });
});
