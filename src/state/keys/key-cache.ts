import { LruMap } from '../../lru-map.ts';
import { BatchedLookup } from './batched-lookup.ts';
import type { KeyRow } from './stored-key.ts';

export interface KeyCacheOptions {
  /** Finds the rows with one of these hashes. */
  readonly load: (hashes: readonly string[]) => Promise<readonly KeyRow[]>;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
}

interface Entry {
  readonly row: KeyRow;
  /** When the row was asked for: it is no newer than that. */
  readonly readAt: number;
}

/**
 * No row is used for longer, in milliseconds: within this time a key that was revoked ends everywhere. And no answer
 * is given from memory while the database does not answer for longer than that.
 */
const MAX_AGE = 10_000;

/** From this age on a row is read again in the background, so that a key in use never waits for the database. */
const REFRESH_AGE = 5000;

const MAX_ENTRIES = 10_000;

/**
 * Rows of keys that were found, by their hash. Unknown keys are not remembered: a new key works at once, and a flood
 * of wrong ones drives out nothing.
 */
export class KeyCache {
  readonly #clock: () => number;
  readonly #entries = new LruMap<Entry>({ maxEntries: MAX_ENTRIES });
  readonly #lookup: BatchedLookup<Entry>;
  /** Counts the times everything was forgotten. */
  #generation = 0;

  constructor({ load, clock }: KeyCacheOptions) {
    this.#clock = clock;
    this.#lookup = new BatchedLookup(async (hashes) => {
      const readAt = clock();
      const generation = this.#generation;
      const rows = await load(hashes);
      const found = new Map(rows.map((row) => [row.hash, { row, readAt }]));
      // Rows asked for before everything was forgotten may be what was to be forgotten.
      if (generation === this.#generation) for (const hash of hashes) this.#keep(hash, found.get(hash));
      return found;
    });
  }

  /** @throws what the load throws, when there is no row that is young enough */
  async find(hash: string): Promise<KeyRow | undefined> {
    const known = this.#entries.get(hash);
    const age = known === undefined ? Infinity : this.#clock() - known.readAt;
    if (known === undefined || age >= MAX_AGE) return (await this.#lookup.get(hash))?.row;
    // What fails here is tried again with the next call, and in the end waited for.
    if (age >= REFRESH_AGE) this.#lookup.get(hash).catch(() => {});
    return known.row;
  }

  /** Forgets all rows. */
  clear(): void {
    this.#generation += 1;
    this.#entries.clear();
  }

  #keep(hash: string, entry: Entry | undefined): void {
    if (entry === undefined) this.#entries.delete(hash);
    else this.#entries.set(hash, entry);
  }
}
