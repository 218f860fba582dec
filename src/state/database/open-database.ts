import { join } from 'node:path';
import type { Database } from './database.ts';
import { migrate } from './migrate.ts';

export interface DatabaseOptions {
  /** `postgres://…` or `postgresql://…`; without one the embedded database in `home` is used. */
  readonly url?: string | undefined;
  /** Parlance's own folder, absolute. The embedded database is in its `state` folder. */
  readonly home: string;
  /** Told of what went wrong in the background and is put right by itself. */
  readonly onError?: (error: unknown) => void;
}

const POSTGRES_URL = /^postgres(?:ql)?:\/\//;

/**
 * Opens the database for keys and usage, its tables up to date. The packages behind it are loaded here and not
 * before: a server that keeps nothing pays nothing.
 *
 * @throws {Error} whose message says what cannot be used, and what to do
 */
export async function openDatabase({ url, home, onError = () => {} }: DatabaseOptions): Promise<Database> {
  const database = url === undefined ? await embedded(home, onError) : await postgres(url, onError);
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

async function embedded(home: string, onError: (error: unknown) => void): Promise<Database> {
  const { openEmbedded } = await import('./embedded-database.ts');
  return await openEmbedded({ folder: join(home, 'state'), onError });
}

async function postgres(url: string, onError: (error: unknown) => void): Promise<Database> {
  if (!POSTGRES_URL.test(url)) throw new Error('The URL of the database has to begin with postgres://');
  const { openPostgres } = await import('./postgres-database.ts');
  return await openPostgres({ url, onError });
}
