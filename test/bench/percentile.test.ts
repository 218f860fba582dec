import { describe, expect, it } from 'vitest';
import { percentile } from '../../bench/percentile.ts';

const HUNDRED = Array.from({ length: 100 }, (_, at) => 100 - at);

describe('percentile', () => {
  it.each([
    { values: [3], share: 0.99, value: 3 },
    { values: HUNDRED, share: 0.99, value: 99 },
    { values: HUNDRED, share: 0.5, value: 50 },
    { values: HUNDRED, share: 1, value: 100 },
    { values: HUNDRED, share: 0, value: 1 },
  ])('of $values.length values, $share', ({ values, share, value }) => {
    expect(percentile(values, share)).toBe(value);
  });

  it('of nothing is an error', () => {
    expect(() => percentile([], 0.5)).toThrow(RangeError);
  });
});
