import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Check,
  MAX_PROBLEMS,
  ProblemCollector,
} from '../../../src/wire/validation/problem-collector.ts';
import {
  checkBoolean,
  checkText,
  integerIn,
  numberIn,
  oneOf,
  textOf,
} from '../../../src/wire/validation/scalar-checks.ts';
import {
  checkFreeForm,
  listOf,
  MAX_DEPTH,
  mapOf,
  objectOf,
  stringOr,
} from '../../../src/wire/validation/structure-checks.ts';

function problemsOf(check: Check, value: unknown): string[] {
  const collector = new ProblemCollector();
  check(value, collector);
  return collector.problems.map(({ param, message }) => `${param ?? '$'}: ${message}`);
}

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

describe('checks', () => {
  it.each<[string, Check, unknown, string[]]>([
    ['boolean', checkBoolean, 'true', ['$: must be true or false, not the string "true"']],
    ['number', numberIn({ min: 0, max: 2 }), 3, ['$: must be a number from 0 to 2, not the number 3']],
    ['open number', numberIn({ min: 0 }), -1, ['$: must be a number of at least 0, not the number -1']],
    ['integer', integerIn({ min: 1 }), 1.5, ['$: must be a whole number of at least 1, not the number 1.5']],
    [
      'unsafe integer',
      integerIn({}),
      2 ** 53,
      ['$: must be a whole number, not the number 9007199254740992'],
    ],
    ['upper bound', integerIn({ max: 5 }), 6, ['$: must be a whole number of at most 5, not the number 6']],
    [
      'text',
      textOf({ min: 1, max: 3 }),
      '',
      ['$: must be a non-empty string of at most 3 characters, not an empty one'],
    ],
    ['long text', textOf({ max: 3 }), 'abcd', ['$: must be a string of at most 3 characters, not one of 4']],
    ['choice', oneOf(['a', 'b']), 'c', ['$: must be one of "a", "b", not the string "c"']],
    ['single choice', oneOf(['a']), 1, ['$: must be "a", not the number 1']],
    ['object', objectOf({}), [], ['$: must be an object, not an empty array']],
    ['member', objectOf({ a: checkText }), { a: 1, b: 2 }, ['a: must be a string, not the number 1']],
    ['null member', objectOf({ a: checkText }), { a: null }, []],
    [
      'missing member',
      objectOf({ a: checkText }, ['a', 'b']),
      { b: null },
      ['a: is required', 'b: is required and must not be null'],
    ],
    ['list', listOf(checkText), {}, ['$: must be an array, not an object']],
    ['list item', listOf(checkText), ['a', 1], ['[1]: must be a string, not the number 1']],
    ['list bounds', listOf(checkText, { min: 1, max: 2 }), [], ['$: must have 1 to 2 items, not 0']],
    ['map', mapOf(checkText, { maxEntries: 1 }), { a: '', b: '' }, ['$: must have at most 1 entries, not 2']],
    [
      'map key',
      mapOf(checkText, { maxKeyLength: 1 }),
      { ab: 1 },
      ['ab: must have a key of at most 1 characters, not 2', 'ab: must be a string, not the number 1'],
    ],
    ['string or', stringOr(checkText, objectOf({})), 1, ['$: must be an object, not the number 1']],
  ])('%s', (_, check, value, problems) => {
    expect(problemsOf(check, value)).toEqual(problems);
  });
});

describe('checkFreeForm', () => {
  it('accepts every JSON value that JSON.stringify can write without loss', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(problemsOf(checkFreeForm, value)).toEqual([]);
      }),
    );
  });

  it.each([
    ['lone surrogate', { a: ['x', '\ud83d'] }, 'a[1]: contains half of a surrogate pair'],
    ['number beyond a double', { a: JSON.parse('1e999') as unknown }, 'a: is a number beyond the range'],
    ['own __proto__', JSON.parse('{"__proto__":{"x":"\\ud800"}}') as unknown, '__proto__.x: contains half'],
  ])('refuses a %s', (_, value, message) => {
    expect(problemsOf(checkFreeForm, value)).toEqual([expect.stringContaining(message)]);
  });

  it('allows the deepest level and refuses the one below', () => {
    expect(problemsOf(checkFreeForm, nested(MAX_DEPTH))).toEqual([]);
    expect(problemsOf(checkFreeForm, nested(MAX_DEPTH + 1))).toEqual([
      expect.stringContaining('nested too deeply'),
    ]);
    expect(problemsOf(checkFreeForm, nested(1_000_000))).toHaveLength(1);
  });

  it('stops once it has enough problems', () => {
    expect(
      problemsOf(
        checkFreeForm,
        Array.from({ length: 10_000 }, () => '\udc00'),
      ),
    ).toHaveLength(MAX_PROBLEMS);
    expect(
      problemsOf(
        checkFreeForm,
        Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, '\udc00'])),
      ),
    ).toHaveLength(MAX_PROBLEMS);
  });
});
