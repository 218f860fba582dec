import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nestsDeeperThan } from '../../../src/wire/validation/nests-deeper-than.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('nestsDeeperThan', () => {
  it.each([
    { text: '[[]]', levels: 2, deeper: false },
    { text: '[[]]', levels: 1, deeper: true },
    { text: '[{"a":[]}]', levels: 2, deeper: true },
    { text: '[[],[],[]]', levels: 2, deeper: false },
    { text: '["[[[["]', levels: 1, deeper: false },
    { text: '["\\"[[[["]', levels: 1, deeper: false },
    { text: '["\\\\",[[]]]', levels: 2, deeper: true },
    { text: '["open [[[', levels: 1, deeper: false },
    { text: '[', levels: 0, deeper: true },
  ])('$text, $levels levels: $deeper', ({ text, levels, deeper }) => {
    expect(nestsDeeperThan(text, levels)).toBe(deeper);
  });

  it('agrees with the parsed value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(6), (value, levels) => {
        expect(nestsDeeperThan(JSON.stringify(value), levels)).toBe(depthOf(value) > levels);
      }),
    );
  });
});
