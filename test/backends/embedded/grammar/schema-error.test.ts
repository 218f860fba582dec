/** Which schemas get no grammar, and what is said about them. */
import { describe, expect, it } from 'vitest';
import { compileJsonSchema } from '../../../../src/backends/embedded/grammar/compile-json-schema.ts';
import { SchemaError } from '../../../../src/backends/embedded/grammar/schema-error.ts';

/** `depth` schemas around each other. */
function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  return Array.from({ length: depth }).reduce<unknown>(wrap, { type: 'string' });
}

/** Definitions that each refer to the next one. */
function chain(length: number, link: (next: { $ref: string }) => unknown): Record<string, unknown> {
  const definitions = many(length + 1, (index) => [
    `d${index}`,
    index === length ? { type: 'string' } : link({ $ref: `#/$defs/d${index + 1}` }),
  ]) as [string, unknown][];
  return { $ref: '#/$defs/d0', $defs: Object.fromEntries(definitions) };
}

function many(count: number, value: (index: number) => unknown): unknown[] {
  return Array.from({ length: count }, (_, index) => value(index));
}

function named(count: number, value: (index: number) => unknown): Record<string, unknown> {
  return Object.fromEntries(many(count, (index) => [`p${index}`, value(index)]) as [string, unknown][]);
}

