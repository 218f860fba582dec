export interface LruMapOptions<V> {
  /** At least 1. @default no limit */
  readonly maxEntries?: number;
  /** What all entries may weigh together. One that weighs more by itself is not kept. @default no limit */
  readonly maxWeight?: number;
  /** The same for the same entry, whenever it is asked. @default 0 */
  readonly weigh?: (value: V, key: string) => number;
}

/** A map of bounded size. When it is full, the entry goes that was used longest ago. */
export class LruMap<V> {
  readonly #maxEntries: number;
  readonly #maxWeight: number;
  readonly #weigh: (value: V, key: string) => number;
  /** Least recently used first: a Map keeps the order of insertion. */
  readonly #entries = new Map<string, V>();
  #weight = 0;

  constructor({ maxEntries = Infinity, maxWeight = Infinity, weigh = () => 0 }: LruMapOptions<V>) {
    this.#maxEntries = maxEntries;
    this.#maxWeight = maxWeight;
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What all entries weigh together. */
  get weight(): number {
    return this.#weight;
  }

  /** Counts as use. */
  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.delete(key);
    const weight = this.#weigh(value, key);
    if (weight > this.#maxWeight) return;
    this.#entries.set(key, value);
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#weight <= this.#maxWeight) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#weight -= this.#weigh(value, key);
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
  }

  /** Least recently used first; does not count as use. */
  [Symbol.iterator](): IterableIterator<[key: string, value: V]> {
    return this.#entries.entries();
  }
}
