import { GatewayError } from '../../errors.ts';
import type { Queryable } from '../database/database.ts';
import { inTime } from '../in-time.ts';
import type { UsedTokens } from '../limits/limiter.ts';
import { GroupCommit } from './group-commit.ts';
import { toUsageRow, type UsageEntry, type UsageOutcome, type UsageRow } from './usage-entry.ts';
import {
  COUNTED_TOKENS,
  readTotals,
  type UsageQuery,
  type UsageReader,
  type UsageTotal,
} from './usage-totals.ts';

export interface UsageLedgerOptions {
  /** Told of each write that failed; it is tried again. */
  readonly onError?: (error: unknown) => void;
  /** How long the database may take to write what somebody waits for, in milliseconds. @default 5000 */
  readonly writeLimit?: number;
  /** From so many unwritten rows on nothing is opened any more. @default 50 000, about 20 MB */
  readonly maxUnwritten?: number;
}

const WRITE_LIMIT = 5000;
const CLOSE_LIMIT = 10_000;
const MAX_UNWRITTEN = 50_000;

/**
 * One row a request, in the database. What is guaranteed, whenever the server is killed:
 *
 * - Once {@link open} has resolved there is a row that counts what was reserved; once {@link settle} has, the row says
 *   what was used. So a server that sends no byte of an answer before `open` has resolved answers nothing that does
 *   not count.
 * - A row is there once, whatever is repeated: it is known by its id, and the first outcome stays.
 *
 * Nothing has to wait for `settle`: what is lost with the server is the difference between what was reserved and what
 * was used.
 */
export class UsageLedger implements UsageReader, UsedTokens {
  readonly #database: Queryable;
  readonly #commits: GroupCommit<UsageRow>;
  readonly #writeLimit: number;
  readonly #maxUnwritten: number;

  constructor(database: Queryable, options: UsageLedgerOptions = {}) {
    this.#database = database;
    this.#writeLimit = options.writeLimit ?? WRITE_LIMIT;
    this.#maxUnwritten = options.maxUnwritten ?? MAX_UNWRITTEN;
    this.#commits = new GroupCommit({
      write: (rows) => this.#write(rows),
      merge: (earlier, later) => (earlier.status === 'open' ? later : earlier),
      onError: options.onError ?? (() => {}),
    });
  }

  /**
   * Writes what a request reserves. To be called before the upstream is, and waited for before the first byte of the
   * answer is sent: by then it is usually long done.
   *
   * @throws {GatewayError} `overloaded` when the database does not write it in time. It may do so yet: the entry is to
   *   be settled all the same.
   */
  async open(entry: UsageEntry): Promise<void> {
    if (this.#commits.size >= this.#maxUnwritten) throw cannotWrite();
    const row = toUsageRow(entry);
    await this.#answered(this.#commits.add(row.id, row));
  }

  /**
   * Writes how a request ended. The entry may say more than the one that was opened, such as another upstream. While
   * the database is away the row is kept in memory and written later.
   *
   * @returns once it is written
   * @throws {Error} when the ledger is closed first
   */
  async settle(entry: UsageEntry, outcome: UsageOutcome): Promise<void> {
    const row = toUsageRow(entry, outcome);
    await this.#commits.add(row.id, row);
  }

  /** @throws {GatewayError} `overloaded` when the database does not answer */
  async usedTokens(principal: string, from: Date, to: Date): Promise<number> {
    // With what this server knows and has not written yet.
    await this.#answered(this.#commits.flush());
    const query = this.#database.query<{ tokens: number }>(
      `select coalesce(sum(${COUNTED_TOKENS}), 0)::bigint as tokens from parlance.usage
       where principal = $1 and at >= $2::timestamptz and at < $3::timestamptz`,
      [principal, from.toISOString(), to.toISOString()],
    );
    const [row] = await this.#answered(query);
    return row?.tokens ?? 0;
  }

  /** @throws {GatewayError} `overloaded` when the database does not answer */
  async totals(query: UsageQuery): Promise<readonly UsageTotal[]> {
    await this.#answered(this.#commits.flush());
    return await readTotals(this.#database, query);
  }

  /** Writes what is there. What cannot be written within ten seconds is given up, and counts as reserved. */
  async close(): Promise<void> {
    await this.#commits.close(CLOSE_LIMIT);
  }

  /** @throws {GatewayError} `overloaded` when it fails or takes too long */
  async #answered<Result>(promise: Promise<Result>): Promise<Result> {
    try {
      return await inTime(promise, this.#writeLimit, cannotWrite);
    } catch (error) {
      throw error instanceof GatewayError ? error : cannotWrite(error);
    }
  }

  async #write(rows: readonly UsageRow[]): Promise<void> {
    await this.#database.query(
      `insert into parlance.usage as known
         (id, request_id, at, principal, upstream, model, endpoint, status,
          reserved_tokens, prompt_tokens, completion_tokens, total_tokens)
       select id, request_id, at, principal, upstream, model, endpoint, status,
          reserved_tokens, prompt_tokens, completion_tokens, total_tokens
       from jsonb_to_recordset($1::jsonb) as new (
          id text, request_id text, at timestamptz, principal text, upstream text, model text, endpoint text,
          status text, reserved_tokens bigint, prompt_tokens bigint, completion_tokens bigint, total_tokens bigint)
       on conflict (id) do update set
          upstream = excluded.upstream, model = excluded.model, status = excluded.status,
          prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,
          total_tokens = excluded.total_tokens
       where known.status = 'open' and excluded.status <> 'open'`,
      [JSON.stringify(rows)],
    );
  }
}

function cannotWrite(cause?: unknown): GatewayError {
  return new GatewayError(
    'overloaded',
    'The request cannot be accounted for now: the database of usage does not answer. Try again in a moment.',
    { retryAfterSeconds: 1, cause },
  );
}