function errorOf(schema: unknown): unknown {
  try {
    compileJsonSchema(schema, { unsupported: 'reject', path: 'tools[0].parameters' });
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('keywords that cannot be enforced', () => {
  it.each<[keyword: string, schema: Record<string, unknown>]>([
    ['not', { not: { type: 'string' } }],
    ['if', { if: { required: ['a'] }, else: { required: ['b'] } }],
    ['dependentRequired', { dependentRequired: { a: ['b'] } }],
    ['dependentSchemas', { dependentSchemas: { a: { required: ['b'] } } }],
    ['dependencies', { dependencies: { a: ['b'] } }],
    ['patternProperties', { type: 'object', patternProperties: { '^x': {} } }],
    ['propertyNames', { type: 'object', propertyNames: { maxLength: 3 } }],
    ['contains', { type: 'array', contains: { type: 'string' } }],
    ['unevaluatedProperties', { type: 'object', unevaluatedProperties: { type: 'string' } }],
    ['unevaluatedItems', { type: 'array', prefixItems: [{}], unevaluatedItems: false }],
    ['uniqueItems', { type: 'array', items: { type: 'string' }, uniqueItems: true }],
    ['minProperties', { type: 'object', properties: { a: {}, b: {}, c: {} }, minProperties: 2 }],
    ['maxProperties', { type: 'object', properties: { a: {}, b: {}, c: {} }, maxProperties: 2 }],
    ['multipleOf', { type: 'number', multipleOf: 0.01 }],
    ['multipleOf', { type: 'integer', multipleOf: 12_345 }],
    ['pattern', { type: 'string', pattern: 'a(?=b)' }],
    ['pattern', { type: 'string', pattern: '(?<=a)b' }],
    ['pattern', { type: 'string', pattern: '(a)\\1' }],
    ['pattern', { type: 'string', pattern: '\\bword\\b' }],
    ['pattern', { type: 'string', pattern: '\\p{L}+' }],
    ['oneOf', { oneOf: [{ type: 'number' }, { type: 'integer' }] }],
    [
      'oneOf',
      {
        oneOf: [
          { type: 'object', properties: { a: {} } },
          { type: 'object', properties: { b: {} } },
        ],
      },
    ],
    ['$dynamicRef', { $dynamicRef: '#node' }],
  ])('%s: refused or dropped, with its place', (keyword, inner) => {
    const schema = { type: 'object', properties: { p: inner }, required: ['p'] };
    const path = 'tools[0].parameters.properties.p';
    const error = errorOf(schema);
    expect(error).toBeInstanceOf(SchemaError);
    expect(error).toMatchObject({ kind: 'unsupported', keyword, path });
    expect((error as SchemaError).message).toContain(`"${keyword}"`);
    expect((error as SchemaError).message).toContain(path);
    const { dropped } = compileJsonSchema(schema, { unsupported: 'drop', path: 'tools[0].parameters' });
    expect(dropped).toEqual([{ keyword, path }]);
  });

  it.each(['https://example.com/schema.json', '#anchor', 'other.json#/a'])('$ref to %s', (reference) => {
    const place = { keyword: '$ref', path: 'tools[0].parameters.items' };
    expect(errorOf({ items: { $ref: reference } })).toMatchObject({ kind: 'unsupported', ...place });
    const options = { unsupported: 'drop', path: 'tools[0].parameters' } as const;
    expect(compileJsonSchema({ items: { $ref: reference } }, options).dropped).toEqual([place]);
  });

  it('are of no concern where nothing refers to them', () => {
    const schema = { type: 'null', $defs: { unused: { not: { type: 'string' } } } };
    expect(compileJsonSchema(schema, { unsupported: 'reject' }).dropped).toEqual([]);
  });
});

describe('invalid schemas', () => {
  it.each<[keyword: string, path: string, schema: unknown]>([
    ['$schema', '', 'string'],
    ['$schema', '', null],
    ['$schema', '', false],
    ['$schema', '.properties.a', { properties: { a: 5 } }],
    ['$schema', '.properties.a', { properties: { a: false }, required: ['a'], type: 'object' }],
    ['type', '', { type: 'text' }],
    ['type', '', { type: 7 }],
    ['type', '.allOf[0]', { allOf: [{ type: 'string' }, { type: 'integer' }] }],
    ['enum', '', { enum: 'a' }],
    ['enum', '', { enum: [] }],
    ['enum', '', { type: 'string', enum: [1, 2] }],
    ['const', '', { type: 'string', const: 1 }],
    ['minLength', '', { type: 'string', minLength: 3, maxLength: 2 }],
    ['minLength', '', { type: 'string', minLength: -1 }],
    ['maxLength', '', { type: 'string', maxLength: 1.5 }],
    ['pattern', '', { type: 'string', pattern: '(' }],
    ['pattern', '', { type: 'string', pattern: 'a**' }],
    ['pattern', '', { type: 'string', pattern: '^a$', minLength: 2 }],
    ['minimum', '', { type: 'integer', minimum: 5, maximum: 4 }],
    ['minimum', '', { type: 'integer', minimum: 0.1, maximum: 0.9 }],
    ['minimum', '', { type: 'number', minimum: '5x' }],
    ['multipleOf', '', { type: 'integer', multipleOf: 0 }],
    ['minItems', '', { type: 'array', minItems: 2, maxItems: 1 }],
    ['minProperties', '', { type: 'object', minProperties: 2, maxProperties: 1 }],
    [
      'minProperties',
      '',
      { type: 'object', properties: { a: {} }, minProperties: 2, additionalProperties: false },
    ],
    ['required', '', { type: 'object', required: 'a' }],
    ['properties', '', { type: 'object', properties: [] }],
    ['anyOf', '', { anyOf: [] }],
    ['$ref', '', { $ref: 5 }],
    ['$ref', '', { $ref: '#/$defs/missing' }],
    ['$ref', '', { $ref: '#' }],
    ['$ref', '', { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }],
    ['$ref', '', { type: 'array', items: { $ref: '#' }, minItems: 1 }],
  ])('%s at schema%s', (keyword, path, schema) => {
    const error = errorOf(schema);
    expect(error).toMatchObject({ kind: 'invalid', keyword, path: `tools[0].parameters${path}` });
  });
});

describe('hostile schemas', () => {
  it.each<[name: string, schema: unknown]>([
    ['properties 5,000 levels deep', nested(5000, (inner) => ({ type: 'object', properties: { a: inner } }))],
    ['anyOf 5,000 levels deep', nested(5000, (inner) => ({ anyOf: [inner] }))],
    ['a doubling chain of 150 references', chain(150, (next) => ({ anyOf: [next, next] }))],
    ['values nested 5,000 levels deep', { const: nested(5000, (inner) => [inner]) }],
    [
      'a product of alternatives',
      {
        type: 'string',
        allOf: many(20, (index) => ({ anyOf: [{ minLength: index }, { maxLength: 100 + index }] })),
      },
    ],
    [
      'alternatives that all lead to each other',
      {
        $defs: named(12, () => ({ anyOf: many(12, (index) => ({ $ref: `#/$defs/p${index}` })) })),
        $ref: '#/$defs/p0',
      },
    ],
    ['50,000 alternatives', { anyOf: many(50_000, (index) => ({ const: index })) }],
    [
      '1,000 exclusive alternatives',
      {
        oneOf: many(1000, (index) => ({
          type: 'object',
          properties: { k: { const: index } },
          required: ['k'],
        })),
      },
    ],
    ['100,000 listed values', { enum: many(100_000, (index) => `value ${index}`) }],
    ['20,000 properties', { type: 'object', properties: named(20_000, () => ({ type: 'string' })) }],
    ['5,000 merged schemas', { allOf: many(5000, (index) => ({ properties: { [`p${index}`]: {} } })) }],
    ['an exponential pattern', { type: 'string', pattern: '^(a|b)*a(a|b){20}$' }],
    ['nested counts', { type: 'string', pattern: '^((((a{99}){99}){99}){99})$' }],
    ['a pattern 5,000 groups deep', { type: 'string', pattern: '('.repeat(5000) + ')'.repeat(5000) }],
    ['an empty group a billion times', { type: 'string', pattern: '(?:){1000000000}' }],
    [
      'twelve lookaheads',
      {
        type: 'string',
        pattern: `^${many(12, (index) => `(?=.*${String.fromCharCode(97 + index)})`).join('')}`,
      },
    ],
    [
      '500 dear patterns',
      {
        type: 'object',
        properties: named(500, (index) => ({ type: 'string', pattern: `^(a|b)*a(a|b){6}${index}$` })),
      },
    ],
    ['a minimum length of a billion', { type: 'string', minLength: 1e9 }],
    [
      '2,000 different lengths',
      { type: 'object', properties: named(2000, (index) => ({ type: 'string', maxLength: 200 + index })) },
    ],
  ])('%s are refused as too complex', (_, schema) => {
    const error = errorOf(schema);
    expect(error).toMatchObject({ kind: 'too_complex' });
    expect((error as SchemaError).message.length).toBeLessThan(2000);
  });

  it.each<[name: string, schema: unknown]>([
    ['a doubling chain of anyOf', chain(30, (next) => ({ anyOf: [next, next] }))],
    ['a doubling chain of allOf', chain(30, (next) => ({ allOf: [next, next] }))],
    [
      'a doubling chain of properties',
      chain(30, (next) => ({ type: 'object', properties: { a: next, b: next } })),
    ],
    ['3,000 references in a row', chain(3000, (next) => next)],
    ['10,000 listed values', { enum: many(10_000, (index) => `value ${index}`) }],
    ['objects 60 levels deep', nested(60, (inner) => ({ type: 'object', properties: { a: inner } }))],
    [
      'counts in the thousands',
      { type: 'array', items: { type: 'string', maxLength: 10_000 }, maxItems: 5000 },
    ],
    ['counts beyond any use', { type: 'array', items: { type: 'string', maxLength: 1e12 }, maxItems: 1e12 }],
    ['the smallest and largest numbers', { type: 'number', minimum: 5e-324, maximum: 1e308 }],
  ])('%s compile to a small grammar', (_, schema) => {
    const { rules } = compileJsonSchema(schema, { unsupported: 'reject' });
    const size = Array.from(rules, ([name, body]) => name.length + body.length).reduce((a, b) => a + b, 0);
    expect(size).toBeLessThan(100_000);
  });
});
