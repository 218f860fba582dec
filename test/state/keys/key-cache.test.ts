import { describe, expect, it } from 'vitest';
import { KeyCache } from '../../../src/state/keys/key-cache.ts';
import type { KeyRow } from '../../../src/state/keys/stored-key.ts';

function rowOf(hash: string, name: string): KeyRow {
  return {
    id: `key_${hash}`,
    name,
    prefix: 'sk-parlance-00000000',
    hash,
    policy: {},
    created_at: new Date(0),
    expires_at: null,
    revoked_at: null,
    last_used_at: null,
  };
}

/** A cache over a table, with a clock that is set by hand. */
function cacheOver(table: Map<string, string>) {
  const state = { time: 0, loads: 0, isAway: false };
  const cache = new KeyCache({
    clock: () => state.time,
    load: async (hashes) => {
      state.loads += 1;
      if (state.isAway) throw new Error('away');
      return hashes.flatMap((hash) => {
        const name = table.get(hash);
        return name === undefined ? [] : [rowOf(hash, name)];
      });
    },
  });
  const find = async (hash: string): Promise<string | undefined> => (await cache.find(hash))?.name;
  return { state, cache, find };
}

const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe('KeyCache', () => {
  it('answers from memory for five seconds', async () => {
    const { state, find } = cacheOver(new Map([['a', 'first']]));
    for (const time of [0, 1, 4999]) {
      state.time = time;
      expect(await find('a')).toBe('first');
    }
    expect(state.loads).toBe(1);
  });

  it('reads a key in use again in the background', async () => {
    const table = new Map([['a', 'first']]);
    const { state, find } = cacheOver(table);
    await find('a');
    table.set('a', 'second');
    state.time = 5000;
    expect(await find('a')).toBe('first');
    await settle();
    expect(await find('a')).toBe('second');
    expect(state.loads).toBe(2);
  });

  it('never answers with what is ten seconds old', async () => {
    const table = new Map([['a', 'first']]);
    const { state, find } = cacheOver(table);
    await find('a');
    table.delete('a');
    state.time = 10_000;
    expect(await find('a')).toBeUndefined();
  });

  it('outlives an absence of the database, but not for longer than that', async () => {
    const { state, find } = cacheOver(new Map([['a', 'first']]));
    await find('a');
    state.isAway = true;
    state.time = 9999;
    expect(await find('a')).toBe('first');
    await settle();
    state.time = 10_000;
    await expect(find('a')).rejects.toThrow('away');
    state.isAway = false;
    expect(await find('a')).toBe('first');
  });

  it('does not remember that a key is unknown', async () => {
    const table = new Map<string, string>();
    const { find } = cacheOver(table);
    expect(await find('a')).toBeUndefined();
    table.set('a', 'new');
    expect(await find('a')).toBe('new');
  });

  it('forgets everything when told to, and what was asked for before', async () => {
    const table = new Map([['a', 'first']]);
    const { cache, find } = cacheOver(table);
    await find('a');
    cache.clear();
    const asked = find('a');
    // The load has begun with the row as it was.
    await Promise.resolve();
    cache.clear();
    expect(await asked).toBe('first');
    table.delete('a');
    expect(await find('a')).toBeUndefined();
  });

  it('is bounded: the row goes that was read longest ago', async () => {
    const names = Array.from({ length: 10_001 }, (_, index) => `hash-${index}`);
    const { state, find } = cacheOver(new Map(names.map((name) => [name, name])));
    for (const name of names.slice(0, 2)) await find(name);
    await Promise.all(names.slice(2).map(find));
    const before = state.loads;
    await find('hash-1');
    expect(state.loads).toBe(before);
    await find('hash-0');
    expect(state.loads).toBe(before + 1);
  });
});
