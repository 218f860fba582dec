/** The features of JSON Schema, each with values it is for. */
import type { JsonSchema } from '../../../../src/backends/openai-compatible/structured-output/schema-checker.ts';

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

/** Made so because an object literal with a `then` may be taken for a promise. */
function conditional(...schemas: readonly [when: unknown, met: unknown, unmet: unknown]): JsonSchema {
  return Object.fromEntries(['if', 'then', 'else'].map((keyword, at) => [keyword, schemas[at]]));
}

/** As pydantic writes a model. */
const OWNER = {
  $defs: {
    Cat: {
      properties: {
        kind: { const: 'cat', title: 'Kind', type: 'string' },
        lives: { maximum: 9, type: 'integer' },
      },
      required: ['kind', 'lives'],
      title: 'Cat',
      type: 'object',
    },
    Dog: {
      properties: {
        kind: { const: 'dog', title: 'Kind', type: 'string' },
        breed: { enum: ['poodle', 'pug'] },
      },
      required: ['kind'],
      title: 'Dog',
      type: 'object',
    },
  },
  properties: {
    id: { format: 'uuid', title: 'Id', type: 'string' },
    born: { anyOf: [{ format: 'date', type: 'string' }, { type: 'null' }], default: null, title: 'Born' },
    pet: {
      discriminator: { mapping: { cat: '#/$defs/Cat', dog: '#/$defs/Dog' }, propertyName: 'kind' },
      oneOf: [{ $ref: '#/$defs/Cat' }, { $ref: '#/$defs/Dog' }],
    },
    scores: { additionalProperties: { type: 'number' }, type: 'object' },
  },
  required: ['id', 'pet'],
  title: 'Owner',
  type: 'object',
};

const ID = '123e4567-e89b-12d3-a456-426614174000';

