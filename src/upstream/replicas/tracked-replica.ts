import { CircuitBreaker, type CircuitOptions, type ProbeFault } from './circuit-breaker.ts';
import type { Replica, ReplicaFault, ReplicaState } from './replica.ts';
import type { ReplicaAddress } from './replica-address.ts';
import { LEAST_SHARE, slowStartShare } from './slow-start.ts';

export interface TrackedReplicaOptions {
  readonly circuit: CircuitOptions;
  readonly slowStartMs: number;
  readonly now: () => number;
  /** The circuit opened or closed. */
  readonly onChange: (replica: TrackedReplica, state: ReplicaState, reason: string) => void;
}

/** How long an overloaded replica is spared when it does not say, and at most, in milliseconds. */
const DEFAULT_SPARE_MS = 1000;
const MAX_SPARE_MS = 5000;

/** A replica and what is known about it. */
export class TrackedReplica implements Replica {
  readonly url: string;
  readonly origin: string;
  readonly pathPrefix: string;
  readonly name: string;
  readonly #options: TrackedReplicaOptions;
  readonly #circuit: CircuitBreaker;
  #inFlight = 0;
  #lastFailure: string | undefined;
  #isSettled = false;
  #recoveredAt: number | undefined;
  #sparedUntil: number | undefined;
  /** When bytes of an answer last came. */
  #stirredAt = -Infinity;

  constructor(address: ReplicaAddress, options: TrackedReplicaOptions) {
    this.url = address.url;
    this.origin = address.origin;
    this.pathPrefix = address.pathPrefix;
    this.name = address.name;
    this.#options = options;
    this.#circuit = new CircuitBreaker(options.circuit);
  }

  get state(): ReplicaState {
    if (this.#circuit.isOpen) return 'down';
    return this.share < 1 ? 'recovering' : 'up';
  }

  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** It is known whether the replica is up: it answered, or its circuit opened. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The latest probe failed, which is not enough to call it down. */
  get isSuspect(): boolean {
    return this.#circuit.isSuspect;
  }

  /** It may be asked now. */
  get mayBeAsked(): boolean {
    return this.#circuit.allows(this.#options.now());
  }

  /** It asked to be spared: others go first. */
  get isSpared(): boolean {
    return this.#sparedUntil !== undefined && this.#options.now() < this.#sparedUntil;
  }

  /** Share of a full load it should get, from 0.1 to 1. */
  get share(): number {
    if (this.#circuit.isOpen) return LEAST_SHARE;
    if (this.#recoveredAt === undefined) return 1;
    return slowStartShare(this.#options.now() - this.#recoveredAt, this.#options.slowStartMs);
  }

  /** Verdicts name the epoch in which their request or probe began; those of another one do not count. */
  get epoch(): number {
    return this.#circuit.epoch;
  }

  /** A request begins. @returns whether it is the trial of an open circuit */
  begin(): boolean {
    this.#inFlight += 1;
    const isTrial = this.#circuit.isOpen;
    if (isTrial) this.#circuit.beginTrial();
    return isTrial;
  }

  /** A request that began is over. */
  end(): void {
    this.#inFlight -= 1;
  }

  /** Bytes of an answer came. */
  stir(): void {
    this.#stirredAt = this.#options.now();
  }

  /** The trial of this epoch ends without a verdict. */
  endTrial(epoch: number): void {
    if (epoch === this.epoch) this.#circuit.endTrial();
  }

  requestSucceeded(epoch: number): void {
    this.#isSettled = true;
    if (epoch !== this.epoch) return;
    this.#lastFailure = undefined;
    this.#track('a request succeeded', () => this.#circuit.requestSucceeded());
  }

  requestFailed(epoch: number, reason: string, fault: Exclude<ReplicaFault, 'overloaded'>): void {
    if (epoch !== this.epoch) return;
    this.#lastFailure = reason;
    const now = this.#options.now();
    this.#track(reason, () => this.#circuit.requestFailed(now, fault === 'unreachable'));
  }

  requestRefused(epoch: number, reason: string, retryAfterMs: number): void {
    this.#isSettled = true;
    if (epoch !== this.epoch) return;
    this.#lastFailure = reason;
    const spareMs = retryAfterMs > 0 ? Math.min(retryAfterMs, MAX_SPARE_MS) : DEFAULT_SPARE_MS;
    this.#sparedUntil = this.#options.now() + spareMs;
  }

  probePassed(epoch: number): void {
    this.#isSettled = true;
    if (epoch !== this.epoch) return;
    if (!this.#circuit.isOpen) this.#lastFailure = undefined;
    const now = this.#options.now();
    this.#track('the health check passed', () => this.#circuit.probePassed(now));
  }

  /** @param startedAt when the probe began: a server that sent something since then is only busy */
  probeFailed(epoch: number, reason: string, fault: ProbeFault, startedAt = Infinity): void {
    if (epoch !== this.epoch || (fault === 'silent' && this.#stirredAt >= startedAt)) return;
    this.#lastFailure = reason;
    const now = this.#options.now();
    this.#track(reason, () => this.#circuit.probeFailed(now, fault));
  }

  /** Tells of the circuit if the verdict opens or closes it. */
  #track(reason: string, verdict: () => void): void {
    const wasOpen = this.#circuit.isOpen;
    verdict();
    const isOpen = this.#circuit.isOpen;
    if (isOpen === wasOpen) return;
    this.#isSettled = true;
    if (!isOpen) {
      this.#lastFailure = undefined;
      this.#recoveredAt = this.#options.now();
    }
    this.#options.onChange(this, this.state, reason);
  }
}
