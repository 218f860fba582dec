import { chmod, mkdir } from 'node:fs/promises';
import type { Database, Queryable, SqlValue } from './database.ts';
import { EmbeddedChild } from './embedded-child.ts';
import { Turns } from './turns.ts';

export interface EmbeddedOptions {
  /** Where the data are kept, absolute; made when it is not there. Only its owner may look into it. */
  readonly folder: string;
  /** Told of upkeep that failed; it is tried again. */
  readonly onError: (error: unknown) => void;
}

const FOLDER_MODE = 0o700;

/**
 * How often the database's log is folded into its tables, in milliseconds. A Postgres server has a process for that,
 * the embedded one does it when told to: its log would grow, and with it the time to start after a crash.
 */
const CHECKPOINT_INTERVAL = 60_000;

/** After so many checkpoints the space of rows that were replaced is given back, for the same reason. */
const CHECKPOINTS_PER_VACUUM = 60;

/**
 * PGlite, a Postgres that needs no server, in a child process. What was answered survives the end of this process and
 * of that one, however they end. A failure of the machine's power it may not survive: PGlite leaves it to the system
 * when to write to the disk.
 *
 * @throws {Error} that says who has the folder, or why the data cannot be opened
 */
export async function openEmbedded({ folder, onError }: EmbeddedOptions): Promise<Database> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  await chmod(folder, FOLDER_MODE);
  return new EmbeddedDatabase(await EmbeddedChild.open(folder), { folder, onError });
}

class EmbeddedDatabase implements Database {
  readonly kind = 'embedded';
  #child: EmbeddedChild;
  readonly #folder: string;
  readonly #onError: (error: unknown) => void;
  /** There is one connection: a transaction has it to itself. */
  readonly #turns = new Turns();
  readonly #upkeep: NodeJS.Timeout;
  #isClosed = false;
  /** Whether anything was asked since the last checkpoint. */
  #isUsed = false;
  #checkpoints = 0;

  constructor(child: EmbeddedChild, { folder, onError }: EmbeddedOptions) {
    this.#child = child;
    this.#folder = folder;
    this.#onError = onError;
    this.#upkeep = setInterval(() => void this.#keepUp(), CHECKPOINT_INTERVAL);
    this.#upkeep.unref();
  }

  async query<Row extends object>(sql: string, parameters?: readonly SqlValue[]): Promise<readonly Row[]> {
    this.#isUsed = true;
    return await this.#takeTurn(() => this.#run<Row>(sql, parameters));
  }

  async transaction<Result>(work: (transaction: Queryable) => Promise<Result>): Promise<Result> {
    this.#isUsed = true;
    return await this.#takeTurn(async () => {
      await this.#run('begin');
      try {
        const result = await work({ query: (sql, parameters) => this.#run(sql, parameters) });
        await this.#run('commit');
        return result;
      } catch (error) {
        // Fails when the process has ended, and then there is nothing to roll back.
        await this.#run('rollback').catch(() => {});
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#upkeep);
    await this.#turns.take(async () => {
      this.#isClosed = true;
      if (this.#child.isAlive) await this.#child.close();
    });
  }

  /** A process that has ended is replaced between two turns, never within a transaction. */
  async #takeTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    return await this.#turns.take(async () => {
      if (this.#isClosed) throw new Error('the embedded database has been closed');
      if (!this.#child.isAlive) this.#child = await EmbeddedChild.open(this.#folder);
      return await task();
    });
  }

  async #run<Row extends object>(sql: string, parameters: readonly SqlValue[] = []): Promise<readonly Row[]> {
    return (await this.#child.query(sql, parameters)) as readonly Row[];
  }

  async #keepUp(): Promise<void> {
    if (!this.#isUsed) return;
    this.#checkpoints += 1;
    try {
      if (this.#checkpoints % CHECKPOINTS_PER_VACUUM === 0) await this.query('vacuum');
      await this.query('checkpoint');
      this.#isUsed = false;
    } catch (error) {
      this.#onError(error);
    }
  }
}
