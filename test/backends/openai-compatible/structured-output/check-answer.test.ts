import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { performCheck } from '../../../../src/backends/openai-compatible/structured-output/check-answer.ts';
import type { SchemaVerdict } from '../../../../src/backends/openai-compatible/structured-output/schema-verdict.ts';
import { parseJson } from '../../../../src/wire/json-text/parse-json.ts';

function verdictOf(text: string, schema: unknown): SchemaVerdict {
  const outcome = performCheck({ schema: JSON.stringify(schema), text });
  if (outcome.kind !== 'verdict') throw new Error(`no verdict: ${JSON.stringify(outcome)}`);
  return outcome.verdict;
}

function problemsOf(text: string, schema: unknown): readonly string[] {
  const verdict = verdictOf(text, schema);
  return verdict.valid ? [] : verdict.problems;
}

function refusalOf(schema: unknown): string {
  const outcome = performCheck({ schema: JSON.stringify(schema) });
  return outcome.kind === 'unusable' ? outcome.message : outcome.kind;
}

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  return Array.from({ length: depth }).reduce<unknown>(wrap, { type: 'string' });
}

/** Texts that are nearly JSON. */
const PIECES = fc
  .array(fc.constantFrom(...'{}[],:"1-.e0 \n\\'.split(''), '"a"', 'null', 'true', '\\u', '`', '/'), {
    maxLength: 8,
  })
  .map((pieces) => pieces.join(''));

const A_NUMBER = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] };

describe('the text of an answer', () => {
  it.each<[name: string, text: string, json?: string]>([
    ['plain', '{"a":1}'],
    ['white space around', ' \n{ "a" : 1 }\r\n'],
    ['a fence', '```json\n{"a":1}\n```', '{"a":1}'],
    ['a fence without a language', '\n```\n{"a":1}\n```\n', '{"a":1}'],
    ['a fence that does not close', '```json\n{"a":1}', '{"a":1}'],
    ['backticks in a string', '{"a":1,"b":"```json"}'],
    ['a number no double can hold exactly', '{"a":12345678901234567890.12345}'],
    ['a number beyond the range of a double', '{"a":1e400}'],
    ['a repeated name whose last value fits', '{"a":"x","a":1}'],
    ['the name __proto__', '{"a":1,"__proto__":{"a":"x"}}'],
    ['an escaped lone surrogate in a value', String.raw`{"a":1,"b":"\ud800"}`],
    ['a lone surrogate in a value', '{"a":1,"b":"\ud800"}'],
  ])('is valid with %s', (_, text, json = text) => {
    expect(verdictOf(text, A_NUMBER)).toEqual({ valid: true, json });
  });

  it.each<[name: string, text: string, problem: RegExp]>([
    ['a value of another type', '{"a":"1"}', /^\/a: must be of type number$/],
    ['a repeated name whose last value does not fit', '{"a":1,"a":"x"}', /^\/a: must be of type number$/],
    ['no object', 'null', /^the answer: must be of type object$/],
    ['nothing required', '{}', /^the answer: must have the property "a"$/],
    ['levels without end', '['.repeat(10_000) + ']'.repeat(10_000), /must not nest deeper than 256 levels/],
  ])('is a mismatch with %s', (_, text, problem) => {
    expect(verdictOf(text, A_NUMBER)).toEqual({
      valid: false,
      reason: 'mismatch',
      problems: [expect.stringMatching(problem)],
    });
  });

  it.each<[name: string, text: string, problem: RegExp]>([
    ['nothing', '', /empty/],
    ['white space', ' \n', /empty/],
    ['an empty fence', '```json\n```', /empty/],
    ['prose', 'Sure! {"a":1}', /line 1, column 1/],
    ['prose after it', '{"a":1}\nThat is all.', /line 2, column 1/],
    ['prose after a fence', '```json\n{"a":1}\n```\nThat is all.', /column 1/],
    ['two values', '{"a":1}{"a":2}', /line 1, column 8/],
    ['an answer that was cut off', '{"a":1', /line 1, column 7/],
    ['a comma too many', '{"a":1,}', /line 1, column 8/],
    ['single quotes', "{'a':1}", /line 1, column 2/],
    ['a comment', '{"a":1} // one', /line 1, column 9/],
    ['NaN', '{"a":NaN}', /line 1, column 6/],
    ['Infinity', '{"a":-Infinity}', /line 1, column 6/],
    ['a leading zero', '{"a":01}', /line 1/],
    ['undefined', 'undefined', /line 1, column 1/],
    ['a line end in a string', '{"a":"\n"}', /line 1/],
    ['a byte order mark', '\uFEFF{"a":1}', /line 1, column 1/],
    ['a thousand open brackets that never close', '{"a":'.repeat(200), /line 1/],
  ])('is no JSON with %s', (_, text, problem) => {
    const verdict = verdictOf(text, A_NUMBER);
    expect(verdict).toMatchObject({ valid: false, reason: 'not-json' });
    expect(problemsOf(text, A_NUMBER)).toEqual([expect.stringMatching(problem)]);
    expect(problemsOf(text, A_NUMBER)[0]).toMatch(/^the answer: must be JSON/);
  });

  it('is refused with half a character in a property name, which no pointer can name', () => {
    const text = String.raw`{"\ud800":1}`;
    expect(problemsOf(text, { additionalProperties: { type: 'string' } })).toEqual([
      expect.stringContaining('lone surrogate'),
    ]);
  });

  it('is taken as JSON.parse takes it, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), PIECES), (text) => {
        expect(verdictOf(text, true)).toMatchObject(
          parseJson(text) !== undefined ? { valid: true, json: text } : { valid: false, reason: 'not-json' },
        );
      }),
    );
  });

  it('comes back as it was out of any fence', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('```json\n', '```\n', ' ```JSON \r\n'), (json, opening) => {
        expect(verdictOf(`${opening}${json}\n\`\`\`\n`, true)).toEqual({ valid: true, json });
      }),
    );
  });
});

