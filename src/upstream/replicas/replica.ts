/**
 * `up`: it may be asked; `down`: its circuit is open, at most one request at a time tries it; `recovering`: it may be
 * asked again, its share of the load is rising.
 */
export type ReplicaState = 'up' | 'down' | 'recovering';

/** One of the servers that answer for an upstream, as callers see it. */
export interface Replica {
  /** Base URL without trailing slash, user name, password, query and fragment. */
  readonly url: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path of the base URL without trailing slash; empty when it has none. */
  readonly pathPrefix: string;
  /** Host and port for messages and logs; the path follows where several replicas share them. */
  readonly name: string;
  readonly state: ReplicaState;
  /** The latest failure; `undefined` once a request or a probe succeeded after it. */
  readonly lastFailure: string | undefined;
  /** Leases that are not given back. */
  readonly inFlight: number;
}

/**
 * What a failed request says about the replica. `unreachable`: nothing listens there; `failed`: the connection broke,
 * no answer in time, or an error of the server's own; `overloaded`: it works and has no room, such as 429, or 503 with
 * `retry-after`.
 */
export type ReplicaFault = 'unreachable' | 'failed' | 'overloaded';

/**
 * One request at one replica. Verdicts may be given while it runs: `succeed` when the answer has begun, `fail` when it
 * breaks off later. Of several failures of one request the first counts. A lease without a verdict, such as that of a
 * client that left, says nothing about the replica.
 */
export interface Lease {
  readonly replica: Replica;
  succeed(): void;
  /** Bytes of the answer arrive: the replica is at work, even if it answers nothing else meanwhile. */
  stir(): void;
  /**
   * @param reason shown to clients and in logs: no secrets
   * @param retryAfterMs with `overloaded`: how long the replica asks to be spared, in milliseconds
   */
  fail(reason: string, fault: ReplicaFault, retryAfterMs?: number): void;
  /** The request is over, body included. To be called in every case; later calls and verdicts do nothing. */
  release(): void;
}
