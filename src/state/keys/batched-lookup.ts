const MAX_BATCH = 1000;

/**
 * Looks things up many at a time: one load is under way, and whatever is asked for meanwhile goes into the next. So
 * the database gets no more queries from a thousand callers than from one, be their keys right or wrong.
 */
export class BatchedLookup<Value> {
  readonly #load: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>;
  readonly #waiting = new Map<string, PromiseWithResolvers<Value | undefined>>();
  #isLoading = false;

  /** @param load finds the values of all keys it is given; those without one are absent */
  constructor(load: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>) {
    this.#load = load;
  }

  /** @throws what the load throws */
  async get(key: string): Promise<Value | undefined> {
    let asked = this.#waiting.get(key);
    if (asked === undefined) {
      asked = Promise.withResolvers();
      this.#waiting.set(key, asked);
    }
    if (!this.#isLoading) void this.#loadAll();
    return await asked.promise;
  }

  async #loadAll(): Promise<void> {
    this.#isLoading = true;
    while (this.#waiting.size > 0) {
      // Calls of the same moment belong together.
      await Promise.resolve();
      const batch = [...this.#waiting].slice(0, MAX_BATCH);
      for (const [key] of batch) this.#waiting.delete(key);
      try {
        const found = await this.#load(batch.map(([key]) => key));
        for (const [key, asked] of batch) asked.resolve(found.get(key));
      } catch (error) {
        for (const [, asked] of batch) asked.reject(error);
      }
    }
    this.#isLoading = false;
  }
}
