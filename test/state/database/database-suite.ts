/** What both databases have to do. */
import { expect, it } from 'vitest';
import type { Database } from '../../../src/state/database/database.ts';
import { migrate } from '../../../src/state/database/migrate.ts';
import { MIGRATIONS } from '../../../src/state/database/migrations.ts';

export function testDatabase(get: () => Database): void {
  it('reads every type the tables have, and takes parameters', async () => {
    const [row] = await get().query(
      `select $1::text as text, $2::int8 + 1 as number, $3::boolean as flag, $4::text as nothing,
         $5::timestamptz as time, $6::jsonb as json, 7::int4 as small`,
      ['it’s', 9_007_199_254_740_000, true, null, '2026-07-31T23:59:59.123Z', '{"a":[1,null]}'],
    );
    expect(row).toEqual({
      text: 'it’s',
      number: 9_007_199_254_740_001,
      flag: true,
      nothing: null,
      time: new Date('2026-07-31T23:59:59.123Z'),
      json: { a: [1, null] },
      small: 7,
    });
  });

  it('goes on after a statement it refuses, and says its SQLSTATE', async () => {
    await expect(get().query('select nonsense')).rejects.toMatchObject({ code: '42703' });
    expect(await get().query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('keeps what a transaction wrote when it ends, and nothing when it throws', async () => {
    await get().query('create table if not exists parlance.scratch (n integer)');
    await get().transaction((transaction) =>
      transaction.query('insert into parlance.scratch values (1), (2)'),
    );
    const broken = get().transaction(async (transaction) => {
      await transaction.query('insert into parlance.scratch values (3)');
      throw new Error('changed my mind');
    });
    await expect(broken).rejects.toThrow('changed my mind');
    expect(await get().query('select n from parlance.scratch order by n')).toEqual([{ n: 1 }, { n: 2 }]);
    await get().query('drop table parlance.scratch');
  });

  it('keeps statements from outside out of a transaction', async () => {
    const insideOf = get().transaction(async (transaction) => {
      await transaction.query('create temporary table mine (n integer) on commit drop');
      await transaction.query('insert into mine values (1)');
      return await transaction.query('select count(*) as n from mine');
    });
    const [inside, ...outside] = await Promise.all([
      insideOf,
      ...Array.from({ length: 5 }, () => get().query('select 1 as n')),
    ]);
    expect(inside).toEqual([{ n: 1 }]);
    expect(outside).toEqual(Array.from({ length: 5 }, () => [{ n: 1 }]));
  });

  it('has applied every migration once', async () => {
    await migrate(get());
    const rows = await get().query('select number, name from parlance.migrations order by number');
    expect(rows).toEqual(MIGRATIONS.map(({ number, name }) => ({ number, name })));
  });

  it('leaves the tables as they were when a migration fails', async () => {
    const broken = {
      number: 1000,
      name: 'broken',
      statements: ['create table parlance.half (n integer)', 'nonsense'],
    };
    await expect(migrate(get(), [broken])).rejects.toMatchObject({ code: '42601' });
    expect(await get().query("select to_regclass('parlance.half')::text as found")).toEqual([
      { found: null },
    ]);
  });

  it('takes the numbers of migrations without gaps, in order', () => {
    expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_migration, index) => index + 1));
  });
}
