import { chooseReplica } from './choose-replica.ts';
import type { CircuitOptions } from './circuit-breaker.ts';
import { type HealthOptions, HealthProbe } from './health-probe.ts';
import type { Lease, Replica, ReplicaState } from './replica.ts';
import { replicaAddresses } from './replica-address.ts';
import { ReplicaLease } from './replica-lease.ts';
import { TrackedReplica } from './tracked-replica.ts';

export interface ReplicaSetOptions {
  /** Base URLs, at least one. */
  readonly urls: readonly string[];
  /**
   * Asks a replica whether it is healthy. Throws when it is not: the `TransportError` when there was no answer, any
   * other error when the answer says so. Its message is shown to clients and in logs: no secrets. A wrong path or key
   * (4xx) is better passed as healthy, for the server lives.
   */
  readonly probe: (replica: Replica, signal: AbortSignal) => Promise<void>;
  readonly health: HealthOptions;
  readonly circuit: CircuitOptions;
  /** Time over which a recovered replica's share of the load rises from a tenth to all, in milliseconds. */
  readonly slowStartMs: number;
  /** Milliseconds of a clock that does not go back, such as `performance.now`. */
  readonly now: () => number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** A replica went down or came back. The end of a slow start is not told. Must not throw. */
  readonly onChange?: (replica: Replica, state: ReplicaState, reason: string) => void;
}

/**
 * Several servers that answer for one upstream: spreads requests over them, and spares those that do not answer.
 *
 * What requests meet opens and closes circuits, and so do probes, which run from `start` to `close`. With probes once a
 * second while a replica is down, it is asked again a second after it is back, or after its time-out for probes.
 */
export class ReplicaSet {
  readonly #random: () => number;
  readonly #replicas: readonly TrackedReplica[];
  readonly #probes: ReadonlyMap<Replica, HealthProbe>;

  /** @throws {RangeError} without any URL; {TypeError} when one is no URL */
  constructor(options: ReplicaSetOptions) {
    const { urls, circuit, slowStartMs, probe, health, now, random } = options;
    if (urls.length === 0) throw new RangeError('A replica set needs a base URL.');
    this.#random = random;
    const onChange = (replica: Replica, state: ReplicaState, reason: string): void => {
      this.#probes.get(replica)?.reschedule();
      options.onChange?.(replica, state, reason);
    };
    this.#replicas = replicaAddresses(urls).map(
      (address) => new TrackedReplica(address, { circuit, slowStartMs, now, onChange }),
    );
    this.#probes = new Map(
      this.#replicas.map((replica) => {
        const check = async (signal: AbortSignal): Promise<void> => probe(replica, signal);
        return [replica, new HealthProbe(replica, { check, health, now, random })];
      }),
    );
  }

  get replicas(): readonly Replica[] {
    return this.#replicas;
  }

  /** It is known of each replica whether it is up: it answered, or its circuit opened. */
  get hasSettled(): boolean {
    return this.#replicas.every((replica) => replica.isSettled);
  }

  /** Probes each replica at once, then at its intervals. */
  start(): void {
    for (const probe of this.#probes.values()) probe.start();
  }

  /** Ends the probes. Leases stay valid. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#probes.values(), (probe) => probe.close()));
  }

  /** Whether any replica may be asked now. */
  isAvailable(): boolean {
    return this.#replicas.some((replica) => replica.mayBeAsked);
  }

  /**
   * Leases the replica to ask next: the one with the fewest requests in flight for its share, ties at random. Replicas
   * that asked to be spared come last. An open circuit is tried by one request at a time once its time is due.
   *
   * @param passed replicas this request has tried already
   * @returns `undefined` when none may be asked
   */
  take(passed: ReadonlySet<Replica>): Lease | undefined {
    const candidates = this.#replicas.filter((replica) => !passed.has(replica) && replica.mayBeAsked);
    const chosen = chooseReplica(candidates, this.#random);
    return chosen && new ReplicaLease(chosen);
  }

  /** How the replicas are, for messages: `10.0.0.5:8000 no connection (ECONNREFUSED); 10.0.0.6:8000 HTTP 503`. */
  describe(): string {
    return this.#replicas.map(({ name, lastFailure }) => `${name} ${lastFailure ?? 'is up'}`).join('; ');
  }
}
