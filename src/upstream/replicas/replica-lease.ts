import type { Lease, ReplicaFault } from './replica.ts';
import type { TrackedReplica } from './tracked-replica.ts';

export class ReplicaLease implements Lease {
  readonly replica: TrackedReplica;
  #epoch: number;
  /** It tries an open circuit, and nothing is known yet. */
  #isTrial: boolean;
  #hasFailed = false;
  #isReleased = false;

  constructor(replica: TrackedReplica) {
    this.replica = replica;
    this.#epoch = replica.epoch;
    this.#isTrial = replica.begin();
  }

  succeed(): void {
    if (this.#hasFailed || this.#isReleased) return;
    const isCurrent = this.#epoch === this.replica.epoch;
    this.replica.requestSucceeded(this.#epoch);
    // This success may have closed the circuit: the same answer can still break off, and that is to count.
    if (isCurrent) this.#epoch = this.replica.epoch;
    this.#isTrial = false;
  }

  stir(): void {
    this.replica.stir();
  }

  fail(reason: string, fault: ReplicaFault, retryAfterMs = 0): void {
    if (this.#hasFailed || this.#isReleased) return;
    this.#hasFailed = true;
    if (fault === 'overloaded') {
      this.replica.requestRefused(this.#epoch, reason, retryAfterMs);
      this.#endTrial();
    } else {
      this.replica.requestFailed(this.#epoch, reason, fault);
      this.#isTrial = false;
    }
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#endTrial();
    this.replica.end();
  }

  #endTrial(): void {
    if (this.#isTrial) this.replica.endTrial(this.#epoch);
    this.#isTrial = false;
  }
}
