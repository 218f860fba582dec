import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/state/database/database.ts';
import { openDatabase } from '../../../src/state/database/open-database.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { testKeyStore } from '../keys/key-store-suite.ts';
import { testUsageLedger } from '../usage/usage-ledger-suite.ts';
import { testUsageRetention } from '../usage/usage-retention-suite.ts';
import { testDatabase } from './database-suite.ts';

const postgres = await findPostgres();
const skipped = typeof postgres === 'string' ? '' : `, skipped: ${postgres.missing}`;

let server: PostgresServer;
let database: Database;

beforeAll(async () => {
  if (skipped !== '') return;
  server = await startPostgres();
  database = await openDatabase({ url: server.url, home: '/nowhere' });
});

afterAll(async () => {
  if (skipped !== '') return;
  await database.close();
  await server[Symbol.asyncDispose]();
});

describe.skipIf(skipped !== '')(`a Postgres server${skipped}`, () => {
  testDatabase(() => database);

  it('is set up once by replicas that start together', async () => {
    await database.query('drop schema parlance cascade');
    const replicas = await Promise.all(
      Array.from({ length: 8 }, () => openDatabase({ url: server.url, home: '/nowhere' })),
    );
    await Promise.all(replicas.map((replica) => replica.close()));
    expect(await database.query('select number from parlance.migrations order by number')).toEqual([
      { number: 1 },
      { number: 2 },
    ]);
  });

  it('serves a user who may not create schemas, once the schema is there', async () => {
    await database.query('create role clerk login');
    await database.query('grant usage on schema parlance to clerk');
    await database.query('grant all on all tables in schema parlance to clerk');
    const url = server.url.replace('parlance@', 'clerk@');
    const restricted = await openDatabase({ url, home: '/nowhere' });
    expect(await restricted.query('select count(*) as n from parlance.usage')).toEqual([{ n: 0 }]);
    await restricted.close();
  });

  it('answers again after it was restarted', async () => {
    const errors: unknown[] = [];
    const other = await openDatabase({
      url: server.url,
      home: '/nowhere',
      onError: (error) => errors.push(error),
    });
    await server.stop();
    await expect(other.query('select 1')).rejects.toBeInstanceOf(Error);
    await server.restart();
    // Connections that broke meanwhile are found out one by one.
    await expect.poll(() => other.query('select 1 as n').catch(() => undefined)).toEqual([{ n: 1 }]);
    await expect.poll(() => database.query('select 1 as n').catch(() => undefined)).toEqual([{ n: 1 }]);
    expect(errors.length).toBeGreaterThan(0);
    await other.close();
  });

  it('is named without its password when it cannot be used', async () => {
    const urls = [
      'postgres://user:secret@127.0.0.1:1/db',
      server.url.replace('parlance@', 'nobody:secret@'),
      server.url.replace('/postgres', '/missing').replace('parlance@', 'parlance:secret@'),
    ];
    const messages = await Promise.all(
      urls.map((url) =>
        openDatabase({ url, home: '/nowhere' }).then(String, (error: Error) => error.message),
      ),
    );
    expect(messages[0]).toMatch(/^Postgres at 127\.0\.0\.1:1\/db cannot be used: .*ECONNREFUSED/);
    expect(messages[1]).toMatch(/cannot be used: .*"nobody" does not exist/);
    expect(messages[2]).toMatch(/cannot be used: .*"missing" does not exist/);
    expect(messages.join('')).not.toContain('secret');
  });

  it.each(['mysql://user:secret@host/db', 'host/db', ''])('is no other kind of URL: %j', async (url) => {
    await expect(openDatabase({ url, home: '/nowhere' })).rejects.toThrow(
      /^The URL of the database has to begin with postgres:\/\/$/,
    );
  });
});

describe.skipIf(skipped !== '')(`keys in Postgres${skipped}`, () => {
  testKeyStore(() => database);
});

describe.skipIf(skipped !== '')(`usage in Postgres${skipped}`, () => {
  testUsageLedger(() => database);
});

describe.skipIf(skipped !== '')(`old usage in Postgres${skipped}`, () => {
  testUsageRetention(() => database);
});
