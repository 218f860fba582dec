import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { toGeminiJsonSchema } from '../../../src/translate/request/json-schema.ts';
import { SchemaProblem } from '../../../src/translate/request/schema-document.ts';
import {
  doubling,
  GROWING_ALL_OF,
  mesh,
  nested,
  SELF_ALL_OF,
  wideAllOf,
  wideAnyOf,
} from './hostile-schemas.ts';
import { deepFreeze } from './translate.ts';

const convert = (schema: unknown): Record<string, unknown> =>
  toGeminiJsonSchema(deepFreeze(structuredClone(schema)));

function problemOf(schema: unknown): SchemaProblem {
  try {
    toGeminiJsonSchema(schema);
  } catch (error) {
    if (error instanceof SchemaProblem) return error;
    throw error;
  }
  throw new Error('the schema was accepted');
}

describe('keywords', () => {
  it.each<[what: string, schema: object, written: object]>([
    [
      'documented ones stay',
      {
        type: 'object',
        title: 'T',
        description: 'D',
        properties: { a: { type: 'integer', minimum: 1, maximum: 2, enum: [1, 2], format: 'int32' } },
        required: ['a'],
        additionalProperties: false,
        propertyOrdering: ['a'],
      },
      {
        type: 'object',
        title: 'T',
        description: 'D',
        properties: { a: { type: 'integer', minimum: 1, maximum: 2, enum: [1, 2], format: 'int32' } },
        required: ['a'],
        additionalProperties: false,
        propertyOrdering: ['a'],
      },
    ],
    [
      'default stays, annotations for people go',
      {
        type: 'string',
        default: 'a',
        $schema: 'x',
        $comment: 'x',
        $id: 'x',
        examples: ['a'],
        strict: true,
        'x-order': 1,
      },
      { type: 'string', default: 'a' },
    ],
    ['lists of types stay', { type: ['string', 'null'] }, { type: ['string', 'null'] }],
    [
      'types of OpenAPI become JSON Schema’s',
      { type: 'STRING', nullable: true, enum: ['a'] },
      { type: ['string', 'null'], enum: ['a', null] },
    ],
    ['const', { const: 'x' }, { enum: ['x'] }],
    [
      'prefixItems',
      { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'number' } },
      { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'number' } },
    ],
    [
      'items of draft 7',
      { type: 'array', items: [{ type: 'string' }], additionalItems: false },
      { type: 'array', prefixItems: [{ type: 'string' }], maxItems: 1 },
    ],
    [
      'no further items',
      { type: 'array', prefixItems: [{ type: 'string' }, true], items: false },
      { type: 'array', prefixItems: [{ type: 'string' }, {}], maxItems: 2 },
    ],
    [
      'oneOf',
      { oneOf: [{ type: 'string' }, { type: 'number' }] },
      { oneOf: [{ type: 'string' }, { type: 'number' }] },
    ],
    [
      'additionalProperties as a schema',
      { type: 'object', additionalProperties: { const: 1 } },
      { type: 'object', additionalProperties: { enum: [1] } },
    ],
    [
      'exclusive bounds of integers',
      { type: 'integer', exclusiveMinimum: 1, exclusiveMaximum: 9 },
      { type: 'integer', minimum: 2, maximum: 8 },
    ],
    [
      'fractional bounds of integers',
      { type: 'integer', exclusiveMinimum: 1.5, exclusiveMaximum: 8.5 },
      { type: 'integer', minimum: 2, maximum: 8 },
    ],
    [
      'the tighter of two bounds',
      { type: 'integer', minimum: 5, exclusiveMinimum: 1 },
      { type: 'integer', minimum: 5 },
    ],
    [
      'exclusive bounds of numbers',
      { type: 'number', exclusiveMinimum: 0 },
      { type: 'number', minimum: 0, description: 'Constraint: exclusiveMinimum 0' },
    ],
    [
      'exclusive bounds of draft 4',
      { type: 'integer', minimum: 1, exclusiveMinimum: true },
      { type: 'integer', minimum: 2 },
    ],
    ['boolean schemas', { properties: { a: true } }, { properties: { a: {} } }],
  ])('%s', (_, schema, written) => {
    expect(convert(schema)).toEqual(written);
  });

  it.each<[schema: object, summary: string]>([
    [{ pattern: '^a$' }, 'pattern ^a$'],
    [{ minLength: 1, maxLength: 5 }, 'minLength 1; maxLength 5'],
    [{ multipleOf: 5 }, 'multipleOf 5'],
    [{ uniqueItems: true }, 'uniqueItems true'],
    [{ not: { type: 'string' } }, 'not {"type":"string"}'],
    [{ if: { a: 1 }, else: { b: [1, 2] } }, 'if {"a":1}; else {"b":[1,2]}'],
    [{ dependentRequired: { a: ['b'] } }, 'dependentRequired {"a":["b"]}'],
    [{ patternProperties: { '^x': {} } }, 'patternProperties {"^x":{}}'],
    [{ propertyNames: { pattern: 'x' } }, 'propertyNames {"pattern":"x"}'],
    [{ contains: { const: 1 } }, 'contains {"const":1}'],
  ])('%j goes into the description', (schema, summary) => {
    expect(convert({ ...schema, description: 'D.' })).toEqual({ description: `D.\nConstraint: ${summary}` });
    expect(convert(schema)).toEqual({ description: `Constraint: ${summary}` });
  });

  it.each([{ uniqueItems: false }, { unevaluatedProperties: false }])(
    '%j constrains nothing Gemini could not',
    (schema) => {
      expect(convert(schema)).toEqual({});
    },
  );

  it('cuts what would fill a description', () => {
    const { description } = convert({ not: { enum: Array.from({ length: 10_000 }, (_, index) => index) } });
    expect(String(description).length).toBeLessThan(300);
  });
});

