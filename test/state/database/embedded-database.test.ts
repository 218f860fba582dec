import { readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/state/database/database.ts';
import { openDatabase } from '../../../src/state/database/open-database.ts';
import { makeTestHome, type TestHome } from '../embedded-home.ts';
import { testDatabase } from './database-suite.ts';

let home: TestHome;
let database: Database;

beforeAll(async () => {
  home = await makeTestHome();
  database = await openDatabase({ home: home.path });
});

afterAll(async () => {
  await database.close();
  await home[Symbol.asyncDispose]();
});

function databasePid(): number {
  const lock = JSON.parse(readFileSync(join(home.path, 'state/lock'), 'utf8')) as { pid: number };
  return lock.pid;
}

describe('the embedded database', () => {
  testDatabase(() => database);

  it('lets nobody but its owner into its folder', () => {
    expect(statSync(join(home.path, 'state')).mode & 0o777).toBe(0o700);
  });

  it('is refused to a second process, which is told who has it', async () => {
    await expect(openDatabase({ home: home.path })).rejects.toThrow(
      `${join(home.path, 'state')} is in use by process ${process.pid}: the embedded database serves one Parlance`,
    );
  });

  it('has what was answered after its process was killed, and goes on', async () => {
    await database.query('create table parlance.kept (n integer)');
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => database.query('insert into parlance.kept values ($1)', [n])),
    );
    const killed = databasePid();
    process.kill(killed, 'SIGKILL');
    // One query may find out.
    await database.query('select 1').catch(() => {});
    expect(await database.query('select count(*) as n, sum(n)::int as sum from parlance.kept')).toEqual([
      { n: 50, sum: 1225 },
    ]);
    expect(databasePid()).not.toBe(killed);
    await database.query('drop table parlance.kept');
  });

  it('fails a transaction whose process was killed, without half of it', async () => {
    await database.query('create table parlance.whole (n integer)');
    const transaction = database.transaction(async (inside) => {
      await inside.query('insert into parlance.whole values (1)');
      process.kill(databasePid(), 'SIGKILL');
      await pause(50);
      await inside.query('insert into parlance.whole values (2)');
    });
    await expect(transaction).rejects.toThrow('the process of the embedded database has ended');
    expect(await database.query('select * from parlance.whole')).toEqual([]);
    await database.query('drop table parlance.whole');
  });

  it('is not stopped by signals meant for the whole terminal', async () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(databasePid(), signal);
    await pause(20);
    expect(await database.query('select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('leaves no lock behind, answers nothing once closed, and can be opened again', async () => {
    await database.close();
    expect(await readdir(join(home.path, 'state'))).toEqual(['data']);
    await expect(database.query('select 1')).rejects.toThrow('has been closed');
    await database.close();
    database = await openDatabase({ home: home.path });
    expect(await database.query('select 1 as n')).toEqual([{ n: 1 }]);
  });
});

describe('a damaged embedded database', () => {
  it('is reported with its place and what to do', async () => {
    const damaged = await mkdtemp(join(tmpdir(), 'parlance-state-'));
    await mkdir(join(damaged, 'state/data'), { recursive: true });
    await writeFile(join(damaged, 'state/data/PG_VERSION'), '9');
    await expect(openDatabase({ home: damaged })).rejects.toThrow(
      /^The embedded database in .*state cannot be opened: .*move the folder away/s,
    );
    expect(await readdir(join(damaged, 'state'))).toEqual(['data']);
    await rm(damaged, { recursive: true });
  });
});
