import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LruMap } from '../../../src/auth/inbound/lru-map.ts';

describe('LruMap', () => {
  it('forgets what was used longest ago', () => {
    const map = new LruMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    expect(map.get('a')).toBe(1);
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3]);
    map.delete('a');
    expect(map.size).toBe(1);
  });

  it('never holds more than it may, and always what was set last', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.constantFrom(...Array.from('abcdefgh'))),
        (max, keys) => {
          const map = new LruMap<number>(max);
          for (const [index, key] of keys.entries()) {
            map.set(key, index);
            expect(map.size).toBeLessThanOrEqual(max);
            expect(map.get(key)).toBe(index);
          }
        },
      ),
    );
  });
});
