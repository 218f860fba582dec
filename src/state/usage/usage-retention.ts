import { setTimeout as pause } from 'node:timers/promises';
import type { Queryable } from '../database/database.ts';
import { startOfDay } from '../limits/periods.ts';

export interface UsageRetentionOptions {
  /** How many whole days are kept besides the one that runs. At least as many as a month has: limits count them. */
  readonly days: number;
  /** Told of what could not be deleted; it is tried again a day later. */
  readonly onError: (error: unknown) => void;
}

const DAY = 86_400_000;

/** Rows of one statement: about 20 ms of the embedded database, in which nothing else is written. */
const BATCH = 500;

/** How long others have the database to themselves between two statements, in milliseconds. */
const PAUSE = 50;

/** The first day of usage that is kept, in milliseconds since 1970. */
export function firstKeptDay(now: number, days: number): number {
  return startOfDay(now) - days * DAY;
}

/** Deletes rows of the ledger that are too old. Several replicas may do it at once. */
export class UsageRetention {
  readonly #database: Queryable;
  readonly #options: UsageRetentionOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #closing = new AbortController();
  #work: Promise<void>;

  /** Begins at once, and again every day. Nobody waits for it. */
  constructor(database: Queryable, options: UsageRetentionOptions) {
    this.#database = database;
    this.#options = options;
    this.#work = this.#deleteOld();
    this.#timer = setInterval(() => {
      this.#work = this.#work.then(() => this.#deleteOld());
    }, DAY);
    this.#timer.unref();
  }

  /** Waits for the statement that is under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#work;
  }

  async #deleteOld(): Promise<void> {
    const { days, onError } = this.#options;
    const { signal } = this.#closing;
    const before = new Date(firstKeptDay(Date.now(), days));
    try {
      while (!signal.aborted && (await this.#deleteBatch(before)) === BATCH)
        await pause(PAUSE, undefined, { signal }).catch(() => {});
    } catch (error) {
      onError(error);
    }
  }

  /** @returns how many rows it were */
  async #deleteBatch(before: Date): Promise<number> {
    // What another replica is deleting is left to it.
    const [row] = await this.#database.query<{ deleted: number }>(
      `with old as (
         select id from parlance.usage where at < $1::timestamptz order by at limit ${BATCH} for update skip locked
       ), gone as (
         delete from parlance.usage where id in (select id from old) returning 1
       )
       select count(*) as deleted from gone`,
      [before.toISOString()],
    );
    return row?.deleted ?? 0;
  }
}
