import { TransportError } from '../transport-error.ts';
import type { ProbeFault } from './circuit-breaker.ts';
import type { TrackedReplica } from './tracked-replica.ts';

export interface HealthOptions {
  /** Time from one probe of a replica to the next while it is up, in milliseconds; 0: none. */
  readonly intervalMs: number;
  /** The same while it is down, or after a failed probe. */
  readonly downIntervalMs: number;
  /** Longest time for one probe, in milliseconds. */
  readonly timeoutMs: number;
}

export interface HealthProbeOptions {
  readonly check: (signal: AbortSignal) => Promise<void>;
  readonly health: HealthOptions;
  readonly now: () => number;
  readonly random: () => number;
}

/** Intervals vary by a tenth either way, so that servers started together do not probe together for ever. */
const JITTER = 0.1;

/** Asks one replica again and again whether it is healthy: once at the start, one probe at a time. */
export class HealthProbe {
  readonly #replica: TrackedReplica;
  readonly #options: HealthProbeOptions;
  #state: 'new' | 'started' | 'closed' = 'new';
  #timer: NodeJS.Timeout | undefined;
  #running: { readonly cut: AbortController; readonly done: Promise<void> } | undefined;
  #startedAt = 0;

  constructor(replica: TrackedReplica, options: HealthProbeOptions) {
    this.#replica = replica;
    this.#options = options;
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#begin();
  }

  /** The replica went down or recovered: the interval is another one. */
  reschedule(): void {
    if (this.#running !== undefined) return;
    clearTimeout(this.#timer);
    this.#schedule(this.#options.now());
  }

  /** No further probes; one that runs is cut off, whether it heeds its signal or not. */
  async close(): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#running?.cut.abort(new Error('the server is shutting down'));
    await this.#running?.done;
  }

  #begin(): void {
    const cut = new AbortController();
    this.#startedAt = this.#options.now();
    this.#running = { cut, done: this.#probe(cut) };
  }

  async #probe(cut: AbortController): Promise<void> {
    const { epoch } = this.#replica;
    const { timeoutMs } = this.#options.health;
    const timer = setTimeout(() => {
      cut.abort(new TransportError('timeout', `no answer to the health check within ${timeoutMs} ms`));
    }, timeoutMs).unref();
    const failure = await settle(this.#options.check, cut.signal);
    clearTimeout(timer);
    if (this.#state === 'closed') return;
    if (failure === undefined) this.#replica.probePassed(epoch);
    else this.#replica.probeFailed(epoch, failure.message, faultOf(failure), this.#startedAt);
    // Not before: the verdict may have called reschedule.
    this.#running = undefined;
    this.#schedule(this.#startedAt);
  }

  /** Plans the next probe, counted from a time: a probe that waited for long has waited already. */
  #schedule(from: number): void {
    const interval = this.#intervalMs();
    if (interval === 0 || this.#state !== 'started') return;
    const jitter = 1 + JITTER * (2 * this.#options.random() - 1);
    const delay = Math.max(0, from + interval * jitter - this.#options.now());
    this.#timer = setTimeout(() => this.#begin(), delay).unref();
  }

  #intervalMs(): number {
    const { intervalMs, downIntervalMs } = this.#options.health;
    if (this.#replica.state === 'down') return downIntervalMs;
    if (!this.#replica.isSuspect) return intervalMs;
    return intervalMs === 0 ? downIntervalMs : Math.min(intervalMs, downIntervalMs);
  }
}

/** @returns why the check failed, or was cut off; `undefined` when it passed */
async function settle(
  check: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<Error | undefined> {
  // Heard before the check hears of it: what an abort makes of the check is not the cause.
  const cut = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    await Promise.race([cut, check(signal)]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error('the health check failed');
  }
}

function faultOf(failure: Error): ProbeFault {
  if (!(failure instanceof TransportError)) return 'unhealthy';
  return failure.fault === 'connect' ? 'unreachable' : 'silent';
}
