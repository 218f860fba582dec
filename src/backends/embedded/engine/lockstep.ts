/**
 * Answers that advance together. llama.cpp computes several sequences in one pass for little more than the price of
 * one, but only those that are handed over at the same moment; so every answer waits here until all have their token.
 *
 * Whoever has something else to do, such as waiting for its client, steps out meanwhile: nobody waits for it.
 */
export class Lockstep {
  #members = 0;
  #waiting: (() => void)[] = [];

  /** From now on the others wait for the caller. */
  join(): void {
    this.#members++;
  }

  /** The others no longer wait for the caller. */
  leave(): void {
    this.#members--;
    this.#releaseIfComplete();
  }

  /** Resolves when every member has come to its next step. For members only. */
  step(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#releaseIfComplete();
    });
  }

  /** Steps out until `work` is done. For members only. */
  async apart<T>(work: Promise<T>): Promise<T> {
    this.leave();
    try {
      return await work;
    } finally {
      this.join();
    }
  }

  #releaseIfComplete(): void {
    if (this.#waiting.length < this.#members) return;
    const released = this.#waiting;
    this.#waiting = [];
    for (const resolve of released) resolve();
  }
}
