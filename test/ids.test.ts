import { describe, expect, it } from 'vitest';
import { randomBase62 } from '../src/ids.ts';

describe('randomBase62', () => {
  it.each([0, 1, 24, 100])('has %i characters', (length) => {
    expect(randomBase62(length)).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`));
  });

  it('differs each time', () => {
    expect(new Set(Array.from({ length: 1000 }, () => randomBase62())).size).toBe(1000);
  });

  it('uses every letter about as often', () => {
    const counts = new Map<string, number>();
    for (const letter of randomBase62(62_000)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // Six standard deviations around 1000: fails once in some hundred million runs.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(190);
  });
});
