import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printableText } from '../../src/server/printable-text.ts';

const anyCodeUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

describe('printableText', () => {
  it.each([
    ['plain text', 20, 'plain text'],
    ['a\r\nb\0c\x7fé', 20, 'a??b?c??'],
    ['abcdefgh', 8, 'abcdefgh'],
    ['abcdefghi', 8, 'abcde...'],
    ['', 8, ''],
  ])('%j in %i characters', (text, length, printable) => {
    expect(printableText(text, length)).toBe(printable);
  });

  it('always fits a header', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCodeUnit }), fc.integer({ min: 3, max: 50 }), (text, length) => {
        const printable = printableText(text, length);
        expect(printable).toMatch(/^[\x20-\x7e]*$/);
        expect(printable.length).toBeLessThanOrEqual(length);
      }),
    );
  });
});
