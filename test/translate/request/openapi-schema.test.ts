import { describe, expect, it } from 'vitest';
import { type OpenApiSchemaOptions, toOpenApiSchema } from '../../../src/translate/request/openapi-schema.ts';
import { SchemaProblem } from '../../../src/translate/request/schema-document.ts';
import type { Schema } from '../../../src/wire/gemini/request.ts';
import { violationsOf } from '../../support/discovery-validator.ts';
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

const DEFAULTS: OpenApiSchemaOptions = { maxRefDepth: 3, anyStringFormat: false, propertyOrdering: false };

function convert(schema: unknown, options: Partial<OpenApiSchemaOptions> = {}): Schema {
  const written = toOpenApiSchema(deepFreeze(structuredClone(schema)), { ...DEFAULTS, ...options });
  const body = { contents: [], generationConfig: { responseSchema: written } };
  expect(violationsOf('aiplatform-v1', 'GenerateContentRequest', body)).toEqual([]);
  expect(violationsOf('generativelanguage-v1beta', 'GenerateContentRequest', body)).toEqual([]);
  return written;
}

function problemOf(schema: unknown): SchemaProblem {
  try {
    toOpenApiSchema(schema, DEFAULTS);
  } catch (error) {
    if (error instanceof SchemaProblem) return error;
    throw error;
  }
  throw new Error('the schema was accepted');
}

const STRING = { type: 'STRING' };
const INTEGER = { type: 'INTEGER' };

