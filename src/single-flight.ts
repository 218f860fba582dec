/** Work that several callers want at the same time is done once for all of them. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** Pieces of work under way. */
  get size(): number {
    return this.#flights.size;
  }

  /** The work of this key that is under way, or else what `start` begins. It goes on when its callers leave. */
  run(key: string, start: () => Promise<T>): Promise<T> {
    const underWay = this.#flights.get(key);
    if (underWay !== undefined) return underWay;
    const flight = start().finally(() => this.#flights.delete(key));
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
