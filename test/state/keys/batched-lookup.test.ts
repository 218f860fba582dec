import { describe, expect, it } from 'vitest';
import { BatchedLookup } from '../../../src/state/keys/batched-lookup.ts';

/** A store whose loads end when they are told to. */
function heldStore() {
  const loads: { keys: readonly string[]; end: PromiseWithResolvers<ReadonlyMap<string, string>> }[] = [];
  const lookup = new BatchedLookup<string>((keys) => {
    const end = Promise.withResolvers<ReadonlyMap<string, string>>();
    loads.push({ keys, end });
    return end.promise;
  });
  const answer = (index: number): void => {
    const load = loads[index];
    const known = load?.keys.filter((key) => key.startsWith('known'));
    load?.end.resolve(new Map(known?.map((key) => [key, `value of ${key}`])));
  };
  return { loads, lookup, answer };
}

const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe('BatchedLookup', () => {
  it('loads what is asked for in one moment together, each key once', async () => {
    const { loads, lookup, answer } = heldStore();
    const asked = ['known-1', 'unknown', 'known-1', 'known-2'].map((key) => lookup.get(key));
    await settle();
    answer(0);
    expect(await Promise.all(asked)).toEqual([
      'value of known-1',
      undefined,
      'value of known-1',
      'value of known-2',
    ]);
    expect(loads.map(({ keys }) => keys)).toEqual([['known-1', 'unknown', 'known-2']]);
  });

  it('gathers for the next load while one is under way, and never answers from one begun before', async () => {
    const { loads, lookup, answer } = heldStore();
    const first = lookup.get('known-1');
    await settle();
    const later = ['known-1', 'known-2', 'unknown'].map((key) => lookup.get(key));
    await settle();
    expect(loads).toHaveLength(1);
    answer(0);
    await first;
    await settle();
    answer(1);
    expect(await Promise.all(later)).toEqual(['value of known-1', 'value of known-2', undefined]);
    expect(loads.map(({ keys }) => keys)).toEqual([['known-1'], ['known-1', 'known-2', 'unknown']]);
  });

  it('bounds a load', async () => {
    const { loads, lookup, answer } = heldStore();
    const asked = Array.from({ length: 1500 }, (_, index) => lookup.get(`known-${index}`));
    await settle();
    answer(0);
    await settle();
    answer(1);
    await Promise.all(asked);
    expect(loads.map(({ keys }) => keys.length)).toEqual([1000, 500]);
  });

  it('tells all who wait of a failure, and loads again for the next', async () => {
    const { loads, lookup, answer } = heldStore();
    const failed = Promise.allSettled([lookup.get('known-1'), lookup.get('known-2')]);
    await settle();
    loads[0]?.end.reject(new Error('away'));
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = lookup.get('known-1');
    await settle();
    answer(1);
    expect(await again).toBe('value of known-1');
  });
});
