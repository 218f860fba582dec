import { describe, expect, it } from 'vitest';
import { slowStartShare } from '../../../src/upstream/replicas/slow-start.ts';

describe('slowStartShare', () => {
  it.each([
    [-1, 10_000, 0.1],
    [0, 10_000, 0.1],
    [1000, 10_000, 0.19],
    [5000, 10_000, 0.55],
    [9000, 10_000, 0.91],
    [10_000, 10_000, 1],
    [1e9, 10_000, 1],
    [0, 0, 1],
  ])('%d ms after the recovery, of %d ms, is %d', (sinceMs, durationMs, share) => {
    expect(slowStartShare(sinceMs, durationMs)).toBeCloseTo(share, 10);
  });
});
