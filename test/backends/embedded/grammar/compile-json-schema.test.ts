import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SchemaError } from '../../../../src/backends/embedded/grammar/schema-error.ts';
import { canProduce, unsoundSamples } from './sampled-schema.ts';

const TREE = {
  $ref: '#/$defs/tree',
  $defs: {
    tree: {
      type: 'object',
      properties: {
        value: { type: 'integer' },
        children: { type: 'array', items: { $ref: '#/$defs/tree' } },
      },
      required: ['value', 'children'],
      additionalProperties: false,
    },
  },
};

/** As pydantic writes a model with nested models, an optional field, a union with a discriminator and formats. */
const PYDANTIC = {
  $defs: {
    Cat: {
      properties: {
        kind: { const: 'cat', default: 'cat', title: 'Kind', type: 'string' },
        lives: { maximum: 9, minimum: 0, title: 'Lives', type: 'integer' },
      },
      required: ['lives'],
      title: 'Cat',
      type: 'object',
    },
    Dog: {
      properties: {
        kind: { const: 'dog', default: 'dog', title: 'Kind', type: 'string' },
        breed: { enum: ['poodle', 'pug'], title: 'Breed', type: 'string' },
      },
      title: 'Dog',
      type: 'object',
    },
  },
  properties: {
    id: { format: 'uuid', title: 'Id', type: 'string' },
    born: { anyOf: [{ format: 'date', type: 'string' }, { type: 'null' }], default: null, title: 'Born' },
    price: {
      anyOf: [{ type: 'number' }, { pattern: '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$', type: 'string' }],
      title: 'Price',
    },
    pet: {
      discriminator: { mapping: { cat: '#/$defs/Cat', dog: '#/$defs/Dog' }, propertyName: 'kind' },
      oneOf: [{ $ref: '#/$defs/Cat' }, { $ref: '#/$defs/Dog' }],
      title: 'Pet',
    },
    scores: { additionalProperties: { type: 'number' }, title: 'Scores', type: 'object' },
    pair: {
      maxItems: 2,
      minItems: 2,
      prefixItems: [{ type: 'integer' }, { type: 'string' }],
      title: 'Pair',
      type: 'array',
    },
  },
  required: ['id', 'price', 'pet', 'scores', 'pair'],
  title: 'Owner',
  type: 'object',
};

/** As zod writes an object for strict structured output. */
const ZOD = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 40 },
    mail: { type: 'string', format: 'email', pattern: '^[A-Za-z0-9_\\-.+@]+$' },
    address: {
      anyOf: [
        {
          type: 'object',
          properties: { street: { type: 'string' }, zip: { type: 'string', pattern: '^\\d{5}$' } },
          required: ['street', 'zip'],
          additionalProperties: false,
        },
        { type: 'null' },
      ],
    },
    tags: { type: 'array', maxItems: 4, items: { type: 'string', enum: ['a', 'b'] } },
    point: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }] },
  },
  required: ['name', 'mail', 'address', 'tags', 'point'],
  additionalProperties: false,
};

const TWO_NAMES = {
  type: 'object',
  properties: { a: { type: 'integer' }, b: { type: 'boolean' }, c: { type: 'null' } },
};

