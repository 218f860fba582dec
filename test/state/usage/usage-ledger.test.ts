import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Queryable } from '../../../src/state/database/database.ts';
import { UsageLedger } from '../../../src/state/usage/usage-ledger.ts';
import { openTestDatabase } from '../embedded-home.ts';
import { ENTRY, testUsageLedger } from './usage-ledger-suite.ts';

let database: Database & AsyncDisposable;

beforeAll(async () => {
  database = await openTestDatabase();
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

describe('UsageLedger', () => {
  testUsageLedger(() => database);

  it('opens nothing while the database is away, and keeps what was settled until it is back', async () => {
    await database.query('delete from parlance.usage');
    let isAway = true;
    const errors: unknown[] = [];
    const flaky: Queryable = {
      async query(sql, parameters) {
        if (isAway) throw new Error('connect ECONNREFUSED');
        return await database.query<never>(sql, parameters);
      },
    };
    const ledger = new UsageLedger(flaky, { writeLimit: 30, onError: (error) => errors.push(error) });
    const settled = ledger.settle(ENTRY, { status: 'completed', totalTokens: 5 });
    await expect(ledger.open({ ...ENTRY, id: 'id-2' })).rejects.toMatchObject({ code: 'overloaded' });
    await expect(ledger.usedTokens('key_a', new Date(0), new Date())).rejects.toMatchObject({
      code: 'overloaded',
    });
    const refused = ledger.settle({ ...ENTRY, id: 'id-2' }, { status: 'failed', totalTokens: 0 });
    isAway = false;
    await Promise.all([settled, refused]);
    expect(errors.length).toBeGreaterThan(0);
    expect(await database.query('select id, total_tokens from parlance.usage order by id')).toEqual([
      { id: 'id-1', total_tokens: 5 },
      { id: 'id-2', total_tokens: 0 },
    ]);
    await ledger.close();
  });

  it('opens nothing when too much is unwritten, and loses nothing of it', async () => {
    const gate = Promise.withResolvers<void>();
    let written = 0;
    const slow: Queryable = {
      async query(_sql, parameters) {
        await gate.promise;
        written += (JSON.parse(String(parameters?.[0])) as unknown[]).length;
        return [];
      },
    };
    const ledger = new UsageLedger(slow, { maxUnwritten: 3000 });
    const settled = Array.from({ length: 3000 }, (_, id) =>
      ledger.settle({ ...ENTRY, id: String(id) }, { status: 'completed' }),
    );
    await expect(ledger.open({ ...ENTRY, id: 'one more' })).rejects.toMatchObject({ code: 'overloaded' });
    gate.resolve();
    await Promise.all(settled);
    expect(written).toBe(3000);
    await ledger.open({ ...ENTRY, id: 'one more' });
    await ledger.close();
  });
});
