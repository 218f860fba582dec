/** What the ledger has to do, over both databases. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Database } from '../../../src/state/database/database.ts';
import type { UsageEntry, UsageOutcome } from '../../../src/state/usage/usage-entry.ts';
import { UsageLedger } from '../../../src/state/usage/usage-ledger.ts';

export const ENTRY: UsageEntry = {
  id: 'id-1',
  requestId: 'req-1',
  at: new Date('2026-07-31T12:00:00.123Z'),
  principal: 'key_a',
  upstream: 'vertex',
  model: 'google/gemini',
  endpoint: 'chat.completions',
  reservedTokens: 1000,
};

const DONE: UsageOutcome = { status: 'completed', promptTokens: 10, completionTokens: 20, totalTokens: 30 };

const NONE = {
  requests: 0,
  failed: 0,
  cancelled: 0,
  open: 0,
  promptTokens: 0,
  completionTokens: 0,
  totalTokens: 0,
  reservedTokens: 0,
};

function settle(ledger: UsageLedger, totalTokens: number): Promise<void> {
  return ledger.settle(ENTRY, { ...DONE, totalTokens });
}

/** @param time such as `31T12:00:00.000` */
function inJuly(time: string): Date {
  return new Date(`2026-07-${time}Z`);
}

export function testUsageLedger(get: () => Database): void {
  let ledger: UsageLedger;

  beforeEach(async () => {
    await get().query('delete from parlance.usage');
    ledger = new UsageLedger(get());
  });

  afterEach(async () => {
    await ledger.close();
  });

  const rows = () => get().query('select * from parlance.usage order by id');

  it('has a row once it is opened, and what was used once it is settled', async () => {
    await ledger.open(ENTRY);
    const row = {
      id: 'id-1',
      request_id: 'req-1',
      at: ENTRY.at,
      principal: 'key_a',
      upstream: 'vertex',
      model: 'google/gemini',
      endpoint: 'chat.completions',
      reserved_tokens: 1000,
    };
    const unknown = { prompt_tokens: null, completion_tokens: null, total_tokens: null };
    expect(await rows()).toEqual([{ ...row, status: 'open', ...unknown }]);
    await ledger.settle({ ...ENTRY, upstream: 'spare', model: 'other' }, DONE);
    expect(await rows()).toEqual([
      {
        ...row,
        upstream: 'spare',
        model: 'other',
        status: 'completed',
        prompt_tokens: 10,
        completion_tokens: 20,
        total_tokens: 30,
      },
    ]);
  });

  it('has a row that was settled before its opening was written', async () => {
    const opened = ledger.open(ENTRY);
    await Promise.all([opened, ledger.settle(ENTRY, DONE)]);
    expect(await rows()).toMatchObject([{ status: 'completed', total_tokens: 30 }]);
  });

  it.each<[string, (ledger: UsageLedger) => Promise<unknown>]>([
    ['settled twice at once', (one) => Promise.all([settle(one, 99), settle(one, 77)])],
    ['settled again later', (one) => settle(one, 77)],
    ['opened again', (one) => one.open(ENTRY)],
    ['settled again by another server', async () => await settle(new UsageLedger(get()), 77)],
  ])('counts a request once that is %s', async (_case, repeat) => {
    await settle(ledger, 30);
    await repeat(ledger);
    expect(await rows()).toMatchObject([{ status: 'completed', total_tokens: 30 }]);
    expect(await ledger.usedTokens('key_a', new Date(0), new Date(1e13))).toBe(30);
  });

  it('takes names from anybody', async () => {
    const names = ['a\0b', '\ud800', "'; drop table parlance.usage; --", '{"a":1}', '\\', 'é😀', ''];
    await Promise.all(
      names.map((model, index) => ledger.settle({ ...ENTRY, id: `id-${index}`, model }, DONE)),
    );
    expect((await rows()).map(({ model }) => model)).toEqual([
      'a\u{fffd}b',
      '\u{fffd}',
      "'; drop table parlance.usage; --",
      '{"a":1}',
      '\\',
      'é😀',
      '',
    ]);
  });

  it('counts what was used, and what was reserved where that is not known, of a caller and a time', async () => {
    await Promise.all([
      ledger.open({ ...ENTRY, id: 'open', at: inJuly('31T00:00:00.000') }),
      ledger.settle({ ...ENTRY, id: 'known', at: inJuly('31T23:59:59.999') }, DONE),
      ledger.settle({ ...ENTRY, id: 'unknown', at: inJuly('31T12:00:00.000') }, { status: 'cancelled' }),
      ledger.settle({ ...ENTRY, id: 'nothing' }, { status: 'failed', totalTokens: 0 }),
      ledger.settle({ ...ENTRY, id: 'before', at: inJuly('30T23:59:59.999') }, DONE),
      ledger.settle({ ...ENTRY, id: 'other', principal: 'key_b' }, DONE),
    ]);
    const day = [new Date('2026-07-31'), new Date('2026-08-01')] as const;
    expect(await ledger.usedTokens('key_a', ...day)).toBe(1000 + 30 + 1000);
    expect(await ledger.usedTokens('key_b', ...day)).toBe(30);
    expect(await ledger.usedTokens('key_c', ...day)).toBe(0);
  });

  it('counts what it has not written yet', async () => {
    void ledger.settle(ENTRY, DONE);
    expect(await ledger.usedTokens('key_a', new Date(0), new Date(1e13))).toBe(30);
    void ledger.settle({ ...ENTRY, id: 'id-2' }, DONE);
    expect(await ledger.totals({ by: [] })).toMatchObject([{ requests: 2 }]);
  });

  it('adds up more than 32 bits hold', async () => {
    const tokens = 4e15;
    await Promise.all(
      ['1', '2'].map((id) =>
        ledger.settle({ ...ENTRY, id }, { ...DONE, promptTokens: tokens, totalTokens: tokens }),
      ),
    );
    expect(await ledger.totals({ by: [] })).toMatchObject([{ promptTokens: 8e15, totalTokens: 8e15 }]);
  });

  it('gives totals by what is asked for, in order', async () => {
    const requests: [string, Partial<UsageEntry>, UsageOutcome?][] = [
      ['1', { at: new Date('2026-07-30T23:59:59.999Z') }, DONE],
      ['2', { at: new Date('2026-07-31T00:00:00.000Z') }, DONE],
      ['3', { at: new Date('2026-08-01T00:00:00.000Z'), model: 'b' }, { status: 'failed', totalTokens: 0 }],
      ['4', { at: new Date('2026-08-01T12:00:00.000Z'), principal: 'key_b' }, { status: 'cancelled' }],
      ['5', { at: new Date('2026-08-01T13:00:00.000Z'), upstream: 'spare', endpoint: 'responses' }],
    ];
    await Promise.all(
      requests.map(([id, change, outcome]) => {
        const entry = { ...ENTRY, id, ...change };
        return outcome === undefined ? ledger.open(entry) : ledger.settle(entry, outcome);
      }),
    );
    const done = { ...NONE, requests: 1, promptTokens: 10, completionTokens: 20, totalTokens: 30 };
    expect(await ledger.totals({ by: [] })).toEqual([
      {
        requests: 5,
        failed: 1,
        cancelled: 1,
        open: 1,
        promptTokens: 20,
        completionTokens: 40,
        totalTokens: 2060,
        reservedTokens: 2000,
      },
    ]);
    expect(await ledger.totals({ by: ['day'], to: new Date('2026-08-01') })).toEqual([
      { day: '2026-07-30', ...done },
      { day: '2026-07-31', ...done },
    ]);
    expect(await ledger.totals({ by: ['month', 'model'], principals: ['key_a'] })).toMatchObject([
      { month: '2026-07', model: 'google/gemini', requests: 2 },
      { month: '2026-08', model: 'b', requests: 1, failed: 1 },
      { month: '2026-08', model: 'google/gemini', requests: 1, open: 1, reservedTokens: 1000 },
    ]);
    expect(
      await ledger.totals({
        by: ['principal', 'upstream', 'endpoint'],
        from: new Date('2026-08-01'),
        models: ['google/gemini'],
      }),
    ).toMatchObject([
      { principal: 'key_a', upstream: 'spare', endpoint: 'responses' },
      { principal: 'key_b', upstream: 'vertex', endpoint: 'chat.completions', cancelled: 1 },
    ]);
    expect(
      await ledger.totals({ by: ['model', 'month'], models: ['b', 'google/gemini'], principals: ['key_a'] }),
    ).toMatchObject([
      { model: 'b', month: '2026-08', requests: 1 },
      { model: 'google/gemini', month: '2026-07', requests: 2, totalTokens: 60 },
      { model: 'google/gemini', month: '2026-08', requests: 1 },
    ]);
    const noon = { from: new Date('2026-08-01T12:00:00Z'), to: new Date('2026-08-01T13:00:00Z') };
    expect(await ledger.totals({ by: ['day', 'principal'], ...noon })).toMatchObject([
      { day: '2026-08-01', principal: 'key_b', requests: 1 },
    ]);
    expect(await ledger.totals({ by: ['day'], principals: ['nobody'] })).toEqual([]);
    expect(await ledger.totals({ by: [], principals: ['nobody'] })).toEqual([NONE]);
  });

  it('writes thousands of requests at once, each once', async () => {
    const ids = Array.from({ length: 3000 }, (_, index) => `id-${index}`);
    await Promise.all(
      ids.map(async (id) => {
        await ledger.open({ ...ENTRY, id });
        await ledger.settle({ ...ENTRY, id }, DONE);
      }),
    );
    expect(await ledger.totals({ by: [] })).toMatchObject([{ requests: 3000, totalTokens: 90_000, open: 0 }]);
  });
}
