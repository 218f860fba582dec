/** Whether schemas mean the same to the checker as to another validator, which generates code and is tested widely. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as formats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { performCheck } from '../../../../src/backends/openai-compatible/structured-output/check-answer.ts';
import { FEATURES } from './schema-features.ts';

const ajv = new Ajv2020({ strict: false, logger: false, ownProperties: true });
formats.default.default(ajv, { mode: 'full' });

function verdictOf(schema: unknown, text: string): unknown {
  const outcome = performCheck({ schema: JSON.stringify(schema), text });
  return outcome.kind === 'verdict' ? outcome.verdict.valid : outcome;
}

/** Its bookkeeping for unevaluated properties fails on some combinations, used or not: then it has no opinion. */
function judge(isValid: (value: unknown) => boolean, value: unknown): boolean | undefined {
  try {
    return isValid(value);
  } catch {
    return undefined;
  }
}

/** Names and values of few kinds, so that schemas and values often have to do with each other. */
const NAME = fc.constantFrom('a', 'b', 'kind', 'constructor', 'x y/~%');
const SCALAR = fc.constantFrom(0, 1, 2, 3, -1, 0.5, '', 'a', 'ab', 'abc', '\u{1F600}', true, false, null);
const COUNT = fc.integer({ min: 0, max: 3 });
const BOUND = fc.constantFrom(-1, 0, 0.5, 1, 2);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'medium', withCrossShrink: true },
    SCALAR,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(NAME, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

const REFERENCE = fc.constantFrom({ $ref: '#/$defs/one' }, { $ref: '#/$defs/two' }, { $ref: '#leaf' });

const { schema } = fc.letrec<{ schema: unknown }>((tie) => {
  const inner = tie('schema');
  const list = fc.array(inner, { minLength: 1, maxLength: 3 });
  const keywords: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    type: fc.oneof(
      fc.constantFrom('object', 'array', 'string', 'number', 'integer', 'boolean', 'null'),
      fc.constantFrom(['object', 'array'], ['string', 'null'], ['integer', 'object']),
    ),
    enum: fc.array(value, { minLength: 1, maxLength: 3 }),
    const: value,
    properties: fc.dictionary(NAME, inner, { maxKeys: 3, noNullPrototype: true }),
    required: fc.uniqueArray(NAME, { maxLength: 2 }),
    additionalProperties: inner,
    patternProperties: fc.dictionary(fc.constantFrom('^a', 'n', '[^a-z]'), inner, { noNullPrototype: true }),
    propertyNames: inner,
    minProperties: COUNT,
    maxProperties: COUNT,
    dependentRequired: fc.dictionary(NAME, fc.uniqueArray(NAME, { maxLength: 2 }), { noNullPrototype: true }),
    dependentSchemas: fc.dictionary(NAME, inner, { maxKeys: 2, noNullPrototype: true }),
    items: inner,
    prefixItems: list,
    minItems: COUNT,
    maxItems: COUNT,
    minimum: BOUND,
    maximum: BOUND,
    exclusiveMinimum: BOUND,
    exclusiveMaximum: BOUND,
    multipleOf: fc.constantFrom(1, 2, 0.5),
    minLength: COUNT,
    maxLength: COUNT,
    pattern: fc.constantFrom('^a', 'b$', '^.$', String.raw`\p{L}`),
    anyOf: list,
    allOf: list,
    oneOf: list,
    not: inner,
    ...Object.fromEntries(['if', 'then', 'else'].map((keyword) => [keyword, inner])),
  };
  const keyword = fc.constantFrom(...Object.keys(keywords));
  const member = keyword.chain((name) =>
    (keywords[name] as fc.Arbitrary<unknown>).map((meaning) => [name, meaning] as const),
  );
  return {
    schema: fc.oneof(
      { maxDepth: 3, depthSize: 'medium' },
      fc.constantFrom(true, false, {}),
      REFERENCE,
      fc
        .uniqueArray(member, { minLength: 1, maxLength: 4, selector: ([name]) => name })
        .map((members) => Object.fromEntries(members)),
    ),
  };
});

/** Definitions that are referred to may refer to themselves, but only from inside of a value. */
const ROOT = fc.record({ main: schema, one: schema, leaf: SCALAR }).map(({ main, one, leaf }) => ({
  allOf: [main],
  $defs: {
    one: { properties: { a: one } },
    two: { items: { $ref: '#/$defs/one' } },
    leaf: { $anchor: 'leaf', const: leaf },
  },
}));

describe('agreement with another validator', () => {
  it.each(FEATURES)('about %s', (_, definition, accepted, refused) => {
    const isValid = ajv.compile(definition);
    const texts = [...accepted, ...refused];
    const expected = texts.map((__, index) => index < accepted.length);
    expect(texts.map((text) => isValid(JSON.parse(text)))).toEqual(expected);
    expect(texts.map((text) => verdictOf(definition, text))).toEqual(expected);
  });

  it('of random schemas about random values', () => {
    const seen = { true: 0, false: 0 };
    fc.assert(
      fc.property(ROOT, fc.array(value, { minLength: 5, maxLength: 20 }), (root, values) => {
        const isValid = ajv.compile(root);
        for (const one of values) {
          const expected = judge(isValid, one);
          if (expected === undefined) continue;
          seen[`${expected}`] += 1;
          expect(verdictOf(root, JSON.stringify(one))).toBe(expected);
        }
      }),
      { numRuns: 200, seed: 7 },
    );
    expect(Math.min(seen.true, seen.false)).toBeGreaterThan(500);
  });
});
