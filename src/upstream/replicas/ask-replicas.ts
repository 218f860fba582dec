import { GatewayError } from '../../errors.ts';
import { judgeFailure } from '../judge-failure.ts';
import { pause, type RetryBudget } from '../retry.ts';
import { toGatewayFailure } from '../to-gateway-failure.ts';
import { TransportError } from '../transport-error.ts';
import type { Lease, Replica, ReplicaFault } from './replica.ts';
import type { ReplicaSet } from './replica-set.ts';

export interface AskOptions {
  /** The upstream's name, for messages. */
  readonly upstream: string;
  /** Further attempts at replicas that were asked already. */
  readonly retries: number;
  /** Longest wait before the first of them, in milliseconds; doubles with each. */
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
  /** Who was asked before, and why each does not answer. */
  readonly passedOver: readonly string[];
}

const NONE: ReadonlySet<Replica> = new Set();

/**
 * Asks one replica after the other until one answers. Each is asked once, without a pause; when all have been asked,
 * again after pauses. A move away from a replica that broke the connection costs nothing of the retry budget: where
 * nobody serves there is no load to add to, and its circuit opens after a few of them.
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
  let failure: unknown;
  let lease = round.first();
  while (lease !== undefined) {
    const { replica } = lease;
    try {
      return { answer: await ask(lease), replica, passedOver: round.passedOver };
    } catch (error) {
      // A client that leaves, or the end of its time, says nothing about the replica.
      if (!options.signal.aborted) giveVerdict(lease, error);
      lease.release();
      if (options.signal.aborted) throw error;
      failure = error;
      if (!judgeFailure(error).retryable) break;
      lease = await round.after(replica, error);
    }
  }
  throw round.failure(failure);
}

/** The attempts of one request. */
class Round {
  readonly passedOver: string[] = [];
  readonly #set: ReplicaSet;
  readonly #options: AskOptions;
  readonly #asked = new Set<Replica>();
  #retries = 0;

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
    const { retries, budget, signal, maxHintMs, baseDelayMs, random } = this.#options;
    const hasFresh = this.#set.replicas.some((other) => !this.#asked.has(other));
    if (!this.#set.isAvailable() || (!hasFresh && this.#retries >= retries)) return undefined;
    if (!isConnectionFault(failure) && !budget.spend()) return undefined;
    const fresh = this.#set.take(this.#asked);
    if (fresh !== undefined) return fresh;
    const { hintMs = 0 } = judgeFailure(failure);
    if (this.#retries >= retries || hintMs > maxHintMs) return undefined;
    await pause(Math.max(hintMs, random() * baseDelayMs * 2 ** this.#retries++), signal);
    return this.#set.take(NONE);
  }

  failure(error: unknown): unknown {
    const { upstream } = this.#options;
    const isUnreachable =
      error === undefined || (error instanceof TransportError && error.fault === 'connect');
    const failure = isUnreachable
      ? new GatewayError(
          'upstream_unavailable',
          `No server of the upstream ${upstream} can be reached: ${this.#set.describe()}.`,
          { retryAfterSeconds: 1, cause: error },
        )
      : toGatewayFailure(error, `The upstream ${upstream}`);
    return failure instanceof GatewayError ? failure.with({ passedOver: this.passedOver }) : failure;
  }
}

/** What a failed request says about the replica. */
function giveVerdict(lease: Lease, error: unknown): void {
  if (error instanceof TransportError && error.fault === 'too-large') lease.succeed();
  else if (error instanceof TransportError) {
    lease.fail(error.message, error.fault === 'connect' ? 'unreachable' : 'failed');
  } else if (error instanceof GatewayError) {
    const fault = faultOf(error);
    if (fault === undefined) lease.succeed();
    else lease.fail(reasonOf(error), fault, (error.retryAfterSeconds ?? 0) * 1000);
  }
}

/** @returns `undefined` for a refusal, which a well server gives */
function faultOf({ code, status, retryAfterSeconds }: GatewayError): ReplicaFault | undefined {
  if (status === 429 || (code === 'overloaded' && retryAfterSeconds !== undefined)) return 'overloaded';
  return status >= 500 && code !== 'unsupported' ? 'failed' : undefined;
}

function isConnectionFault(error: unknown): boolean {
  return error instanceof TransportError && (error.fault === 'connect' || error.fault === 'reset');
}

function reasonOf(error: unknown): string {
  if (error instanceof TransportError) return error.message;
  if (error instanceof GatewayError) return `${error.upstream?.status ?? error.status} ${error.code}`;
  return 'failed';
}
