import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOfString } from '../../../src/wire/json-text/end-of-string.ts';

describe('endOfString', () => {
  it.each<[text: string, end: number]>([
    ['""', 2],
    ['"a" "b"', 3],
    [String.raw`"\"" "`, 4],
    [String.raw`"\\" "`, 4],
    [String.raw`"\\\"" "`, 6],
    ['"', 1],
    ['"open', 5],
    [String.raw`"open\"`, 7],
  ])('of %j is %i', (text, end) => {
    expect(endOfString(text, 0)).toBe(end);
  });

  it('is where the string ends, whatever stands around it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, after) => {
        const text = JSON.stringify(value);
        expect(endOfString(`["a",${text}${after}`, 5)).toBe(5 + text.length);
      }),
    );
  });
});