describe('references', () => {
  const A = { type: 'object', properties: { b: { type: 'string' } } };

  it.each<[what: string, schema: object, written: object]>([
    [
      'stay, with the definitions that are used',
      { properties: { a: { $ref: '#/$defs/A' } }, $defs: { A, Unused: {} } },
      { properties: { a: { $ref: '#/$defs/A' } }, $defs: { A } },
    ],
    [
      'into definitions are moved',
      { properties: { a: { $ref: '#/definitions/A' } }, definitions: { A } },
      { properties: { a: { $ref: '#/$defs/A' } }, $defs: { A } },
    ],
    [
      'have their siblings around them',
      { properties: { a: { $ref: '#/$defs/A', description: 'D', default: null } }, $defs: { A } },
      {
        properties: { a: { description: 'D', default: null, anyOf: [{ $ref: '#/$defs/A' }] } },
        $defs: { A },
      },
    ],
    [
      'in an allOf of one are the same',
      { properties: { a: { allOf: [{ $ref: '#/$defs/A' }], description: 'D' } }, $defs: { A } },
      { properties: { a: { description: 'D', anyOf: [{ $ref: '#/$defs/A' }] } }, $defs: { A } },
    ],
    [
      'to other places become definitions',
      { properties: { a: { type: 'string' }, b: { $ref: '#/properties/a' } } },
      { properties: { a: { type: 'string' }, b: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'string' } } },
    ],
    [
      'to the root become a definition, since Gemini does not follow them',
      { type: 'object', properties: { next: { $ref: '#' } } },
      {
        type: 'object',
        properties: { next: { $ref: '#/$defs/root' } },
        $defs: { root: { type: 'object', properties: { next: { $ref: '#/$defs/root' } } } },
      },
    ],
    [
      'by anchor are followed',
      { properties: { a: { $ref: '#x' } }, $defs: { A: { $anchor: 'x', type: 'string' } } },
      { properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { type: 'string' } } },
    ],
    [
      'with escapes get plain names',
      { properties: { a: { $ref: '#/$defs/a~1b%20c' } }, $defs: { 'a/b c': { type: 'string' } } },
      { properties: { a: { $ref: '#/$defs/a_b_c' } }, $defs: { a_b_c: { type: 'string' } } },
    ],
    [
      'with equal last names are kept apart',
      {
        properties: { a: { $ref: '#/$defs/A' }, b: { $ref: '#/definitions/A' } },
        $defs: { A: { type: 'string' } },
        definitions: { A: { type: 'number' } },
      },
      {
        properties: { a: { $ref: '#/$defs/A' }, b: { $ref: '#/$defs/A_2' } },
        $defs: { A: { type: 'string' }, A_2: { type: 'number' } },
      },
    ],
    ['that are all the root says are written out', { $ref: '#/$defs/A', $defs: { A } }, A],
    [
      'to true allow anything',
      { properties: { a: { $ref: '#/$defs/A' } }, $defs: { A: true } },
      { properties: { a: {} } },
    ],
    [
      'beside anyOf are merged with it',
      { properties: { a: { $ref: '#/$defs/A', anyOf: [{ required: ['b'] }, {}] } }, $defs: { A } },
      { properties: { a: { ...A, anyOf: [{ required: ['b'] }, {}] } } },
    ],
  ])('%s', (_, schema, written) => {
    expect(convert(schema)).toEqual(written);
  });

  it.each<[schema: object, code: string, path: unknown[]]>([
    [{ properties: { a: { $ref: 'https://x/y.json' } } }, 'unsupported_schema', ['properties', 'a', '$ref']],
    [{ properties: { a: { $ref: '#/$defs/none' } } }, 'invalid_argument', ['properties', 'a', '$ref']],
    [{ properties: { a: { $ref: '#/$defs/%' } } }, 'invalid_argument', ['properties', 'a', '$ref']],
    [{ properties: { a: { $ref: '#none' } } }, 'invalid_argument', ['properties', 'a', '$ref']],
    [{ properties: { a: { $ref: '#/__proto__' } } }, 'invalid_argument', ['properties', 'a', '$ref']],
    [{ properties: { a: { $ref: 5 } } }, 'invalid_argument', ['properties', 'a', '$ref']],
    [{ properties: { a: false } }, 'unsupported_schema', ['properties', 'a']],
    [{ properties: { a: 'string' } }, 'invalid_argument', ['properties', 'a']],
    [{ allOf: [{ type: 'string' }, { type: 'number' }] }, 'invalid_argument', []],
    [{ allOf: [{ enum: [1] }, { enum: [2] }] }, 'invalid_argument', []],
    [{ allOf: [{ const: 1 }, { const: 2 }] }, 'invalid_argument', []],
    [{ allOf: [{ anyOf: [{}, {}] }, { anyOf: [{}] }] }, 'unsupported_schema', []],
  ])('refuses %j', (schema, code, path) => {
    expect(problemOf(schema)).toMatchObject({ code, path });
  });
});

