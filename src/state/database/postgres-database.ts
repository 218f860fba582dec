import type { Pool, PoolClient } from 'pg';
import type { Database, Queryable, SqlValue } from './database.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`. It is never part of a message. */
  readonly url: string;
  /** Told of connections that break while nobody uses them. The next query makes a new one. */
  readonly onError: (error: unknown) => void;
}

/** Connections of one replica: one for the ledger, the others for keys and reports. */
const MAX_CONNECTIONS = 4;

/** How long a connection may take to come about or to become free, in milliseconds. */
const CONNECT_LIMIT = 5000;

/** How long a statement may take, the wait for other replicas' migrations included, in milliseconds. */
const QUERY_LIMIT = 30_000;

/** `oid` of `int8`, which the driver gives as text unless told otherwise. */
const INT8 = 20;

/**
 * A pool of connections to a Postgres server.
 *
 * @throws {Error} that says which server cannot be used, without its credentials
 */
export async function openPostgres({ url, onError }: PostgresOptions): Promise<Database> {
  // Loaded here: a server without a database has no use for it.
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'parlance',
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_LIMIT,
    query_timeout: QUERY_LIMIT,
    keepAlive: true,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : (pg.types.getTypeParser(oid, format) as (value: string) => unknown),
    },
  });
  // Without a listener, a server's restart would end the process.
  pool.on('error', onError);
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw new Error(`Postgres ${describeServer(url)} cannot be used: ${reason(error)}`, { cause: error });
  }
  return new PostgresDatabase(pool);
}

class PostgresDatabase implements Database {
  readonly kind = 'postgres';
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async query<Row extends object>(sql: string, parameters?: readonly SqlValue[]): Promise<readonly Row[]> {
    return await run<Row>(this.#pool, sql, parameters);
  }

  async transaction<Result>(work: (transaction: Queryable) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin');
      const result = await work({ query: (sql, parameters) => run(client, sql, parameters) });
      await client.query('commit');
      return result;
    } catch (error) {
      // A connection that cannot even do this is not given to anybody else.
      await client.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

async function run<Row extends object>(
  target: Pool | PoolClient,
  sql: string,
  parameters: readonly SqlValue[] = [],
): Promise<readonly Row[]> {
  const { rows } = await target.query<Row & Record<string, unknown>>(sql, [...parameters]);
  return rows;
}

/** Host and database of a URL, for messages. */
function describeServer(url: string): string {
  const { host = '', pathname = '' } = URL.parse(url) ?? {};
  // With a slash in it, a password becomes a path.
  return host === '' || pathname.includes('@') ? 'server' : `at ${host}${pathname}`;
}

/** Of several addresses that were tried in vain, the error itself says nothing. */
function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ');
  return error instanceof Error ? error.message : String(error);
}