/** Each row is a schema that compiles without dropping anything. */
const ENFORCED: readonly (readonly [name: string, schema: unknown])[] = [
  ['anything, as true', true],
  ['anything, as an empty object', {}],
  ['any object', { type: 'object' }],
  ['any array', { type: 'array' }],
  ['null', { type: 'null' }],
  ['a boolean', { type: 'boolean' }],
  ['an integer', { type: 'integer' }],
  ['a number', { type: 'number' }],
  ['a list of types', { type: ['string', 'integer', 'null'], maxLength: 3, minimum: 5 }],
  ['nullable', { type: 'string', nullable: true, maxLength: 2 }],
  ['keywords without a type', { minLength: 2 }],
  ['an integer range over zero', { type: 'integer', minimum: -120, maximum: 7 }],
  ['an open integer range', { type: 'integer', exclusiveMinimum: 1.5 }],
  ['64-bit limits', { type: 'integer', minimum: -(2 ** 63), maximum: 2 ** 63 }],
  ['int32', { type: 'integer', format: 'int32' }],
  ['a decimal range', { type: 'number', minimum: 0.5, exclusiveMaximum: 10 }],
  ['a negative decimal range', { type: 'number', minimum: -3.25, maximum: -1e-3 }],
  ['positive numbers', { type: 'number', exclusiveMinimum: 0 }],
  ['negative numbers', { type: 'number', exclusiveMaximum: 0 }],
  ['bounds of 17 digits', { type: 'number', exclusiveMinimum: 0.1, exclusiveMaximum: 0.30000000000000004 }],
  ['tiny numbers', { type: 'number', minimum: 1e-7, maximum: 2e-7 }],
  ['bounds out of reach', { type: 'number', minimum: -1e300, maximum: 1e300 }],
  ['multiples of 7', { type: 'integer', multipleOf: 7 }],
  ['multiples of 1000', { type: 'integer', multipleOf: 1000, minimum: -5000 }],
  ['multiples of 60 in a range', { type: 'integer', multipleOf: 60, minimum: 0, maximum: 86400 }],
  ['multiples of a quarter', { type: 'number', multipleOf: 0.25, minimum: -1, maximum: 1 }],
  ['numbers that are multiples of 3', { type: 'number', multipleOf: 3 }],
  ['a string of some length', { type: 'string', minLength: 3, maxLength: 5 }],
  ['a string of exactly 300', { type: 'string', minLength: 300, maxLength: 300 }],
  ['a long string', { type: 'string', maxLength: 10_000 }],
  ['an anchored pattern', { type: 'string', pattern: '^[A-Z]{2}-\\d{3,5}$' }],
  ['a pattern somewhere', { type: 'string', pattern: 'a|b$' }],
  ['a pattern of characters to escape', { type: 'string', pattern: '["\\\\\\n\\x01]{2,3}' }],
  ['leading lookaheads', { type: 'string', pattern: '^(?=.*\\d)(?!.*x).{4,8}$' }],
  ['a pattern and lengths', { type: 'string', pattern: '^\\S+@\\S+$', minLength: 5, maxLength: 30 }],
  ['a format and lengths', { type: 'string', format: 'email', minLength: 10, maxLength: 20 }],
  ...['date', 'time', 'date-time', 'duration', 'uuid', 'email', 'hostname', 'ipv4', 'ipv6', 'uri'].map(
    (format) => [`format ${format}`, { type: 'string', format }] as const,
  ),
  ['an enum of all types', { enum: [1, 'a', null, true, { a: [1, { b: 2 }] }, 'é"\\\n\u{1F600}'] }],
  ['an enum with siblings', { type: 'string', enum: ['a', 'bb', 3, null], minLength: 2 }],
  ['a large enum', { enum: Array.from({ length: 200 }, (_, index) => `item ${index * 7}`) }],
  ['const', { const: JSON.parse('{"__proto__":1,"x":[true,{}]}') as unknown }],
  ['optional properties', TWO_NAMES],
  ['at least one property', { ...TWO_NAMES, minProperties: 1 }],
  ['a required property in the middle', { ...TWO_NAMES, required: ['b'] }],
  [
    'a required property that is not declared',
    { type: 'object', required: ['q'], additionalProperties: { type: 'integer' } },
  ],
  [
    'names that are special to JavaScript',
    {
      type: 'object',
      properties: JSON.parse('{"__proto__":{"type":"integer"},"constructor":{"type":"null"}}') as unknown,
      required: ['constructor', '__proto__'],
    },
  ],
  [
    'names that must be escaped',
    { type: 'object', properties: { 'a"\\\n\u{1F600}': { type: 'null' } }, required: ['a"\\\n\u{1F600}'] },
  ],
  ['no properties', { type: 'object', properties: {}, additionalProperties: false }],
  [
    'a map',
    { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 1, maxProperties: 3 },
  ],
  ['a forbidden property', { type: 'object', properties: { a: false, b: {} } }],
  ['an array of some length', { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 4 }],
  ['a long array', { type: 'array', items: { type: 'boolean' }, minItems: 300, maxItems: 5000 }],
  ['an array of anything', { type: 'array', minItems: 3 }],
  ['a tuple', { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }] }],
  [
    'a tuple that may stop early',
    { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'null' }], minItems: 0 },
  ],
  [
    'a tuple with a tail',
    { type: 'array', prefixItems: [{ type: 'integer' }], items: { type: 'null' }, minItems: 2, maxItems: 5 },
  ],
  [
    'a tuple that must go on',
    { type: 'array', prefixItems: [{ type: 'integer' }], minItems: 3, maxItems: 3 },
  ],
  ['a unique item', { type: 'array', items: {}, uniqueItems: true, maxItems: 1 }],
  [
    'anyOf with siblings',
    { type: 'object', properties: { a: {}, b: {} }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
  ],
  ['oneOf by type', { oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] }],
  [
    'oneOf by presence',
    {
      type: 'object',
      properties: { a: {}, b: {}, c: {} },
      oneOf: [{ required: ['a'] }, { required: ['b'] }, { required: ['c'] }],
    },
  ],
  [
    'oneOf by closed objects',
    {
      oneOf: ['a', 'b'].map((name) => ({
        properties: { [name]: { type: 'null' } },
        required: [name],
        additionalProperties: false,
      })),
    },
  ],
  [
    'oneOf by range',
    {
      oneOf: [
        { type: 'integer', maximum: 5 },
        { type: 'integer', minimum: 10 },
      ],
    },
  ],
  [
    'oneOf by an optional discriminator',
    {
      oneOf: ['x', 'y'].map((kind) => ({
        type: 'object',
        properties: { kind: { const: kind }, n: { type: 'null' } },
      })),
    },
  ],
  ['oneOf where null fits twice', { oneOf: [{ type: ['string', 'null'] }, { type: ['integer', 'null'] }] }],
  [
    'allOf',
    {
      allOf: [
        { type: 'object', properties: { a: { type: 'integer', minimum: 3 } }, required: ['a'] },
        { properties: { a: { maximum: 9 }, b: { type: 'string' } } },
      ],
    },
  ],
  [
    'allOf of alternatives',
    {
      type: 'integer',
      allOf: [{ anyOf: [{ minimum: 5 }, { maximum: -5 }] }, { anyOf: [{ maximum: 20 }, { minimum: 100 }] }],
    },
  ],
  [
    'unevaluatedProperties',
    {
      type: 'object',
      allOf: [{ properties: { a: { type: 'null' } } }],
      properties: { b: {} },
      unevaluatedProperties: false,
    },
  ],
  ['a recursive tree', TREE],
  [
    'a linked list',
    {
      type: 'object',
      properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
      required: ['next'],
    },
  ],
  [
    'an optional recursion without end',
    {
      type: 'object',
      properties: {
        self: { type: 'object', properties: { again: { $ref: '#/properties/self' } }, required: ['again'] },
        x: {},
      },
    },
  ],
  [
    'references with escapes and siblings',
    { $ref: '#/$defs/a~1b%20c', maxLength: 2, $defs: { 'a/b c': { type: 'string', minLength: 1 } } },
  ],
  [
    'keywords that say nothing',
    {
      type: 'object',
      not: false,
      if: {},
      patternProperties: {},
      propertyNames: { type: 'string' },
      dependentRequired: {},
    },
  ],
  ['a pydantic model', PYDANTIC],
  ['a zod object', ZOD],
];