describe('allOf', () => {
  it.each<[what: string, branches: object[], written: object]>([
    [
      'properties and required',
      [
        { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
        { properties: { b: {} }, required: ['b', 'a'] },
      ],
      { type: 'object', properties: { a: { type: 'string' }, b: {} }, required: ['a', 'b'] },
    ],
    [
      'the same property',
      [
        { properties: { a: { type: 'integer', minimum: 1 } } },
        { properties: { a: { type: 'number', minimum: 2, maximum: 9 } } },
      ],
      { properties: { a: { type: 'integer', minimum: 2, maximum: 9 } } },
    ],
    ['number and integer', [{ type: 'number' }, { type: 'integer' }], { type: 'integer' }],
    [
      'lists of types',
      [{ type: ['string', 'null', 'integer'] }, { type: ['null', 'string'] }],
      { type: ['string', 'null'] },
    ],
    ['enums', [{ enum: [1, 2, 3] }, { enum: [3, 2] }], { enum: [2, 3] }],
    [
      'closed objects',
      [{ additionalProperties: {} }, { additionalProperties: false }],
      { additionalProperties: false },
    ],
    ['inner ones', [{ allOf: [{ minimum: 1 }, { maximum: 5 }] }, { maximum: 3 }], { minimum: 1, maximum: 3 }],
    ['items', [{ items: { minimum: 1 } }, { items: { maximum: 2 } }], { items: { minimum: 1, maximum: 2 } }],
  ])('merges %s', (_, branches, written) => {
    expect(convert({ allOf: branches })).toEqual(written);
  });

  it('follows references, and what stands beside has the last word in annotations', () => {
    const schema = {
      properties: { a: { description: 'Mine.', allOf: [{ $ref: '#/$defs/A' }, { required: ['b'] }] } },
      $defs: { A: { type: 'object', description: 'Theirs.', properties: { b: { type: 'string' } } } },
    };
    expect(convert(schema)).toEqual({
      properties: {
        a: { type: 'object', description: 'Mine.', properties: { b: { type: 'string' } }, required: ['b'] },
      },
    });
  });
});

describe('hostile schemas get a verdict', () => {
  it.each<[what: string, schema: object]>([
    ['5,000 levels', nested(5000)],
    ['a huge anyOf', wideAnyOf(100_000)],
    ['a huge allOf', wideAllOf(50_000)],
    ['an allOf of itself', SELF_ALL_OF],
    ['an allOf that grows', GROWING_ALL_OF],
    [
      '100,000 properties',
      { properties: Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`p${n}`, {}])) },
    ],
  ])('%s', (_, schema) => {
    expect(problemOf(schema).code).toBe('schema_too_complex');
  });

  it.each<[what: string, schema: object]>([
    ['doubling definitions', doubling(60)],
    ['a mesh of definitions', mesh(60)],
    ['a deep but sensible schema', nested(50)],
  ])('%s are no trouble, since references stay', (_, schema) => {
    expect(() => toGeminiJsonSchema(schema)).not.toThrow();
  });

  it('keeps names that are members of every object', () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}}}',
    ) as object;
    expect(Object.keys(convert(schema)['properties'] as object)).toEqual(['__proto__', 'constructor']);
  });
});

describe('what is written is valid JSON Schema', () => {
  const ajv = new Ajv2020({ strict: false });

  it.each([doubling(5), mesh(4), { properties: { a: { allOf: [{ $ref: '#' }], description: 'x' } } }])(
    '%#',
    (schema) => {
      expect(() => ajv.compile(toGeminiJsonSchema(schema))).not.toThrow();
    },
  );
});
