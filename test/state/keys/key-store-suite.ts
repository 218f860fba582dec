/** What the keys have to do, over both databases. */
import { beforeEach, expect, it } from 'vitest';
import type { Database, Queryable } from '../../../src/state/database/database.ts';
import { hashOfKey } from '../../../src/state/keys/api-key.ts';
import { KeyStore } from '../../../src/state/keys/key-store.ts';

const DAY = 86_400_000;
const NOON = Date.UTC(2026, 6, 31, 12);

export function testKeyStore(get: () => Database): void {
  let now: number;
  let keys: KeyStore;
  let other: KeyStore;
  let asked: Promise<unknown>[];

  /** Resolves when all that was asked of the database is done, what nobody waits for included. */
  const settled = async (): Promise<void> => {
    await Promise.all(asked);
  };

  const watched = (): Queryable => ({
    async query(sql, parameters) {
      const query = get().query<never>(sql, parameters);
      asked.push(query);
      return await query;
    },
  });

  const openStore = (): KeyStore =>
    new KeyStore(watched(), {
      now: () => now,
      clock: () => now,
      onError: (error) => {
        throw error;
      },
    });

  beforeEach(async () => {
    await get().query('delete from parlance.api_keys');
    asked = [];
    now = NOON;
    keys = openStore();
    // Another replica.
    other = openStore();
  });

  it('finds a key it made, with its policy', async () => {
    const policy = {
      models: ['google/*', 'my-model'],
      endpoints: [],
      projects: ['p'],
      limits: { requestsPerMinute: 60, tokensPerMonth: 1e12 },
    };
    const expiresAt = new Date(NOON + DAY);
    const { id, key } = await keys.create({ name: 'Zoë’s notebook', policy, expiresAt });
    expect(await other.find(key)).toEqual({
      status: 'valid',
      key: {
        id,
        name: 'Zoë’s notebook',
        prefix: key.slice(0, 20),
        policy,
        createdAt: new Date(NOON),
        expiresAt,
        revokedAt: undefined,
        lastUsedAt: undefined,
      },
    });
  });

  it('allows everything without a policy, and for ever without an end', async () => {
    const { key } = await keys.create({ name: 'open' });
    now += 1000 * 365 * DAY;
    expect(await keys.find(key)).toMatchObject({ status: 'valid', key: { policy: {} } });
  });

  it('stores nothing a key could be made from, and lists no hash', async () => {
    const { key } = await keys.create({ name: 'one' });
    const stored = JSON.stringify(await get().query('select * from parlance.api_keys'));
    expect(stored).toContain(key.slice(0, 20));
    expect(stored).not.toContain(key.slice(20));
    expect(stored).not.toContain(key.slice(0, 21));
    const hashes = await get().query<{ hash: string }>('select hash from parlance.api_keys');
    expect(hashes).toEqual([{ hash: hashOfKey(key) }]);
    expect(JSON.stringify(await keys.list())).not.toContain(hashOfKey(key));
  });

  it.each<[string, (key: string) => string]>([
    ['another ending', (key) => `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`],
    ['another beginning', (key) => `sk-parlance-${key.charAt(12) === 'a' ? 'b' : 'a'}${key.slice(13)}`],
    ['its visible part only', (key) => key.slice(0, 20)],
    ['an ending too much', (key) => `${key}a`],
    ['nothing', () => ''],
    ['the hash', () => 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'],
    ['a NUL', (key) => `${key.slice(0, -1)}\0`],
  ])('knows no key with %s', async (_case, change) => {
    const { key } = await keys.create({ name: 'one' });
    expect(await keys.find(change(key))).toBeUndefined();
    expect(await keys.find(key)).toBeDefined();
  });

  it('lists all keys in the order they were made', async () => {
    for (const name of ['first', 'second', 'third']) {
      await keys.create({ name });
      now += 1000;
    }
    expect((await other.list()).map(({ name }) => name)).toEqual(['first', 'second', 'third']);
  });

  it('ends a key on this replica at once and on others within ten seconds', async () => {
    const { id, key } = await keys.create({ name: 'one' });
    await keys.find(key);
    await other.find(key);
    expect(await keys.revoke(id)).toMatchObject({ id, revokedAt: new Date(NOON) });
    expect(await keys.find(key)).toMatchObject({ status: 'revoked' });
    now += 10_000;
    expect(await other.find(key)).toMatchObject({ status: 'revoked', key: { revokedAt: new Date(NOON) } });
  });

  it('keeps the date of a key that is revoked again, and says which ids there are not', async () => {
    const { id } = await keys.create({ name: 'one' });
    await keys.revoke(id);
    now += DAY;
    expect(await keys.revoke(id)).toMatchObject({ revokedAt: new Date(NOON) });
    expect(await keys.revoke('key_none')).toBeUndefined();
  });

  it('lets a key expire to the millisecond, remembered or not', async () => {
    const { key } = await keys.create({ name: 'one', expiresAt: new Date(NOON + 5) });
    now += 4;
    expect(await keys.find(key)).toMatchObject({ status: 'valid' });
    now += 1;
    expect(await keys.find(key)).toMatchObject({ status: 'expired' });
    expect(await other.find(key)).toMatchObject({ status: 'expired' });
  });

  it('writes down once a minute that a key was used', async () => {
    const { key } = await keys.create({ name: 'one' });
    const written: (number | undefined)[] = [];
    for (const step of [0, 30_000, 29_999, 1, 59_999]) {
      now += step;
      await keys.find(key);
      await settled();
      const [stored] = await other.list();
      written.push(stored?.lastUsedAt?.getTime());
    }
    expect(written).toEqual([NOON, NOON, NOON, NOON + 60_000, NOON + 60_000]);
  });

  it('writes down no use of a key that is not valid', async () => {
    const { id, key } = await keys.create({ name: 'one' });
    await keys.revoke(id);
    await keys.find(key);
    await settled();
    expect((await other.list())[0]?.lastUsedAt).toBeUndefined();
  });

  it('tells many keys apart that are asked for at once', async () => {
    const made = await Promise.all(Array.from({ length: 40 }, (_, n) => keys.create({ name: `n${n}` })));
    const wrong = made.map(({ key }) => `${key.slice(0, 20)}${'0'.repeat(32)}`);
    const found = await Promise.all([...made.map(({ key }) => key), ...wrong].map((key) => other.find(key)));
    expect(found.map((one) => one?.key.name)).toEqual([
      ...made.map((_made, n) => `n${n}`),
      ...wrong.map(() => undefined),
    ]);
  });

  it('never crosses a thousand keys with equal beginnings and ends, read or remembered', async () => {
    const all = Array.from(
      { length: 1000 },
      (_, n) => `sk-parlance-${'a'.repeat(18)}${String(n).padStart(4, '0')}${'z'.repeat(18)}`,
    );
    // There are the even ones.
    const ids = all.map((_key, n) => (n % 2 === 0 ? `key_${n}` : undefined));
    const rows = all
      .map((key, n) => ({ id: ids[n], hash: hashOfKey(key) }))
      .filter(({ id }) => id !== undefined);
    await get().query(
      `insert into parlance.api_keys (id, name, prefix, hash, policy, created_at, last_used_at)
       select item ->> 'id', 'alike', 'sk-parlance-aaaaaaaa', item ->> 'hash', '{}', $2::timestamptz, $2::timestamptz
       from jsonb_array_elements($1::jsonb) as item`,
      [JSON.stringify(rows), new Date(NOON).toISOString()],
    );
    for (let round = 0; round < 2; round++) {
      const found = await Promise.all(all.map((key) => keys.find(key)));
      expect(found.map((one) => one?.key.id)).toEqual(ids);
    }
  });
}
