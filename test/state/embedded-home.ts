/** Homes with an embedded database for tests. */
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../src/state/database/open-database.ts';
import type { Database } from '../../src/state/database/database.ts';

/** Making a database takes seconds, so it is made once per checkout and copied. */
const TEMPLATE = resolve(import.meta.dirname, '../../.cache', `embedded-database-${packageVersion()}`);

function packageVersion(): string {
  const entry = fileURLToPath(import.meta.resolve('@electric-sql/pglite'));
  const { version } = JSON.parse(readFileSync(resolve(entry, '../../package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

export interface TestHome extends AsyncDisposable {
  readonly path: string;
}

/** A home with an empty database in it. Tables are those of this version. */
export async function makeTestHome(): Promise<TestHome> {
  if (!existsSync(TEMPLATE)) await makeTemplate();
  const path = await mkdtemp(join(tmpdir(), 'parlance-state-'));
  await cp(TEMPLATE, join(path, 'state', 'data'), { recursive: true });
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}

async function makeTemplate(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'parlance-template-'));
  const database = await openDatabase({ home });
  // The tables may be those of another version when the template is used.
  await database.query('drop schema parlance cascade');
  await database.close();
  await mkdir(resolve(TEMPLATE, '..'), { recursive: true });
  const copied = `${TEMPLATE}.${process.pid}.${process.hrtime.bigint()}`;
  await cp(join(home, 'state', 'data'), copied, { recursive: true });
  // Two files of tests may do this at once; both are as good.
  await rename(copied, TEMPLATE).catch(() => rm(copied, { recursive: true }));
  await rm(home, { recursive: true });
}

/** An embedded database for a file of tests. */
export async function openTestDatabase(): Promise<Database & AsyncDisposable> {
  const home = await makeTestHome();
  const database = await openDatabase({ home: home.path });
  return {
    kind: database.kind,
    query: (sql, parameters) => database.query(sql, parameters),
    transaction: (work) => database.transaction(work),
    close: () => database.close(),
    async [Symbol.asyncDispose]() {
      await database.close();
      await home[Symbol.asyncDispose]();
    },
  };
}