describe('the conversion', () => {
  it.each<[schema: unknown, written: object]>([
    [{ type: 'string' }, STRING],
    [{ type: 'OBJECT' }, { type: 'OBJECT' }],
    [{ type: ['string', 'null'] }, { type: 'STRING', nullable: true }],
    [{ type: ['string', 'integer'] }, { anyOf: [STRING, INTEGER] }],
    [
      { type: ['string', 'integer', 'null'], description: 'D' },
      { anyOf: [STRING, INTEGER], description: 'D', nullable: true },
    ],
    [
      { type: 'string', nullable: true },
      { type: 'STRING', nullable: true },
    ],
    [{ type: 'null' }, { type: 'NULL' }],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, { type: 'STRING', nullable: true }],
    [
      { oneOf: [{ type: 'null' }, { type: 'string' }, { type: 'integer' }] },
      { anyOf: [STRING, INTEGER], nullable: true },
    ],
    [{ anyOf: [{ type: 'string' }, { enum: [null] }, { const: null }] }, { type: 'STRING', nullable: true }],
    [{ anyOf: [{ type: 'null' }] }, { type: 'NULL' }],
    [
      { anyOf: [{ type: 'string', minLength: 1 }], description: 'D' },
      { type: 'STRING', minLength: '1', description: 'D' },
    ],
    [
      { anyOf: [{ type: 'string' }, { type: 'integer' }], title: 'T', default: 1 },
      { anyOf: [STRING, INTEGER], title: 'T', default: 1 },
    ],
    [{ const: 'x' }, { type: 'STRING', enum: ['x'] }],
    [{ const: 5 }, { type: 'INTEGER', enum: ['5'], format: 'enum' }],
    [{ const: 1.5 }, { type: 'NUMBER', enum: ['1.5'], format: 'enum' }],
    [{ const: true }, { type: 'BOOLEAN', enum: ['true'], format: 'enum' }],
    [{ const: null }, { type: 'NULL' }],
    [{ enum: ['a', 'b'] }, { type: 'STRING', enum: ['a', 'b'] }],
    [
      { type: 'integer', enum: [1, 2] },
      { type: 'INTEGER', enum: ['1', '2'], format: 'enum' },
    ],
    [
      { type: 'number', enum: [1, 2.5] },
      { type: 'NUMBER', enum: ['1', '2.5'], format: 'enum' },
    ],
    [
      { enum: ['a', 1] },
      {
        anyOf: [
          { type: 'STRING', enum: ['a'] },
          { type: 'INTEGER', enum: ['1'], format: 'enum' },
        ],
      },
    ],
    [{ enum: ['a', null] }, { type: 'STRING', enum: ['a'], nullable: true }],
    [
      { type: ['string', 'null'], enum: ['a', null] },
      { type: 'STRING', enum: ['a'], nullable: true },
    ],
    [
      { type: 'object', enum: [{ a: 1 }] },
      { type: 'OBJECT', description: 'Constraint: enum [{"a":1}]' },
    ],
    [
      { type: 'string', format: 'date-time' },
      { type: 'STRING', format: 'date-time' },
    ],
    [
      { type: 'string', format: 'enum' },
      { type: 'STRING', format: 'enum' },
    ],
    [
      { type: 'string', format: 'uuid' },
      { type: 'STRING', description: 'Constraint: format uuid' },
    ],
    [
      { type: 'integer', format: 'int64' },
      { type: 'INTEGER', format: 'int64' },
    ],
    [{ type: 'number', format: 'money' }, { type: 'NUMBER' }],
    [
      { type: 'integer', exclusiveMinimum: 1, maximum: 9 },
      { type: 'INTEGER', minimum: 2, maximum: 9 },
    ],
    [
      { type: 'number', exclusiveMaximum: 9 },
      { type: 'NUMBER', maximum: 9, description: 'Constraint: exclusiveMaximum 9' },
    ],
    [
      { type: 'string', minLength: 1, maxLength: 5, pattern: '^a$' },
      { type: 'STRING', minLength: '1', maxLength: '5', pattern: '^a$' },
    ],
    [
      { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 2 },
      { type: 'ARRAY', items: STRING, minItems: '1', maxItems: '2' },
    ],
    [{ type: 'array' }, { type: 'ARRAY', items: STRING }],
    [
      { type: 'array', items: [{ type: 'string' }, { type: 'integer' }] },
      { type: 'ARRAY', items: { anyOf: [STRING, INTEGER] }, minItems: '2', maxItems: '2' },
    ],
    [
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'string' }], items: false },
      { type: 'ARRAY', items: STRING, minItems: '2', maxItems: '2' },
    ],
    [
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a', 'b', 'a'] },
      { type: 'OBJECT', properties: { a: STRING }, required: ['a'] },
    ],
    [
      { type: 'object', properties: { a: true } },
      { type: 'OBJECT', properties: { a: { type: 'OBJECT' } } },
    ],
    [
      { properties: { a: { type: 'object', properties: {} } } },
      { type: 'OBJECT', properties: { a: { type: 'OBJECT' } } },
    ],
    [
      { type: 'object', additionalProperties: false, minProperties: 1 },
      { type: 'OBJECT', minProperties: '1' },
    ],
    [
      { type: 'object', additionalProperties: { type: 'string' } },
      { type: 'OBJECT', description: 'Constraint: additionalProperties {"type":"string"}' },
    ],
    [
      { type: 'object', patternProperties: { x: {} }, description: 'D' },
      { type: 'OBJECT', description: 'D\nConstraint: patternProperties {"x":{}}' },
    ],
    [{ type: 'string', 'x-unknown': 1, $schema: 'x', examples: ['a'], readOnly: true }, STRING],
    [
      { type: 'string', title: 'T', default: 'a', example: 'b' },
      { type: 'STRING', title: 'T', default: 'a', example: 'b' },
    ],
    [{ minLength: 2 }, { type: 'STRING', minLength: '2' }],
    [{ items: {} }, { type: 'ARRAY', items: { type: 'OBJECT' } }],
    [{ maximum: 2 }, { type: 'NUMBER', maximum: 2 }],
    [{}, { type: 'OBJECT' }],
    [true, { type: 'OBJECT' }],
    [
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } } },
          { properties: { b: { type: 'integer' } }, required: ['b'] },
        ],
      },
      { type: 'OBJECT', properties: { a: STRING, b: INTEGER }, required: ['b'] },
    ],
    [
      {
        type: 'object',
        properties: { a: { type: 'string' } },
        anyOf: [
          { type: 'object', title: 'X' },
          { type: 'object', title: 'Y' },
        ],
      },
      {
        type: 'OBJECT',
        properties: { a: STRING },
        anyOf: [
          { type: 'OBJECT', title: 'X' },
          { type: 'OBJECT', title: 'Y' },
        ],
      },
    ],
    [{ type: 'string', minLength: '5', pattern: 5, title: 5, description: 5, required: 'a' }, STRING],
  ])('%j', (schema, written) => {
    expect(convert(schema)).toEqual(written);
  });

  it('keeps every string format for newer models', () => {
    expect(convert({ type: 'string', format: 'uuid' }, { anyStringFormat: true })).toEqual({
      type: 'STRING',
      format: 'uuid',
    });
  });

  it('adds the property order on every object when asked', () => {
    const schema = {
      type: 'object',
      properties: { b: { type: 'object', properties: { d: {}, c: {} } }, a: {} },
    };
    const written = convert(schema, { propertyOrdering: true });
    expect(written.propertyOrdering).toEqual(['b', 'a']);
    expect(written.properties?.['b']?.propertyOrdering).toEqual(['d', 'c']);
    expect(convert({ ...schema, propertyOrdering: ['a', 'x', 'b'] }).propertyOrdering).toEqual(['a', 'b']);
  });

  it.each<[schema: unknown, code: string, path: unknown[]]>([
    [{ properties: { a: false } }, 'unsupported_schema', ['properties', 'a']],
    [{ items: { $ref: 'other.json#/a' } }, 'unsupported_schema', ['items', '$ref']],
    [{ items: { $ref: '#/$defs/none' } }, 'invalid_argument', ['items', '$ref']],
    [{ type: 'text' }, 'invalid_argument', ['type']],
    [{ properties: { a: { type: 'any' } } }, 'invalid_argument', ['properties', 'a', 'type']],
    [{ anyOf: [{}, {}], oneOf: [{}, {}] }, 'unsupported_schema', []],
    [{ allOf: [{ type: 'string' }, { type: 'object' }] }, 'invalid_argument', []],
    ['string', 'invalid_argument', []],
  ])('refuses %j', (schema, code, path) => {
    expect(problemOf(schema)).toMatchObject({ code, path });
  });
});

