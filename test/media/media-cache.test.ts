import { describe, expect, it } from 'vitest';
import { MediaCache } from '../../src/media/media-cache.ts';
import { type WholeMedium, wholeMedium } from '../../src/media/medium.ts';

const medium = (hash: string): WholeMedium =>
  wholeMedium({ mimeType: 'image/png', pieces: [Buffer.alloc(10)], hash });

function start(maxBytes = 100) {
  const clock = { now: 0 };
  return { clock, cache: new MediaCache({ maxBytes, lifetimeMs: 1000, now: () => clock.now }) };
}

describe('MediaCache', () => {
  it('knows a reference for its time, to its tenant alone', () => {
    const { cache, clock } = start();
    const image = medium('a');
    cache.set('one', 'gs://b/o', image);
    expect(cache.get('one', 'gs://b/o')).toBe(image);
    expect(cache.get('two', 'gs://b/o')).toBeUndefined();
    expect(cache.get('one', 'gs://b/p')).toBeUndefined();
    clock.now = 1000;
    expect(cache.get('one', 'gs://b/o')).toBeUndefined();
  });

  it('keeps the same bytes of a tenant once', () => {
    const { cache } = start(25);
    const image = medium('a');
    expect(cache.set('one', 'gs://b/1', image)).toBe(image);
    expect(cache.set('one', 'gs://b/2', medium('a'))).toBe(image);
    expect(cache.set('two', 'gs://b/1', medium('a'))).not.toBe(image);
    expect(cache.get('one', 'gs://b/1')).toBe(image);
  });

  it('forgets what was used longest ago when there is too much', () => {
    const { cache } = start(25);
    cache.set('one', '1', medium('a'));
    cache.set('one', '2', medium('b'));
    cache.get('one', '1');
    cache.set('one', '3', medium('c'));
    expect(['1', '2', '3'].map((name) => cache.get('one', name)?.hash)).toEqual(['a', undefined, 'c']);
  });

  it('does not keep what is too large, or anything when it is off', () => {
    const { cache } = start(9);
    const image = medium('a');
    expect(cache.set('one', '1', image)).toBe(image);
    expect(cache.get('one', '1')).toBeUndefined();
  });

  it('means by a reference what came last', () => {
    const { cache } = start();
    cache.set('one', '1', medium('a'));
    cache.set('one', '1', medium('b'));
    expect(cache.get('one', '1')?.hash).toBe('b');
  });
});
