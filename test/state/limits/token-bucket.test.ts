import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refill, take, timeUntil } from '../../../src/state/limits/token-bucket.ts';

describe('a bucket', () => {
  it('is full at first', () => {
    expect(refill(undefined, 60, 1000)).toEqual({ capacity: 60, level: 60, at: 1000 });
  });

  it.each<[number, number]>([
    [0, 10],
    [1000, 11],
    [500, 10.5],
    [50_000, 60],
    [1e9, 60],
    // A clock that was put back.
    [-5000, 10],
  ])('that holds 10 of 60 holds after %d ms: %d', (elapsed, level) => {
    const bucket = refill({ capacity: 60, level: 10, at: 0 }, 60, elapsed);
    expect(bucket).toEqual({ capacity: 60, level, at: elapsed });
  });

  it('flows on after its clock was put back', () => {
    const bucket = refill({ capacity: 60, level: 10, at: 1e6 }, 60, 0);
    expect(refill(bucket, 60, 1000).level).toBe(11);
  });

  it.each<[number, number]>([
    [10, 0],
    [11, 1000],
    [60, 50_000],
    [10.0005, 1],
    [61, Infinity],
  ])('that holds 10 of 60 holds %d in %d ms', (level, milliseconds) => {
    expect(timeUntil({ capacity: 60, level: 10, at: 0 }, level)).toBe(milliseconds);
  });

  it('lets no more through in any time than its capacity and what flows in', () => {
    const calls = fc.array(fc.record({ wait: fc.nat(20_000), amount: fc.integer({ min: 1, max: 30 }) }));
    fc.assert(
      fc.property(calls, fc.integer({ min: 1, max: 100 }), (made, capacity) => {
        let bucket = refill(undefined, capacity, 0);
        let taken = 0;
        let now = 0;
        for (const { wait, amount } of made) {
          now += wait;
          bucket = refill(bucket, capacity, now);
          if (amount > bucket.level) continue;
          bucket = take(bucket, amount);
          taken += amount;
        }
        expect(taken).toBeLessThanOrEqual(capacity + (now * capacity) / 60_000 + 1e-6);
      }),
    );
  });
});
