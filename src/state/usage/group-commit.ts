import { setTimeout as pause } from 'node:timers/promises';

export interface GroupCommitOptions<Row> {
  /** Writes rows durably, all or none of them. */
  readonly write: (rows: readonly Row[]) => Promise<void>;
  /** Which of two rows for the same id is to be written. */
  readonly merge: (earlier: Row, later: Row) => Row;
  /** Told of each write that failed; it is tried again. */
  readonly onError: (error: unknown) => void;
}

interface Pending<Row> {
  row: Row;
  readonly written: PromiseWithResolvers<void>;
}

/** How long the first row waits for others, in milliseconds. */
const GATHER = 4;
const MAX_ROWS = 1000;
const MIN_RETRY = 50;
const MAX_RETRY = 2000;

/**
 * Writes rows of many requests together: while one write is under way, the rows of the next gather. So a request costs
 * a share of a write to the disk, and at most two writes lie between its row and its certainty.
 */
export class GroupCommit<Row> {
  readonly #options: GroupCommitOptions<Row>;
  readonly #gathering = new Map<string, Pending<Row>>();
  #writing: ReadonlyMap<string, Pending<Row>> = new Map();
  #work: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(options: GroupCommitOptions<Row>) {
    this.#options = options;
  }

  /** Rows that are not written yet. */
  get size(): number {
    return this.#gathering.size + this.#writing.size;
  }

  /**
   * @returns once the row, or the one it was merged with, is written
   * @throws {Error} when it was closed first
   */
  async add(id: string, row: Row): Promise<void> {
    if (this.#closing.signal.aborted) throw closed();
    let pending = this.#gathering.get(id);
    if (pending === undefined) {
      pending = { row, written: Promise.withResolvers() };
      // Not everybody waits.
      pending.written.promise.catch(() => {});
      this.#gathering.set(id, pending);
    } else {
      pending.row = this.#options.merge(pending.row, row);
    }
    this.#work ??= this.#writeAll();
    await pending.written.promise;
  }

  /** Resolves when all rows added so far are written. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending().map(({ written }) => written.promise));
  }

  /** Writes what is there; what cannot be written within `limit` milliseconds is given up. */
  async close(limit: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, limit);
    await Promise.race([this.#work, late.promise]);
    clearTimeout(timer);
    this.#closing.abort();
    for (const { written } of this.#pending()) written.reject(closed());
    this.#gathering.clear();
  }

  #pending(): readonly Pending<Row>[] {
    return [...this.#writing.values(), ...this.#gathering.values()];
  }

  async #writeAll(): Promise<void> {
    while (this.#gathering.size > 0) {
      await pause(GATHER);
      this.#writing = this.#takeBatch();
      await this.#write([...this.#writing.values()].map(({ row }) => row));
      // Of no effect on what was given up.
      for (const { written } of this.#writing.values()) written.resolve();
      this.#writing = new Map();
    }
    this.#work = undefined;
  }

  #takeBatch(): ReadonlyMap<string, Pending<Row>> {
    const batch = new Map<string, Pending<Row>>();
    for (const [id, pending] of this.#gathering) {
      if (batch.size === MAX_ROWS) break;
      batch.set(id, pending);
      this.#gathering.delete(id);
    }
    return batch;
  }

  /** Resolves when the rows are written or given up. */
  async #write(rows: readonly Row[]): Promise<void> {
    const { signal } = this.#closing;
    for (let delay = MIN_RETRY; !signal.aborted; delay = Math.min(2 * delay, MAX_RETRY)) {
      try {
        await this.#options.write(rows);
        return;
      } catch (error) {
        this.#options.onError(error);
        await pause(delay, undefined, { signal }).catch(() => {});
      }
    }
  }
}

function closed(): Error {
  return new Error('the ledger was closed before the row was written');
}
