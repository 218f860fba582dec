import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Database, Queryable } from '../../../src/state/database/database.ts';
import { firstKeptDay, UsageRetention } from '../../../src/state/usage/usage-retention.ts';
import { openTestDatabase } from '../embedded-home.ts';
import { testUsageRetention } from './usage-retention-suite.ts';

let database: Database & AsyncDisposable;

beforeAll(async () => {
  database = await openTestDatabase();
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

describe('UsageRetention', () => {
  testUsageRetention(() => database);

  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells of a database that is away, and tries again a day later', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let asked = 0;
    const away: Queryable = {
      query: async () => {
        asked += 1;
        throw new Error(`away ${asked}`);
      },
    };
    const errors: string[] = [];
    const retention = new UsageRetention(away, { days: 32, onError: (error) => errors.push(String(error)) });
    await expect.poll(() => errors).toEqual(['Error: away 1']);
    vi.advanceTimersByTime(86_400_000);
    await expect.poll(() => errors).toEqual(['Error: away 1', 'Error: away 2']);
    await retention.close();
    vi.advanceTimersByTime(86_400_000);
    expect(asked).toBe(2);
  });

  it.each([
    ['2026-08-01T00:00:00.000Z', 32, '2026-06-30T00:00:00.000Z'],
    ['2026-08-01T23:59:59.999Z', 32, '2026-06-30T00:00:00.000Z'],
    ['2026-08-31T12:00:00.000Z', 400, '2025-07-27T00:00:00.000Z'],
  ])('keeps at %s with %i days what came from %s on', (now, days, first) => {
    expect(new Date(firstKeptDay(Date.parse(now), days)).toISOString()).toBe(first);
  });

  it('keeps the month that runs, to its last moment', () => {
    const end = Date.parse('2026-08-31T23:59:59.999Z');
    expect(firstKeptDay(end, 32)).toBeLessThan(Date.parse('2026-08-01'));
  });
});