describe('problems', () => {
  it('names every place at once', () => {
    const schema = {
      properties: {
        name: { type: 'string', minLength: 1 },
        tags: { type: 'array', items: { enum: ['a', 'b'] } },
        size: { $ref: '#/$defs/size' },
        pair: { prefixItems: [{ type: 'integer' }], items: { type: 'null' } },
      },
      additionalProperties: false,
      $defs: { size: { type: 'object', properties: { 'w/h~': { exclusiveMinimum: 0 } } } },
    };
    const text = '{"name":"","tags":["a","c"],"size":{"w/h~":0},"pair":["x",1],"more":1}';
    expect(problemsOf(text, schema)).toEqual([
      '/name: must have at least 1 characters',
      '/tags/1: must be one of "a", "b"',
      '/size/w~1h~0: must be more than 0',
      '/pair/0: must be of type integer',
      '/pair/1: must be of type null',
    ]);
  });

  it.each<[text: string, schema: unknown, problem: string]>([
    ['1.5', { type: ['integer', 'null'] }, 'the answer: must be of type integer or null'],
    ['{"a":1}', { additionalProperties: false }, '/a: must not be there'],
    ['{"a":1}', { properties: { a: false } }, '/a: must not be there'],
    ['{"a":1}', { properties: {}, unevaluatedProperties: false }, '/a: must not be there'],
    ['{"a":"x"}', { properties: { a: { pattern: '^\\d+$' } } }, '/a: must match the pattern ^\\d+$'],
    ['{"a b":"x"}', { properties: { 'a b': { const: [1] } } }, '/a b: must be [1]'],
    ['["x"]', { items: { format: 'date' } }, '/0: must have the format date, such as 2026-11-23'],
    ['[1,1]', { uniqueItems: true }, 'the answer: must not hold the same item twice'],
    ['[]', { contains: {} }, 'the answer: must hold an item that matches the schema under "contains"'],
    ['"a"', { format: 'email' }, 'the answer: must have the format email'],
    ['{}', { minProperties: 1 }, 'the answer: must have at least 1 properties'],
    ['{"a":1}', { maxProperties: 0 }, 'the answer: must have at most 0 properties'],
    ['{"a":1}', { dependentRequired: { a: ['b'] } }, 'the answer: Instance has "a" but does not have "b"'],
    ['{"a":1}', { propertyNames: { minLength: 2 } }, '/a: must have at least 2 characters'],
    ['5', { allOf: [false] }, 'the answer: must not be there'],
    ['5', { multipleOf: 2 }, 'the answer: must be a multiple of 2'],
    ['5', { not: {} }, 'the answer: must not match the schema under "not"'],
    ['5', { allOf: [{ $ref: '#/$defs/a' }], $defs: { a: { maximum: 4 } } }, 'the answer: must be at most 4'],
    ['{"%41":1}', { additionalProperties: { type: 'null' } }, '/%41: must be of type null'],
  ])('of %s', (text, schema, problem) => {
    expect(problemsOf(text, schema)).toEqual([problem]);
  });

  it('begins with the alternative that fits best', () => {
    const schema = { properties: { a: { anyOf: [{ type: 'null' }, A_NUMBER] } } };
    expect(problemsOf('{"a":{"a":"1"}}', schema)).toEqual([
      '/a/a: must be of type number',
      '/a: must match one of the alternatives',
      '/a: must be of type null',
    ]);
  });

  it('stays short, on one line and well-formed, whatever the schema and the answer say', () => {
    const long = '\u{1F600}\n'.repeat(5000);
    const schema = {
      additionalProperties: { enum: Array.from({ length: 20 }, (_, at) => `${long}${at}`) },
    };
    const text = JSON.stringify(
      Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`${long}${at}`, 1])),
    );
    const problems = problemsOf(text, schema);
    expect(problems.length).toBeLessThanOrEqual(5);
    for (const problem of problems) {
      expect(problem.length).toBeLessThanOrEqual(240);
      expect(problem).not.toMatch(/\p{Cc}/u);
      expect(problem.isWellFormed()).toBe(true);
    }
  });
});

