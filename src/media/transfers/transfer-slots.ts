export interface TransferSlotsOptions {
  /** Transfers at a time. */
  readonly max: number;
  /** Of these from one host. @default as many as there are */
  readonly maxPerHost?: number | undefined;
}

interface Waiting {
  readonly host: string;
  readonly start: () => void;
}

/** Bounds how many transfers run at a time. Who comes first goes first, except past those that wait for their own host. */
export class TransferSlots {
  readonly #max: number;
  readonly #maxPerHost: number;
  readonly #runningByHost = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  #running = 0;

  constructor({ max, maxPerHost = max }: TransferSlotsOptions) {
    this.#max = max;
    this.#maxPerHost = maxPerHost;
  }

  /**
   * Waits for a slot.
   *
   * @returns gives it back; calls after the first do nothing
   * @throws the signal's reason, when it aborts first
   */
  take(host: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const waiting: Waiting = {
        host,
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve(this.#occupy(host));
        },
      };
      const onAbort = (): void => {
        this.#waiting.delete(waiting);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiting);
      this.#startWaiting();
    });
  }

  #occupy(host: string): () => void {
    this.#count(host, 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#count(host, -1);
      this.#startWaiting();
    };
  }

  #startWaiting(): void {
    for (const waiting of this.#waiting) {
      if (this.#running >= this.#max) return;
      if ((this.#runningByHost.get(waiting.host) ?? 0) >= this.#maxPerHost) continue;
      this.#waiting.delete(waiting);
      waiting.start();
    }
  }

  #count(host: string, change: 1 | -1): void {
    this.#running += change;
    const ofHost = (this.#runningByHost.get(host) ?? 0) + change;
    if (ofHost === 0) this.#runningByHost.delete(host);
    else this.#runningByHost.set(host, ofHost);
  }
}
