/** What becomes of old rows, over both databases. The clock is a fake one. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Database } from '../../../src/state/database/database.ts';
import { UsageLedger } from '../../../src/state/usage/usage-ledger.ts';
import { UsageRetention } from '../../../src/state/usage/usage-retention.ts';
import { ENTRY } from './usage-ledger-suite.ts';

const NOW = new Date('2026-08-01T12:00:00.000Z');
const DAY = 86_400_000;
const PATIENCE = { timeout: 10_000 };

function unexpected(error: unknown): never {
  throw error;
}

export function testUsageRetention(get: () => Database): void {
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: NOW });
    await get().query('delete from parlance.usage');
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const ids = async () =>
    (await get().query('select id from parlance.usage order by id')).map(({ id }) => id);

  /** @param times by id */
  async function write(times: Readonly<Record<string, string>>): Promise<void> {
    const ledger = new UsageLedger(get());
    await Promise.all(
      Object.entries(times).map(([id, at]) => ledger.open({ ...ENTRY, id, at: new Date(at) })),
    );
    await ledger.close();
  }

  async function writeOld(count: number): Promise<void> {
    await get().query(
      `insert into parlance.usage
         (id, request_id, at, principal, upstream, model, endpoint, status, reserved_tokens)
       select 'old-' || n, '', timestamptz '2026-01-01' + n * interval '1 s', '', '', '', '', 'open', 1
       from generate_series(1, $1::integer) as n`,
      [count],
    );
  }

  it('deletes what is older than so many whole days, at start and once a day', async () => {
    await write({
      'a long ago': '2020-01-01T00:00:00.000Z',
      'b before the first day': '2026-06-29T23:59:59.999Z',
      'c first day': '2026-06-30T00:00:00.000Z',
      'd first day, late': '2026-06-30T23:59:59.999Z',
      'e second day': '2026-07-01T00:00:00.000Z',
      'f now': NOW.toISOString(),
    });
    const retention = new UsageRetention(get(), { days: 32, onError: unexpected });
    const kept = ['c first day', 'd first day, late', 'e second day', 'f now'];
    await expect.poll(ids, PATIENCE).toEqual(kept);
    vi.advanceTimersByTime(DAY - 1);
    expect(await ids()).toEqual(kept);
    vi.advanceTimersByTime(1);
    await expect.poll(ids, PATIENCE).toEqual(['e second day', 'f now']);
    vi.advanceTimersByTime(40 * DAY);
    await expect.poll(ids, PATIENCE).toEqual([]);
    await retention.close();
  });

  it('lets requests be written while it deletes', async () => {
    await writeOld(5000);
    const retention = new UsageRetention(get(), { days: 32, onError: unexpected });
    await write({ new: NOW.toISOString() });
    expect((await ids()).length).toBeGreaterThan(1);
    await expect.poll(ids, PATIENCE).toEqual(['new']);
    await retention.close();
  });

  it('stops in the middle when it is closed, and is finished by the next one, or by two', async () => {
    await writeOld(1200);
    await new UsageRetention(get(), { days: 32, onError: unexpected }).close();
    expect(await ids()).toHaveLength(700);
    const replicas = [1, 2].map(() => new UsageRetention(get(), { days: 32, onError: unexpected }));
    await expect.poll(ids, PATIENCE).toEqual([]);
    await Promise.all(replicas.map((retention) => retention.close()));
  });
}
