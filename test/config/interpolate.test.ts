import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolate } from '../../src/config/interpolate.ts';

const ENVIRONMENT = { KEY: 'secret', EMPTY: '', NESTED: '${KEY}', DOLLARS: '$& $1 $$', _x1: 'low' };

describe('interpolate', () => {
  it.each([
    ['plain', 'plain'],
    ['${KEY}', 'secret'],
    ['a ${KEY} b ${KEY}', 'a secret b secret'],
    ['${_x1}', 'low'],
    ['${EMPTY}', ''],
    ['${NESTED}', '${KEY}'],
    ['${DOLLARS}', '$& $1 $$'],
    ['$KEY costs $5 $', '$KEY costs $5 $'],
    ['$$', '$$'],
    ['$${KEY}', '${KEY}'],
    ['$${KEY} is ${KEY}', '${KEY} is secret'],
    ['{KEY}', '{KEY}'],
  ])('%j becomes %j', (text, expected) => {
    expect(interpolate(text, ENVIRONMENT)).toEqual({ text: expected, problems: [] });
  });

  it.each([
    ['${MISSING}', '${MISSING}', 'environment variable MISSING is not set'],
    ['x${constructor}', '${constructor}', 'environment variable constructor is not set'],
    ['${__proto__}', '${__proto__}', 'environment variable __proto__ is not set'],
    ['${}', '${}', 'must be followed by a variable name'],
    ['${KEY:-x}', '${KEY:-x}', 'must be followed by a variable name'],
    ['${1}', '${1}', 'must be followed by a variable name'],
    ['${KEY', '${KEY', 'must be followed by a variable name'],
    ['a ${', '${', 'must be followed by a variable name'],
  ])('%j is wrong at %j: %s', (text, reference, message) => {
    const { problems } = interpolate(text, ENVIRONMENT);
    expect(problems).toEqual([{ reference, message: expect.stringContaining(message) }]);
  });

  it('reports each wrong reference', () => {
    expect(interpolate('${A} ${KEY} ${B}', ENVIRONMENT).problems).toHaveLength(2);
  });

  it('gives back any text whose references are escaped', () => {
    const text = fc.string({ unit: fc.constantFrom('$', '{', '}', 'K', 'é') });
    fc.assert(
      fc.property(text, (original) => {
        const escaped = original.replaceAll('${', () => '$${');
        expect(interpolate(escaped, {})).toEqual({ text: original, problems: [] });
      }),
    );
  });
});
