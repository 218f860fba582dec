/**
 * What a query takes as a parameter. Times travel as ISO text and JSON as its text, so that both databases read them
 * alike.
 */
export type SqlValue = string | number | boolean | null;

/** Where statements can be run: the database, or one transaction of it. */
export interface Queryable {
  /**
   * Runs one statement, with `$1`, `$2` and so on for its parameters.
   *
   * `int8` comes as a number (so keep it within 2^53), `timestamptz` as a `Date`, `jsonb` parsed, `numeric` as text.
   *
   * @returns the rows, under the names the statement gives them
   */
  query<Row extends object = Record<string, unknown>>(
    sql: string,
    parameters?: readonly SqlValue[],
  ): Promise<readonly Row[]>;
}

/**
 * Where keys and usage are kept. The same SQL runs on the embedded database and on a Postgres server, 14 or newer.
 */
export interface Database extends Queryable {
  readonly kind: 'embedded' | 'postgres';
  /** Runs `work` in one transaction, which is rolled back when it throws. `work` must use the queryable it is given. */
  transaction<Result>(work: (transaction: Queryable) => Promise<Result>): Promise<Result>;
  /** Waits for what is under way. Nothing may be asked afterwards. */
  close(): Promise<void>;
}
