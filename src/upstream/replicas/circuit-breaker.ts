export interface CircuitOptions {
  /** Failures of requests in a row that open the circuit, at least 1. */
  readonly failures: number;
  /**
   * Time from the opening to the first trial by a request, in milliseconds, above 0; doubled with each opening until
   * requests succeed again.
   */
  readonly openMs: number;
  /** Longest such time, in milliseconds. */
  readonly maxOpenMs: number;
}

/**
 * Why a probe failed. `unreachable`: nothing listens there; `silent`: no answer; `unhealthy`: an answer that says so.
 */
export type ProbeFault = 'unreachable' | 'silent' | 'unhealthy';

/** Failed probes in a row that open the circuit: one slow answer is no outage. */
const PROBE_FAILURES = 2;

/**
 * Whether requests may go to one replica. Closed, they may. Open, one at a time may try, once the time is due. Knows no
 * clock: times are milliseconds of any clock that does not go back.
 */
export class CircuitBreaker {
  readonly #options: CircuitOptions;
  #epoch = 0;
  #openedAt: number | undefined;
  /** Openings since requests last succeeded. */
  #openings = 0;
  #failures = 0;
  #probeFailures = 0;
  /** At the latest probe that failed, the replica itself said that it is not healthy. */
  #saysUnhealthy = false;
  /** A probe failed while the circuit was open. */
  #wasSeenDown = false;
  #isTried = false;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  /**
   * Changes when the circuit opens or closes. A verdict about what began in another epoch does not count: the failures
   * of a crash must not open the circuit of the restarted server, and answers finished by a server that shuts down
   * must not close it.
   */
  get epoch(): number {
    return this.#epoch;
  }

  get isOpen(): boolean {
    return this.#openedAt !== undefined;
  }

  /** Closed, but the latest probe failed. */
  get isSuspect(): boolean {
    return !this.isOpen && this.#probeFailures > 0;
  }

  allows(now: number): boolean {
    return !this.isOpen || (!this.#isTried && this.#isDue(now));
  }

  /** A request is about to try an open circuit. */
  beginTrial(): void {
    this.#isTried = true;
  }

  /** The trial brought nothing to light: another may be made. */
  endTrial(): void {
    this.#isTried = false;
  }

  /** A request succeeded: the best proof there is. */
  requestSucceeded(): void {
    this.#openings = 0;
    this.#failures = 0;
    // Under full load a server may be slow to answer probes while it serves requests well.
    if (!this.#saysUnhealthy) this.#probeFailures = 0;
    if (this.isOpen) this.#close();
  }

  requestFailed(now: number, isUnreachable: boolean): void {
    this.#failures += 1;
    if (this.isOpen || isUnreachable || this.#failures >= this.#options.failures) this.#open(now);
  }

  /**
   * Closes the circuit, with one exception: where requests fail again and again while no probe ever does, the probe
   * does not see what is wrong, such as a server whose GPU hangs. Then it counts only when a trial would be due as well.
   */
  probePassed(now: number): void {
    this.#probeFailures = 0;
    if (!this.isOpen) return;
    if (this.#wasSeenDown) this.#openings = 0;
    if (this.#openings <= 1 || this.#isDue(now)) this.#close();
  }

  probeFailed(now: number, fault: ProbeFault): void {
    this.#probeFailures += 1;
    this.#saysUnhealthy = fault === 'unhealthy';
    if (this.isOpen) this.#wasSeenDown = true;
    else if (fault === 'unreachable' || this.#probeFailures >= PROBE_FAILURES) {
      this.#open(now);
      this.#wasSeenDown = true;
    }
  }

  #isDue(now: number): boolean {
    const { openMs, maxOpenMs } = this.#options;
    const waitMs = Math.min(maxOpenMs, openMs * 2 ** (this.#openings - 1));
    return this.#openedAt !== undefined && now - this.#openedAt >= waitMs;
  }

  #open(now: number): void {
    this.#openedAt = now;
    this.#openings += 1;
    this.#isTried = false;
    this.#epoch += 1;
  }

  #close(): void {
    this.#openedAt = undefined;
    this.#failures = 0;
    this.#probeFailures = 0;
    this.#wasSeenDown = false;
    this.#epoch += 1;
  }
}
