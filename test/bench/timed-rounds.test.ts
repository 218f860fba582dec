import { describe, expect, it } from 'vitest';
import { timedRounds } from '../../bench/timed-rounds.ts';

describe('timedRounds', () => {
  it('gives all rounds when there is time', () => {
    expect([...timedRounds({ most: 3, seconds: 1000 })]).toEqual([0, 1, 2]);
  });

  it('gives one round when there is none', () => {
    expect([...timedRounds({ most: 3, seconds: -1 })]).toEqual([0]);
  });
});
