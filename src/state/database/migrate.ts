import type { Database, Queryable } from './database.ts';
import { type Migration, MIGRATIONS } from './migrations.ts';

/** Any number, as long as all replicas use the same and nobody else in the database does. */
const LOCK_NUMBER = 7_270_526_371;

/**
 * Brings the tables up to date. Replicas that start together take turns; all steps of one turn are one transaction,
 * so a process killed in the middle leaves the tables as they were.
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await database.transaction(async (transaction) => {
    // Ends with the transaction. Of no effect in the embedded database, which has one user.
    await transaction.query('select pg_advisory_xact_lock($1::bigint)', [LOCK_NUMBER]);
    const applied = await appliedNumbers(transaction);
    for (const migration of migrations) {
      if (!applied.has(migration.number)) await apply(transaction, migration);
    }
  });
}

async function appliedNumbers(transaction: Queryable): Promise<ReadonlySet<number>> {
  const [found] = await transaction.query<{ schema: string | null; steps: string | null }>(
    "select to_regnamespace('parlance')::text as schema, to_regclass('parlance.migrations')::text as steps",
  );
  // Asked first: "if not exists" needs the right to create schemas even where there is nothing to create.
  if (found?.schema == null) await transaction.query('create schema parlance');
  if (found?.steps == null) {
    await transaction.query(
      `create table parlance.migrations (
         number integer primary key,
         name text not null,
         applied_at timestamptz not null default now()
       )`,
    );
  }
  const rows = await transaction.query<{ number: number }>('select number from parlance.migrations');
  return new Set(rows.map(({ number }) => number));
}

async function apply(transaction: Queryable, { number, name, statements }: Migration): Promise<void> {
  for (const statement of statements) await transaction.query(statement);
  await transaction.query('insert into parlance.migrations (number, name) values ($1, $2)', [number, name]);
}
