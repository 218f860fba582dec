import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Utf8Offsets } from '../../../src/translate/events/utf8-offsets.ts';

describe('Utf8Offsets', () => {
  it.each([
    ['a°é€😀b', 0, 0],
    ['a°é€😀b', 1, 1],
    ['a°é€😀b', 3, 2],
    ['a°é€😀b', 5, 3],
    ['a°é€😀b', 8, 4],
    ['a°é€😀b', 12, 6],
    ['a°é€😀b', 13, 7],
    ['a°é€😀b', 99, 7],
    ['', 5, 0],
  ])('%s: byte %i is at unit %i', (text, bytes, units) => {
    expect(new Utf8Offsets(text).unitsAt(bytes)).toBe(units);
  });

  it.each([
    ['a two-byte character', 'é', 1, 0],
    ['a four-byte character', 'a😀', 3, 1],
  ])('a byte in the middle of %s is at its start', (_, text, bytes, units) => {
    expect(new Utf8Offsets(text).unitsAt(bytes)).toBe(units);
  });

  it('agrees with the encoder at every character of long texts', () => {
    const long = fc
      .array(fc.constantFrom('a', 'é', '€', '😀', 'plain words, ', '\uD800 '), {
        minLength: 100,
        maxLength: 1200,
      })
      .map((words) => words.join(''));
    const encoder = new TextEncoder();
    fc.assert(
      fc.property(long, fc.nat(), (text, at) => {
        const offsets = new Utf8Offsets(text);
        const characters = Array.from(text);
        const units = characters.slice(0, at % (characters.length + 1)).join('').length;
        const bytes = encoder.encode(text.slice(0, units)).length;
        expect(offsets.bytesAt(units)).toBe(bytes);
        expect(offsets.unitsAt(bytes)).toBe(units);
      }),
      { numRuns: 60 },
    );
  });
});