describe('schemas', () => {
  it.each<[schema: unknown, problem: RegExp]>([
    [5, /^must be a schema/],
    [{ properties: { a: 5 } }, /^at properties\.a: must be a schema/],
    [{ properties: [] }, /^at properties: must be an object/],
    [{ type: 'text' }, /^at type: must be a JSON type/],
    [{ anyOf: [] }, /^at anyOf: must be a list/],
    [{ anyOf: [{}, { enum: [] }] }, /^at anyOf\[1\]\.enum: must be a list/],
    [{ required: true }, /^at required: must be a list/],
    [{ minLength: -1 }, /^at minLength: must be a whole number/],
    [{ maximum: '5' }, /^at maximum: must be a number/],
    [{ multipleOf: 0 }, /^at multipleOf: must be a number above 0/],
    [{ uniqueItems: 'yes' }, /^at uniqueItems: must be true or false/],
    [{ dependentRequired: { a: 'b' } }, /^at dependentRequired: must be an object of lists/],
    [{ pattern: '(' }, /^at pattern: must be a regular expression/],
    [{ pattern: '(?P<a>b)' }, /^at pattern: must be a regular expression/],
    [{ patternProperties: { '[': {} } }, /^at patternProperties\["\["\]: must be a regular expression/],
    [{ items: { $ref: '#/$defs/missing' } }, /^at items\.\$ref: points to nothing/],
    [{ $ref: 'https://example.com/schema.json' }, /^at \$ref: points outside/],
    [{ $ref: '#/$defs/a', $defs: { a: { type: 'text' } } }, /^at \$defs\.a\.type: must be a JSON type/],
    [{ $dynamicRef: '#node' }, /^at \$dynamicRef: cannot be followed/],
    [{ $ref: '#' }, /^it refers to itself without end/],
    [{ anyOf: [{ type: 'null' }, { not: { $ref: '#' } }] }, /^it refers to itself without end/],
    [nested(100, (inner) => ({ properties: { a: inner } })), /nests deeper than 64 levels/],
    [{ anyOf: Array.from({ length: 20_000 }, () => ({})) }, /more than 10000 parts/],
    [{ pattern: '('.repeat(5000) + ')'.repeat(5000) }, /^usable$|^at pattern: must be a regular/],
  ])('%o: %s', (schema, problem) => {
    expect(refusalOf(schema)).toMatch(problem);
  });

  it.each<[name: string, schema: unknown]>([
    ['objects 60 levels deep', nested(60, (inner) => ({ properties: { a: inner } }))],
    ['thousands of values', { enum: Array.from({ length: 10_000 }, (_, at) => `value ${at}`) }],
    ['a property named as the half of a character', { properties: { '\ud800': {} } }],
    ['definitions nobody refers to', { $defs: { a: { type: 'text' } } }],
    ['keywords that are null', { type: 'string', enum: null, items: null, description: null }],
  ])('with %s can be used', (_, schema) => {
    expect(refusalOf(schema)).toBe('usable');
  });

  it('are not at fault for a pattern that is too large only when it is used', () => {
    const schema = { pattern: '^(((a{0,999}){0,999}){0,999}){0,999}$' };
    expect(['verdict', 'unusable']).toContain(
      performCheck({ schema: JSON.stringify(schema), text: '"b"' }).kind,
    );
  });

  it('take decimal multiples at their word', () => {
    expect(problemsOf('[0.07,19.99,3]', { items: { multipleOf: 0.01 } })).toEqual([]);
  });

  it('restrict what the name __proto__ holds', () => {
    const schema = JSON.parse('{"properties":{"__proto__":{"type":"integer"}}}') as unknown;
    expect(problemsOf('{"__proto__":1}', schema)).toEqual([]);
    expect(problemsOf('{"__proto__":"a"}', schema)).toEqual(['/__proto__: must be of type integer']);
  });
});
