import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Queryable } from '../../../src/state/database/database.ts';
import { newApiKey } from '../../../src/state/keys/api-key.ts';
import { KeyStore } from '../../../src/state/keys/key-store.ts';
import { openTestDatabase } from '../embedded-home.ts';
import { testKeyStore } from './key-store-suite.ts';

let database: Database & AsyncDisposable;

beforeAll(async () => {
  database = await openTestDatabase();
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

describe('KeyStore', () => {
  testKeyStore(() => database);

  it('cannot tell whether a key is right while the database does not answer', async () => {
    const away: Queryable = {
      query: () => Promise.reject(new Error('connect ECONNREFUSED postgres://user:secret@host')),
    };
    await expect(new KeyStore(away).find(newApiKey())).rejects.toMatchObject({
      code: 'overloaded',
      status: 503,
      message: expect.not.stringContaining('secret') as string,
    });
  });

  it('asks the same of the database for every wrong key, whatever its beginning', async () => {
    const asked: (readonly [string, number])[] = [];
    const watched: Queryable = {
      query: (sql, parameters) => {
        asked.push([sql, JSON.stringify(parameters).length]);
        return database.query(sql, parameters);
      },
    };
    const keys = new KeyStore(watched);
    const { key } = await keys.create({ name: 'right' });
    // Remembered from here on.
    await keys.find(key);
    asked.length = 0;
    const secret = newApiKey().slice(20);
    for (const prefix of [key.slice(0, 20), newApiKey().slice(0, 20)]) await keys.find(`${prefix}${secret}`);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toEqual(asked[1]);
  });
});