/** How many objects stand inside one another along `next`. */
function depthOf(schema: Schema | undefined): number {
  return schema === undefined ? 0 : 1 + depthOf(schema.properties?.['next']);
}

describe('references', () => {
  const NODE = {
    type: 'object',
    properties: { value: { type: 'string' }, next: { $ref: '#/$defs/Node' } },
    required: ['value'],
  };

  it.each<[reference: string, schema: object]>([
    ['#/$defs/A', { $defs: { A: { type: 'string' } } }],
    ['#/definitions/A', { definitions: { A: { type: 'string' } } }],
    ['#/properties/b', { properties: { b: { type: 'string' } } }],
    ['#x', { $defs: { A: { $anchor: 'x', type: 'string' } } }],
  ])('%s is written out', (reference, schema) => {
    const written = convert({
      ...schema,
      properties: {
        ...('properties' in schema ? (schema.properties as object) : {}),
        a: { $ref: reference },
      },
    });
    expect(written.properties?.['a']).toEqual(STRING);
  });

  it('keep what stands beside them', () => {
    const schema = {
      properties: { a: { $ref: '#/$defs/A', description: 'Mine.' } },
      $defs: { A: { type: 'string', description: 'Theirs.' } },
    };
    expect(convert(schema).properties?.['a']).toEqual({ type: 'STRING', description: 'Mine.' });
  });

  it.each([1, 2, 3, 5])('that recur are unrolled to %i levels, the last one open', (maxRefDepth) => {
    const written = convert(
      { properties: { list: { $ref: '#/$defs/Node' } }, $defs: { Node: NODE } },
      { maxRefDepth },
    );
    expect(depthOf(written.properties?.['list'])).toBe(Math.max(2, maxRefDepth));
    expect(JSON.stringify(written)).toContain('the schema stops here');
  });

  it('to the root count the root as the first level', () => {
    const written = convert({ type: 'object', properties: { next: { $ref: '#' } } });
    expect(depthOf(written)).toBe(3);
  });

  it('that are an allOf with a description recur all the same', () => {
    const schema = { type: 'object', properties: { next: { allOf: [{ $ref: '#' }], description: 'Next.' } } };
    expect(depthOf(convert(schema))).toBe(3);
  });

  it('that only lead to each other come to an end', () => {
    const schema = {
      properties: { a: { $ref: '#/$defs/a' } },
      $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } },
    };
    expect(convert(schema).properties?.['a']?.type).toBe('OBJECT');
  });
});

describe('hostile schemas get a verdict', () => {
  it.each<[what: string, schema: object]>([
    ['5,000 levels', nested(5000)],
    ['doubling definitions', doubling(60)],
    ['a mesh of definitions', mesh(20)],
    ['a huge anyOf', wideAnyOf(100_000)],
    ['a huge allOf', wideAllOf(50_000)],
    ['an allOf of itself', SELF_ALL_OF],
    ['an allOf that grows', GROWING_ALL_OF],
    ['a huge enum', { enum: Array.from({ length: 100_000 }, (_, index) => String(index)) }],
  ])('%s', (_, schema) => {
    expect(problemOf(schema).code).toBe('schema_too_complex');
  });

  it('and sensible depth does not', () => {
    expect(() => convert(nested(50))).not.toThrow();
    expect(() => convert(doubling(8))).not.toThrow();
  });
});