describe('soundness', () => {
  it.each(ENFORCED)('produces only valid values: %s', (_, schema) => {
    expect(unsoundSamples(schema, 120)).toEqual([]);
  });

  it('produces only valid values of random schemas', () => {
    let compiled = 0;
    fc.assert(
      fc.property(schemas(), fc.integer(), (schema, seed) => {
        try {
          expect(unsoundSamples(schema, 25, seed)).toEqual([]);
          compiled += 1;
        } catch (error) {
          if (!(error instanceof SchemaError)) throw error;
        }
      }),
      { numRuns: 150, seed: 7 },
    );
    expect(compiled).toBeGreaterThan(90);
  });
});

function some<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}

/** Objects without the fields that came out `undefined`. */
function record(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .record(fields)
    .map((made) => Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)));
}

/** Random schemas out of the enforced keywords, contradictory ones among them. */
function schemas(): fc.Arbitrary<unknown> {
  const count = fc.integer({ min: 0, max: 4 });
  const bound = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.double({ min: -5, max: 5, noNaN: true }));
  const name = fc.constantFrom('a', 'b', 'kind', 'constructor', 'x y');
  const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(true, {}, { type: 'boolean' }, { type: 'null' }, { type: 'string' }),
      record({
        type: fc.constantFrom('integer', 'number'),
        minimum: some(bound),
        maximum: some(bound),
        exclusiveMinimum: some(bound),
        exclusiveMaximum: some(bound),
        multipleOf: some(fc.constantFrom(1, 2, 3, 10, 12, 0.5)),
      }),
      record({
        type: fc.constant('string'),
        minLength: some(count),
        maxLength: some(fc.integer({ min: 2, max: 9 })),
        pattern: some(fc.constantFrom('^a', 'b$', '^[a-c]+$', '\\d', '^(?:ab?|[^x]c){1,3}$')),
      }),
      record({
        enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 4 }),
        type: some(fc.constantFrom('string', 'integer', 'object', 'null')),
      }),
      record({
        type: fc.constantFrom('array', ['array', 'null']),
        items: some(tie('schema')),
        prefixItems: some(fc.array(tie('schema'), { minLength: 1, maxLength: 2 })),
        minItems: some(count),
        maxItems: some(count),
      }),
      record({
        type: some(fc.constant('object')),
        properties: some(fc.dictionary(name, tie('schema'), { maxKeys: 3, noNullPrototype: true })),
        required: some(fc.uniqueArray(name, { maxLength: 2 })),
        additionalProperties: some(fc.oneof(fc.boolean(), tie('schema'))),
        minProperties: some(fc.integer({ min: 0, max: 1 })),
      }),
      record({
        anyOf: some(fc.array(tie('schema'), { minLength: 1, maxLength: 3 })),
        allOf: some(fc.array(tie('schema'), { minLength: 1, maxLength: 2 })),
        oneOf: some(fc.array(tie('schema'), { minLength: 1, maxLength: 3 })),
      }),
      fc
        .tuple(tie('schema'))
        .map(([definition]) => ({ $defs: { d: definition }, anyOf: [{ type: 'null' }, definition] })),
    ),
  }));
  return schema;
}

