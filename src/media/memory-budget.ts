/** A part of the budget that somebody holds. */
export interface Share {
  readonly bytes: number;
  /** Gives back what is beyond `bytes`. */
  shrink(bytes: number): void;
  /** Gives back all of it. A second call does nothing. */
  release(): void;
}

interface Waiter {
  readonly bytes: number;
  readonly grant: (share: Share) => void;
}

/**
 * Memory for media that many requests share. A request takes all it may need at once, so that no two can wait for each
 * other, and gives back what it does not need as soon as that is known. Who came first is served first.
 */
export class MemoryBudget {
  /** In bytes. No share is larger. */
  readonly total: number;
  #free: number;
  readonly #waiting: Waiter[] = [];

  /** @param total in bytes */
  constructor(total: number) {
    this.total = total;
    this.#free = total;
  }

  get free(): number {
    return this.#free;
  }

  /** Whether somebody waits for a share. */
  get isWanted(): boolean {
    return this.#waiting.length > 0;
  }

  /**
   * @param bytes what is wanted; of more than there is in all, that is granted
   * @param signal ends the wait
   * @throws the signal's reason
   */
  async take(bytes: number, signal: AbortSignal): Promise<Share> {
    signal.throwIfAborted();
    const wanted = Math.min(bytes, this.total);
    if (this.#waiting.length === 0 && wanted <= this.#free) return this.#grant(wanted);
    const { promise, resolve, reject } = Promise.withResolvers<Share>();
    const waiter: Waiter = { bytes: wanted, grant: resolve };
    this.#waiting.push(waiter);
    const leave = (): void => {
      const at = this.#waiting.indexOf(waiter);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      reject(signal.reason);
      // It may have stood in the way of smaller ones.
      this.#serve();
    };
    signal.addEventListener('abort', leave, { once: true });
    return promise.finally(() => {
      signal.removeEventListener('abort', leave);
    });
  }

  #grant(bytes: number): Share {
    this.#free -= bytes;
    let held = bytes;
    const shrink = (to: number): void => {
      if (to >= held) return;
      this.#free += held - to;
      held = to;
      this.#serve();
    };
    return {
      get bytes() {
        return held;
      },
      shrink,
      release: () => {
        shrink(0);
      },
    };
  }

  #serve(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && next.bytes <= this.#free;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      next.grant(this.#grant(next.bytes));
    }
  }
}
