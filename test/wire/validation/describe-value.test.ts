import { describe, expect, it } from 'vitest';
import { describeValue } from '../../../src/wire/validation/describe-value.ts';

describe('describeValue', () => {
  it.each<{ value: unknown; text: string }>([
    { value: null, text: 'null' },
    { value: undefined, text: 'nothing' },
    { value: true, text: 'true' },
    { value: -0.5, text: 'the number -0.5' },
    { value: '', text: 'an empty string' },
    { value: 'hot', text: 'the string "hot"' },
    { value: 'a\nb"', text: 'the string "a\\nb\\""' },
    { value: '\udc00', text: 'the string "\\udc00"' },
    { value: [], text: 'an empty array' },
    { value: [1], text: 'an array' },
    { value: { a: 1 }, text: 'an object' },
    { value: () => 1, text: 'a function' },
    { value: 10n, text: 'a bigint' },
  ])('$text', ({ value, text }) => {
    expect(describeValue(value)).toBe(text);
  });

  it('does not show strings as long as a secret', () => {
    expect(describeValue('s'.repeat(39))).toBe('a string of 39 characters');
  });
});
