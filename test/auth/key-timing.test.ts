/** How long the check of a key takes says nothing about how much of the key is right. */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StaticKeys } from '../../src/auth/inbound/static-keys.ts';
import { randomBase62 } from '../../src/ids.ts';
import type { Queryable } from '../../src/state/database/database.ts';
import { newApiKey } from '../../src/state/keys/api-key.ts';
import { KeyStore } from '../../src/state/keys/key-store.ts';
import { longerShare } from '../support/longer-share.ts';

/** The lengths of all that is compared in constant time from now on, pair by pair. */
function watchComparisons(): (readonly [number, number])[] {
  const lengths: (readonly [number, number])[] = [];
  const { timingSafeEqual } = crypto;
  const spy = vi.spyOn(crypto, 'timingSafeEqual').mockImplementation((left, right) => {
    lengths.push([left.byteLength, right.byteLength]);
    return timingSafeEqual(left, right);
  });
  // Makes `import { timingSafeEqual }` see it.
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
  return lengths;
}

/** A key that is right for so many characters, and wrong in the next one. */
function likeUntil(key: string, length: number): string {
  const wrong = key.charAt(length) === 'x' ? 'y' : 'x';
  const text = `${key.slice(0, length)}${wrong}${randomBase62(key.length - length - 1)}`;
  // Of one piece, as text from the network is: the engine would put the pieces together while the time is taken.
  return Buffer.from(text).toString('latin1');
}

describe('a static key', () => {
  const KEYS = Array.from({ length: 5 }, () => randomBase62(64));
  const [first = '', last = ''] = [KEYS.at(0), KEYS.at(-1)];

  it.each([
    ['the first', first],
    ['the last', last],
    ['none', randomBase62(64)],
    ['the first but for its end', likeUntil(first, 63)],
    ['the first but for its beginning', `-${first.slice(1)}`],
    ['a part of the first', first.slice(0, 32)],
    ['more than the last', `${last}x`],
    ['nothing', ''],
  ])('that is %s is compared with all of them, hash by hash', (_what, presented) => {
    const keys = new StaticKeys(KEYS);
    const compared = watchComparisons();
    keys.find(presented);
    expect(compared).toEqual(KEYS.map(() => [32, 32]));
  });
});

/** A database of keys in memory, which remembers what it was asked. */
class KeyTable implements Queryable {
  readonly asked: (readonly [sql: string, parameters: string])[] = [];
  readonly #rows = new Map<string, object>();

  async query<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<readonly Row[]> {
    this.asked.push([sql, JSON.stringify(parameters)]);
    if (sql.startsWith('insert')) {
      const [id, name, prefix, hash] = parameters as string[];
      const times = { created_at: new Date(0), expires_at: null, revoked_at: null, last_used_at: null };
      this.#rows.set(hash ?? '', { id, name, prefix, hash, policy: {}, ...times });
      return [];
    }
    if (!sql.startsWith('select')) return [];
    const hashes = JSON.parse(String(parameters[0])) as string[];
    return hashes.flatMap((hash) => (this.#rows.get(hash) as Row | undefined) ?? []);
  }
}

describe('an issued key', () => {
  it.each([12, 13, 20, 51])(
    'that is wrong from character %d on makes the same work as any other',
    async (from) => {
      const table = new KeyTable();
      const keys = new KeyStore(table);
      const { key } = await keys.create({ name: 'right' });
      // Remembered from here on.
      await keys.find(key);
      const compared = watchComparisons();
      const wrong = likeUntil(key, from);
      table.asked.length = 0;
      expect(await keys.find(wrong)).toBeUndefined();
      expect(compared).toEqual([[43, 43]]);
      const hash = crypto.hash('sha256', wrong, 'base64url');
      expect(table.asked).toEqual([
        [expect.stringContaining('where hash in'), JSON.stringify([JSON.stringify([hash])])],
      ]);
    },
  );
});

/** Random characters at the end of a wrong key: beyond guessing. */
const TAIL = 12;

/**
 * How often the check of a key with a right beginning takes longer than that of one with a wrong beginning. The wrong
 * beginning is always the same as well: the processor soon knows its way through what it reads again and again.
 */
function shareOfRight(right: string, wrong: string, work: (key: string) => unknown): Promise<number> {
  return longerShare({
    first: () => likeUntil(right, right.length - TAIL),
    second: () => likeUntil(wrong, wrong.length - TAIL),
    work,
  });
}

/** Ends at the first wrong character. */
function isSame(left: string, right: string): boolean {
  for (let at = 0; at < left.length; at++) if (left.charCodeAt(at) !== right.charCodeAt(at)) return false;
  return left.length === right.length;
}

describe('the time that a check takes', () => {
  // Long, so that a comparison that ends early would show.
  const [KEY, OTHER] = [randomBase62(4000), randomBase62(4000)];

  it('shows where a comparison ends at the first wrong character', async () => {
    expect(await shareOfRight(KEY, OTHER, (key) => isSame(key, KEY))).toBeGreaterThan(0.9);
  });

  it('shows nothing of a static key', async () => {
    const keys = new StaticKeys([KEY]);
    const share = await shareOfRight(KEY, OTHER, (key) => keys.find(key));
    expect(Math.abs(share - 0.5)).toBeLessThan(0.2);
  });

  it('shows nothing of an issued key', async () => {
    const keys = new KeyStore(new KeyTable());
    const { key: right } = await keys.create({ name: 'right' });
    await keys.find(right);
    const share = await shareOfRight(right, newApiKey(), (key) => keys.find(key));
    expect(Math.abs(share - 0.5)).toBeLessThan(0.2);
  });
});
