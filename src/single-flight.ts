/** Work that several callers want at the same time is done once for all of them. It goes on when they leave. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** Pieces of work under way. */
  get size(): number {
    return this.#flights.size;
  }

  /** The work of this key that is under way, or else what `start` begins. */
  run(key: string, start: () => Promise<T>): Promise<T> {
    const underWay = this.#flights.get(key);
    if (underWay !== undefined) return underWay;
    const flight = start().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }
}

interface SharedFlight<T> {
  readonly outcome: Promise<T>;
  readonly controller: AbortController;
  callers: number;
}

/** The same for work that is in vain when all its callers have left: then it ends. */
export class SharedFlights<T> {
  readonly #flights = new Map<string, SharedFlight<T>>();

  /**
   * @param start gets a signal that aborts the work
   * @param signal of this caller
   * @throws what the work throws, or the signal's reason
   */
  async run(key: string, start: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, start);
    flight.callers++;
    try {
      return await unlessAborted(flight.outcome, signal);
    } finally {
      if (--flight.callers === 0) {
        // Whoever comes now begins anew.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.controller.abort(signal.reason);
      }
    }
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): SharedFlight<T> {
    const controller = new AbortController();
    const flight = { outcome: start(controller.signal), controller, callers: 0 };
    this.#flights.set(key, flight);
    return flight;
  }
}

/** The promise's outcome, or the signal's reason if that comes first. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
