import { describe, expect, it } from 'vitest';
import { ecmaPattern } from '../../../../src/backends/openai-compatible/structured-output/ecma-pattern.ts';

describe('patterns', () => {
  it.each<[pattern: string, text: string, other: string]>([
    ['^[a-z]+$', 'abc', 'aBc'],
    [String.raw`^\d{3}\-\d{4}$`, '555-1234', '5551234'],
    [String.raw`^[\w\-.]+\@[a\_b]+$`, 'a-b.c@a_b', 'a@c'],
    [String.raw`^\/\\\"\#$`, '/\\"#', '/"#'],
    [String.raw`^\\-$`, String.raw`\-`, '-'],
    [String.raw`^[+\-*]$`, '-', ','],
    [String.raw`^\u{1F600}\p{L}$`, '\u{1F600}a', '\u{1F600}1'],
    ['', 'anything', ''],
  ])('%s', (pattern, text, other) => {
    const portable = new RegExp(ecmaPattern(pattern) ?? 'none', 'u');
    expect(portable.test(text)).toBe(true);
    expect(pattern === '' || !portable.test(other)).toBe(true);
  });

  it.each(['(', '[b-a]', 'a**', String.raw`\Aa\Z`, '(?i)a', '(?P<n>a)', String.raw`\p{Nope}`, 'a\\'])(
    '%s is none of ECMA-262',
    (pattern) => {
      expect(ecmaPattern(pattern)).toBeUndefined();
    },
  );
});