/** Values a schema accepts, and values it refuses, all as JSON texts. */
export const FEATURES: readonly (readonly [
  name: string,
  schema: JsonSchema,
  accepted: readonly string[],
  refused: readonly string[],
])[] = [
  ['true', true, ['1', 'null', '{}'], []],
  ['false', false, [], ['1', 'null', '{}']],
  ['integer', { type: 'integer' }, ['1', '-7', '2.0', '1e3', '12345678901234567890'], ['1.5', '"1"', 'null']],
  ['number', { type: 'number' }, ['1', '0.1', '-1e-9'], ['"1"', 'true']],
  ['a list of types', { type: ['string', 'null'] }, ['"a"', 'null'], ['1', '[]']],
  [
    'enum',
    { enum: ['a', 1, null, { b: [1] }] },
    ['"a"', '1', 'null', '{"b":[1]}'],
    ['"b"', '"1"', '{"b":[2]}'],
  ],
  ['const', { const: { a: 1, b: 2 } }, ['{"b":2,"a":1}'], ['{"a":1}', 'null']],
  ['const null', { const: null }, ['null'], ['0', '""']],
  ['bounds', { minimum: 0, exclusiveMaximum: 10 }, ['0', '9.99', '"a"'], ['-0.1', '10']],
  ['multipleOf', { multipleOf: 0.25 }, ['0.5', '-3', '1e10'], ['0.1', '1.3']],
  [
    'lengths in code points',
    { minLength: 2, maxLength: 2 },
    ['"ab"', '"\u{1F600}\u{1F600}"'],
    ['"a"', '"abc"', '"\u{1F600}"'],
  ],
  ['pattern anywhere', { pattern: 'b+' }, ['"abc"', '"b"'], ['"ac"', '""']],
  ['pattern of Unicode', { pattern: String.raw`^\p{Lu}` }, ['"\u00c4"'], ['"\u00e4"']],
  ['properties', { properties: { a: { type: 'integer' } } }, ['{"a":1}', '{"b":"x"}', '[]'], ['{"a":"1"}']],
  ['required', { required: ['a'] }, ['{"a":null}'], ['{}', '{"b":1}']],
  ['required, of an inherited name', { required: ['toString'] }, ['{"toString":1}'], ['{}']],
  [
    'properties of an inherited name',
    { properties: { constructor: { type: 'null' } } },
    ['{}', '{"constructor":null}'],
    ['{"constructor":1}'],
  ],
  [
    'additionalProperties',
    { properties: { a: {} }, additionalProperties: false },
    ['{"a":1}', '{}'],
    ['{"b":1}', '{"a":1,"b":1}'],
  ],
  ['a map', { additionalProperties: { type: 'integer' } }, ['{"x":1}'], ['{"x":"1"}']],
  [
    'patternProperties',
    { patternProperties: { '^n': { type: 'integer' } }, additionalProperties: false },
    ['{"n1":1}'],
    ['{"n1":"1"}', '{"x":1}'],
  ],
  ['propertyNames', { propertyNames: { maxLength: 2 } }, ['{"ab":1}'], ['{"abc":1}']],
  [
    'numbers of properties',
    { minProperties: 1, maxProperties: 2 },
    ['{"a":1}'],
    ['{}', '{"a":1,"b":1,"c":1}'],
  ],
  ['dependentRequired', { dependentRequired: { a: ['b'] } }, ['{}', '{"a":1,"b":1}'], ['{"a":1}']],
  [
    'dependentSchemas',
    { dependentSchemas: { a: { required: ['b'] } } },
    ['{"b":1}', '{"a":1,"b":1}'],
    ['{"a":1}'],
  ],
  ['items', { items: { type: 'integer' } }, ['[]', '[1,2]'], ['[1,"2"]']],
  [
    'prefixItems',
    { prefixItems: [{ type: 'integer' }, { type: 'null' }], items: false },
    ['[1]', '[1,null]'],
    ['["1"]', '[1,null,1]'],
  ],
  ['numbers of items', { minItems: 1, maxItems: 2 }, ['[1]'], ['[]', '[1,2,3]']],
  [
    'uniqueItems',
    { uniqueItems: true },
    ['[1,"1",true]', '[{"a":1},{"a":2}]'],
    ['[1,1.0]', '[{"a":1,"b":2},{"b":2,"a":1}]'],
  ],
  ['contains', { contains: { const: 1 } }, ['[0,1]'], ['[]', '[0]']],
  [
    'minContains',
    { contains: { const: 1 }, minContains: 2, maxContains: 3 },
    ['[1,1]'],
    ['[1]', '[1,1,1,1]'],
  ],
  [
    'unevaluatedProperties',
    { allOf: [{ properties: { a: {} } }], properties: { b: {} }, unevaluatedProperties: false },
    ['{"a":1,"b":1}'],
    ['{"c":1}'],
  ],
  [
    'unevaluatedItems',
    { prefixItems: [{}], unevaluatedItems: { type: 'null' } },
    ['[1]', '[1,null]'],
    ['[1,1]'],
  ],
  ['anyOf', { anyOf: [{ type: 'string' }, { minimum: 5 }] }, ['"a"', '7'], ['3']],
  ['oneOf', { oneOf: [{ type: 'number' }, { minimum: 5 }] }, ['3', '"a"'], ['7']],
  ['allOf', { allOf: [{ type: 'number' }, { minimum: 5 }] }, ['7'], ['3', '"a"']],
  ['not', { not: { type: 'null' } }, ['1'], ['null']],
  [
    'if, then and else',
    conditional({ properties: { a: { const: 1 } } }, { required: ['b'] }, { required: ['c'] }),
    ['{"a":1,"b":1}', '{"a":2,"c":1}'],
    ['{"a":1}', '{"a":2,"b":1}'],
  ],
  [
    'a reference beside other keywords',
    { $ref: '#/$defs/s', maxLength: 2, $defs: { s: { type: 'string' } } },
    ['"ab"'],
    ['"abc"', '1'],
  ],
  [
    'a reference with escapes',
    { $ref: '#/$defs/a~1b%20c', $defs: { 'a/b c': { type: 'string' } } },
    ['"a"'],
    ['1'],
  ],
  [
    'a reference to an anchor',
    { $ref: '#here', $defs: { s: { $anchor: 'here', type: 'string' } } },
    ['"a"'],
    ['1'],
  ],
  [
    'a reference to a part',
    { properties: { a: { type: 'null' }, b: { $ref: '#/properties/a' } } },
    ['{"b":null}'],
    ['{"b":1}'],
  ],
  [
    'a reference to nowhere special',
    { $ref: '#/components/schemas/S', components: { schemas: { S: { type: 'string' } } } },
    ['"a"'],
    ['1'],
  ],
  [
    'a tree',
    TREE,
    ['{"value":1,"children":[{"value":2,"children":[]}]}'],
    ['{"value":1,"children":[{"value":"2","children":[]}]}', '{"value":1}'],
  ],
  [
    'a list',
    { properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }, required: ['next'] },
    ['{"next":{"next":null}}'],
    ['{"next":{}}'],
  ],
  [
    'a pydantic model',
    OWNER,
    [
      `{"id":"${ID}","pet":{"kind":"cat","lives":9}}`,
      `{"id":"${ID}","born":null,"pet":{"kind":"dog"},"scores":{"a":1.5}}`,
    ],
    [
      `{"id":"x","pet":{"kind":"dog"}}`,
      `{"id":"${ID}","pet":{"kind":"cow"}}`,
      `{"id":"${ID}","pet":{"kind":"cat","lives":10}}`,
    ],
  ],
  [
    'annotations',
    { title: 'a', default: 1, examples: [2], 'x-note': { $ref: '#/nowhere' } },
    ['1', '"a"'],
    [],
  ],
  [
    'format date-time',
    { format: 'date-time' },
    ['"2026-11-23T10:00:00Z"', '"2026-11-23T10:00:00.5+01:00"'],
    ['"2026-11-23"', '"2026-13-01T10:00:00Z"'],
  ],
  ['format date', { format: 'date' }, ['"2024-02-29"'], ['"2023-02-29"', '"29.2.2024"']],
  ['format time', { format: 'time' }, ['"10:00:00Z"'], ['"25:00:00Z"']],
  ['format duration', { format: 'duration' }, ['"P1DT2H"', '"PT5M"'], ['"P"', '"5 min"']],
  ['format email', { format: 'email' }, ['"a.b@example.com"'], ['"a"', '"a@"']],
  ['format hostname', { format: 'hostname' }, ['"a-b.example"'], ['"-a"', '"a_b"']],
  ['format ipv4', { format: 'ipv4' }, ['"127.0.0.1"'], ['"1.2.3"', '"256.1.1.1"']],
  ['format ipv6', { format: 'ipv6' }, ['"::1"', '"2001:db8::1"'], ['"1::2::3"']],
  ['format uri', { format: 'uri' }, ['"https://example.com/?q#f"'], ['"/a"', '"a b"']],
  ['format uuid', { format: 'uuid' }, [`"${ID}"`], ['"123"']],
];
