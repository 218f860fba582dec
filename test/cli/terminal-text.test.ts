import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { terminalJson, terminalText } from '../../src/cli/terminal-text.ts';

describe('terminalText', () => {
  it.each([
    ['plain, é, 東京, 😀', 'plain, é, 東京, 😀'],
    ['\u{1b}[2J', '?[2J'],
    ['a\nb\tc\u{7f}\u{9b}d', 'a?b?c??d'],
    ['\u{202e}gnp.exe', '?gnp.exe'],
    ['\ud800', '?'],
  ])('shows %j as %s', (text, shown) => {
    expect(terminalText(text)).toBe(shown);
  });
});

describe('terminalJson', () => {
  it('says the same as JSON, without a character that a terminal obeys', () => {
    const hostile = fc.string({
      unit: fc.constantFrom(
        '\u{1b}',
        '\u{7f}',
        '\u{9b}',
        '\u{202e}',
        '\u{e0001}',
        '\ud800',
        '\n',
        '"',
        '\\',
        'a',
        '😀',
      ),
    });
    fc.assert(
      fc.property(fc.dictionary(hostile, hostile), fc.constantFrom(undefined, 2), (value, indentation) => {
        const json = terminalJson(value, indentation);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(json.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
        expect(json.endsWith('}\n')).toBe(true);
      }),
    );
  });

  it('is one line unless it is to be indented', () => {
    expect(terminalJson({ a: [1] })).toBe('{"a":[1]}\n');
    expect(terminalJson({ a: 1 }, 2)).toBe('{\n  "a": 1\n}\n');
  });
});