describe('completeness', () => {
  const COMPACT_PET =
    '{"id":"123e4567-e89b-12d3-a456-426614174000","born":null,"price":"12.50","pet":{"kind":"cat","lives":9},"scores":{"x":1.5e3},"pair":[1,"z"]}';

  it.each<[schema: unknown, text: string]>([
    [{}, '{"a": [1, 2.5e-3, {"b": null}], "c": "\\u00e9\\n"}'],
    [{ type: 'object' }, '{}'],
    [{ type: 'integer' }, '-42'],
    [{ type: 'integer' }, '1700000000000'],
    [{ type: 'number' }, '-0.5'],
    [{ type: 'number', minimum: 0 }, '1234567.89'],
    [{ type: 'integer', minimum: 0, maximum: 100 }, '100'],
    [{ type: 'integer', minimum: 0, maximum: 100 }, '0'],
    [{ type: 'number', minimum: -1, maximum: 1 }, '-0.25'],
    [{ type: 'integer', multipleOf: 15 }, '345'],
    [{ type: 'string' }, '"Grüße 世界 \u{1F600} \\u00fc \\ud83d\\ude00"'],
    [{ type: 'string', minLength: 1, maxLength: 1 }, '"\u{1F600}"'],
    [{ type: 'string', maxLength: 1000 }, JSON.stringify('x'.repeat(970))],
    [{ type: 'string', pattern: '^\\w+$' }, '"snake_case_1"'],
    [{ type: 'string', pattern: 'cat' }, '"concatenate"'],
    [{ type: 'string', pattern: '^[^,]+, .+$' }, '"Doe, \\"J\\""'],
    [{ type: 'string', format: 'date' }, '"2024-12-31"'],
    [{ type: 'string', format: 'date-time' }, '"2024-02-28T23:59:59.123Z"'],
    [{ type: 'string', format: 'email' }, '"jane.doe+test@mail.example.co"'],
    [{ type: 'string', format: 'uri' }, '"https://www.example.com:8080/a/b%20c?q=1&r=2#top"'],
    [{ type: 'string', format: 'hostname' }, '"www.my-site.example.co.uk"'],
    [{ type: 'string', format: 'ipv6' }, '"2001:db8::ff00:42:8329"'],
    [{ enum: ['red', 'green'] }, '"green"'],
    [{ const: { a: [1, null] } }, '{"a":[1,null]}'],
    [TWO_NAMES, '{}'],
    [TWO_NAMES, '{"a":1}'],
    [TWO_NAMES, '{"c":null}'],
    [TWO_NAMES, '{"a": 1, "b": true, "c": null}'],
    [{ ...TWO_NAMES, required: ['b'] }, '{"a":1,"b":true,"c":null}'],
    [{ ...TWO_NAMES, required: ['b'] }, '{"b":false}'],
    [{ type: 'object', additionalProperties: { type: 'integer' } }, '{"x":1, "y":2}'],
    [{ type: 'object', required: ['q'] }, '{"q":[]}'],
    [{ type: 'array', items: { type: 'integer' }, maxItems: 3 }, '[]'],
    [{ type: 'array', items: { type: 'integer' }, maxItems: 3 }, '[1,2, 3]'],
    [
      { type: 'array', items: { type: 'null' }, minItems: 400, maxItems: 5000 },
      JSON.stringify(Array(4900).fill(null)),
    ],
    [{ type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }] }, '[1,"a"]'],
    [{ type: 'string', nullable: true }, 'null'],
    [{ type: 'STRING' }, '"a"'],
    [{ type: 'array', minItems: '1', items: { type: 'NULL' } }, '[null]'],
    [{ type: 'integer', minimum: 3, exclusiveMinimum: true }, '4'],
    [{ type: 'array', items: [{ type: 'null' }], additionalItems: false }, '[null]'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'null'],
    [
      {
        oneOf: [
          { type: 'object', properties: { k: { const: 1 } }, required: ['k'] },
          { type: 'object', properties: { k: { const: 2 } }, required: ['k'] },
        ],
      },
      '{"k":2}',
    ],
    [
      {
        type: 'object',
        properties: { a: {}, b: {}, z: {} },
        oneOf: [{ required: ['a'] }, { required: ['b'] }],
      },
      '{"b":1,"z":2}',
    ],
    [
      TREE,
      '{"value":1,"children":[{"value":2,"children":[]},{"value":3,"children":[{"value":4,"children":[]}]}]}',
    ],
    [PYDANTIC, COMPACT_PET],
    [ZOD, '{"name":"n","mail":"a@b.co","address":null,"tags":["a","b"],"point":[1,-2.5]}'],
  ])('%o can become %o', (schema, text) => {
    expect(canProduce(schema, text)).toBe(true);
  });

  it.each<[schema: unknown, text: string]>([
    [{ type: 'object' }, '{ "a":1}'],
    [{ type: 'string' }, '"\\ud800"'],
    [{ type: 'string' }, '"\n"'],
    [{ type: 'integer' }, '007'],
    [{ type: 'integer', minimum: 0, maximum: 100 }, '101'],
    [{ type: 'string', maxLength: 2 }, '"abc"'],
    [{ type: 'integer', minimum: 3, exclusiveMinimum: true }, '3'],
    [{ type: 'array', items: [{ type: 'null' }], additionalItems: false }, '[null,null]'],
    [{ properties: { ['__proto__']: { type: 'integer' } } }, '{"__proto__":"a"}'],
    [{ type: 'object', properties: { a: { type: 'null' } }, additionalProperties: {} }, '{"b":1}'],
    [{ oneOf: [{ type: ['string', 'null'] }, { type: ['integer', 'null'] }] }, 'null'],
    [{ type: 'object', properties: { a: { type: 'integer' }, b: {} }, required: ['a'] }, '{"a":1,}'],
  ])('%o cannot become %o', (schema, text) => {
    expect(canProduce(schema, text)).toBe(false);
  });
});
