import { GatewayError } from '../../errors.ts';
import { judgeFailure } from '../judge-failure.ts';
import { pause, type RetryBudget } from '../retry.ts';
import { toGatewayFailure } from '../to-gateway-failure.ts';
import { TransportError, type TransportFault } from '../transport-error.ts';
import { giveVerdict, isUndecided, reasonOf } from './give-verdict.ts';
import type { Lease, Replica } from './replica.ts';
import type { ReplicaSet } from './replica-set.ts';

export interface AskOptions {
  /** The upstream's name, for messages. */
  readonly upstream: string;
  /** Further attempts after a failure, wherever they are made. One that could not be sent at all is none. */
  readonly retries: number;
  /** Longest wait before a replica is asked once more, in milliseconds; doubles with each. */
  readonly baseDelayMs: number;
  /** Longest wait a replica may ask for, in milliseconds. */
  readonly maxHintMs: number;
  readonly budget: RetryBudget;
  readonly signal: AbortSignal;
  readonly random: () => number;
}

export interface Asked<T> {
  readonly answer: T;
  readonly replica: Replica;
  /** Who was asked before, and why each did not answer. */
  readonly passedOver: readonly string[];
}

const NONE: ReadonlySet<Replica> = new Set();

/**
 * Asks one replica after the other until one answers: at once while there is one that was not asked yet, then again
 * after pauses. A replica that cannot be reached is no attempt, so that any number of them may be down. What a broken
 * connection makes necessary costs nothing of the retry budget: where nobody serves there is no load to add to, and the
 * circuit opens after a few of them. It is an attempt nevertheless: a request that brings servers down must not meet
 * them all.
 *
 * @param ask once it has resolved, it gives its verdict and its lease back itself; a failure is judged here
 * @throws {GatewayError} `upstream_unavailable` when no replica can be asked; else what the last attempt met, with who
 *   was passed over. The signal's reason when it aborted.
 */
export async function askReplicas<T>(
  set: ReplicaSet,
  ask: (lease: Lease) => Promise<T>,
  options: AskOptions,
): Promise<Asked<T>> {
  const round = new Round(set, options);
  /** Failed at a request that may be to blame itself. */
  const undecided: { readonly lease: Lease; readonly error: unknown }[] = [];
  let failure: unknown;
  try {
    let lease = round.first();
    while (lease !== undefined) {
      const { replica } = lease;
      try {
        const answer = await ask(lease);
        for (const other of undecided)
          if (other.lease.replica !== replica) giveVerdict(other.lease, other.error);
        return { answer, replica, passedOver: round.passedOver };
      } catch (error) {
        if (isUndecided(error)) undecided.push({ lease, error });
        else {
          // A client that leaves, or the end of its time, says nothing about the replica.
          if (!options.signal.aborted) giveVerdict(lease, error);
          lease.release();
        }
        if (options.signal.aborted) throw error;
        failure = error;
        if (!judgeFailure(error).retryable) break;
        lease = await round.after(replica, error);
      }
    }
    throw round.failure(failure);
  } finally {
    for (const { lease } of undecided) lease.release();
  }
}

/** The attempts of one request. */
class Round {
  readonly passedOver: string[] = [];
  readonly #set: ReplicaSet;
  readonly #options: AskOptions;
  readonly #asked = new Set<Replica>();
  /** How long each asks to wait, in milliseconds. */
  readonly #hints = new Map<Replica, number>();
  #retries = 0;
  #pauses = 0;

  constructor(set: ReplicaSet, options: AskOptions) {
    this.#set = set;
    this.#options = options;
  }

  first(): Lease | undefined {
    this.#options.budget.earn();
    return this.#set.take(NONE);
  }

  /** @returns `undefined` when there is no further attempt */
  async after(replica: Replica, failure: unknown): Promise<Lease | undefined> {
    this.passedOver.push(`${replica.name} ${reasonOf(failure)}`);
    this.#asked.add(replica);
    this.#hints.set(replica, judgeFailure(failure).hintMs ?? 0);
    const wasAttempt = !isTransportFault(failure, 'connect');
    const mayRetry = this.#retries < this.#options.retries;
    if (wasAttempt && !mayRetry) return undefined;
    const fresh = this.#set.take(this.#asked);
    if (fresh === undefined) return mayRetry ? this.#afterPause(failure) : undefined;
    if (wasAttempt) this.#retries += 1;
    if (this.#isPaid(failure)) return fresh;
    fresh.release();
    return undefined;
  }

  /** All have been asked: waits until the first of them may have room. */
  async #afterPause(failure: unknown): Promise<Lease | undefined> {
    const { maxHintMs, baseDelayMs, random, signal } = this.#options;
    const up = this.#set.replicas.filter(({ state }) => state !== 'down');
    const hintMs = Math.min(...up.map((replica) => this.#hints.get(replica) ?? 0));
    // Without anybody it is infinite.
    if (hintMs > maxHintMs || !this.#isPaid(failure)) return undefined;
    this.#retries += 1;
    await pause(Math.max(hintMs, random() * baseDelayMs * 2 ** this.#pauses++), signal);
    return this.#set.take(NONE);
  }

  #isPaid(failure: unknown): boolean {
    const isFree = isTransportFault(failure, 'connect') || isTransportFault(failure, 'reset');
    return isFree || this.#options.budget.spend();
  }

  failure(error: unknown): unknown {
    const { upstream } = this.#options;
    if (error !== undefined && !isTransportFault(error, 'connect')) {
      const failure = toGatewayFailure(error, `The upstream ${upstream}`);
      return failure instanceof GatewayError ? failure.with({ passedOver: this.passedOver }) : failure;
    }
    // Those that were not asked at all are passed over as well: their circuits are open.
    const spared = this.#set.replicas.filter((replica) => !this.#asked.has(replica));
    return new GatewayError(
      'upstream_unavailable',
      `No server of the upstream ${upstream} can be reached: ${this.#set.describe()}.`,
      {
        retryAfterSeconds: 1,
        passedOver: [
          ...this.passedOver,
          ...spared.map(({ name, lastFailure = 'is down' }) => `${name} ${lastFailure}`),
        ],
        cause: error,
      },
    );
  }
}

function isTransportFault(error: unknown, fault: TransportFault): boolean {
  return error instanceof TransportError && error.fault === fault;
}
