import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextPlacement } from '../../../src/translate/events/text-placement.ts';

/** A target text made of source pieces (lower case) and insertions (upper case). */
function placed(pieces: readonly string[]): { placement: TextPlacement; source: string; target: string } {
  const placement = new TextPlacement();
  let source = '';
  for (const piece of pieces) {
    if (piece === piece.toUpperCase()) placement.insert(piece.length);
    else {
      placement.place(piece.length);
      source += piece;
    }
  }
  return { placement, source, target: pieces.join('') };
}

describe('TextPlacement', () => {
  it.each<[string, string[], [number, number], string]>([
    ['nothing in between', ['abc', 'def'], [1, 5], 'bcde'],
    ['something in front', ['TAG', 'abc'], [0, 2], 'ab'],
    ['something in the middle', ['ab', 'X', 'cd'], [1, 3], 'bXc'],
    ['something at both edges', ['ab', 'X', 'cd', 'Y', 'ef'], [2, 4], 'cd'],
    ['behind the end', ['ab', 'X'], [2, 9], ''],
    ['beyond the end', ['ab', 'X'], [1, 9], 'b'],
    ['backwards', ['abcd'], [3, 1], ''],
    ['before the start', ['X', 'ab'], [-2, 1], 'a'],
  ])('%s', (_, pieces, [start, end], text) => {
    const { placement, target } = placed(pieces);
    const range = placement.range({ start, end });
    expect(target.slice(range.start, range.end)).toBe(text);
  });

  it('an empty range behind the end is at the target end', () => {
    const { placement } = placed(['ab', 'XYZ']);
    expect(placement.range({ start: 2, end: 2 })).toEqual({ start: 5, end: 5 });
  });

  it('holds exactly the source range, whatever was inserted', () => {
    const piece = fc.oneof(fc.stringMatching(/^[a-z]{1,4}$/), fc.stringMatching(/^[A-Z]{1,4}$/));
    fc.assert(
      fc.property(fc.array(piece), fc.nat({ max: 20 }), fc.nat({ max: 20 }), (pieces, start, length) => {
        const { placement, source, target } = placed(pieces);
        const range = placement.range({ start, end: start + length });
        const found = target.slice(range.start, range.end);
        expect(found.replaceAll(/[A-Z]/g, '')).toBe(source.slice(start, start + length));
        expect(found).toBe(found.replaceAll(/^[A-Z]+|[A-Z]+$/g, ''));
      }),
    );
  });
});
