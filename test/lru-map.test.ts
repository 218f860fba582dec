import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LruMap } from '../src/lru-map.ts';

describe('LruMap', () => {
  it('forgets what was used longest ago', () => {
    const map = new LruMap<number>({ maxEntries: 2 });
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
          const map = new LruMap<number>({ maxEntries: max });
          for (const [index, key] of keys.entries()) {
            map.set(key, index);
            expect(map.size).toBeLessThanOrEqual(max);
            expect(map.get(key)).toBe(index);
          }
        },
      ),
    );
  });

  it('never weighs more than it may, and keeps nothing that does by itself', () => {
    const entries = fc.array(fc.tuple(fc.constantFrom(...Array.from('abcdefgh')), fc.nat(12)));
    fc.assert(
      fc.property(entries, (sets) => {
        const map = new LruMap<number>({ maxWeight: 10, weigh: (value, key) => value + key.length - 1 });
        for (const [key, value] of sets) {
          map.set(key, value);
          expect(map.get(key)).toBe(value > 10 ? undefined : value);
          const kept = [...map].map(([, each]) => each);
          expect(map.weight).toBe(kept.reduce((sum, each) => sum + each, 0));
          expect(map.weight).toBeLessThanOrEqual(10);
        }
        map.clear();
        expect([map.size, map.weight]).toEqual([0, 0]);
      }),
    );
  });
});
