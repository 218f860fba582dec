import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResponseFormat } from '../../../src/wire/openai/request.ts';
import { type Fields, LocalModel } from './local-model.ts';

let model: LocalModel;

beforeAll(async () => {
  model = await LocalModel.start({ contextSize: 1024 });
});

afterAll(async () => {
  await model.close();
});

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);

type Schema = Record<string, unknown>;

/** What SDK helpers send: every property required, nothing else allowed. */
function strictObject(properties: Schema, more: Schema = {}): Schema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
    ...more,
  };
}

function strictFormat(schema: Schema): ResponseFormat {
  return { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
}

const text = (maxLength: number): Schema => ({ type: 'string', maxLength });

const SCHEMAS: Record<string, Schema> = {
  'a pydantic model': strictObject(
    { name: { ...text(12), title: 'Name' }, day: { ...text(12), title: 'Day' } },
    { title: 'Event' },
  ),
  'a zod object': strictObject(
    { ok: { type: 'boolean' }, count: { type: 'integer' } },
    { $schema: 'https://json-schema.org/draft/2020-12/schema' },
  ),
  'nested models behind $defs': strictObject(
    { home: { $ref: '#/$defs/Place' }, work: { $ref: '#/$defs/Place' } },
    { $defs: { Place: strictObject({ city: text(10), zip: { type: 'string', pattern: '^[0-9]{5}$' } }) } },
  ),
  'an enum of mixed types': { enum: ['red', 7, null, true, { a: 1 }] },
  'an optional value': strictObject({ note: { anyOf: [text(10), { type: 'null' }] } }),
  'a type or null': strictObject({ age: { type: ['integer', 'null'], minimum: 0, maximum: 120 } }),
  'a recursive tree': {
    $ref: '#/$defs/Node',
    $defs: {
      Node: { anyOf: [{ const: 0 }, { type: 'array', items: { $ref: '#/$defs/Node' }, maxItems: 2 }] },
    },
  },
  'an array with bounds': {
    type: 'array',
    items: { type: 'integer', minimum: 1, maximum: 9 },
    minItems: 2,
    maxItems: 4,
  },
  'a tuple': { type: 'array', prefixItems: [{ type: 'boolean' }, { const: 'x' }], items: false, minItems: 2 },
  patterns: strictObject({
    sku: { type: 'string', pattern: '^[A-Z]{2}-\\d{3}$' },
    tag: { type: 'string', pattern: '^(a|b)+c?$', maxLength: 6 },
  }),
  'numbers with ranges': strictObject({
    share: { type: 'number', minimum: 0, maximum: 1 },
    offset: { type: 'integer', exclusiveMinimum: -10, exclusiveMaximum: 0 },
  }),
  formats: strictObject({
    day: { type: 'string', format: 'date' },
    id: { type: 'string', format: 'uuid' },
  }),
  'one of several objects': {
    anyOf: [
      strictObject({ kind: { const: 'circle' }, r: { type: 'integer', minimum: 1, maximum: 99 } }),
      strictObject({ kind: { const: 'square' }, side: { type: 'integer', minimum: 1, maximum: 99 } }),
    ],
  },
  'members that may be left out': {
    type: 'object',
    properties: { a: { type: 'boolean' }, b: text(6) },
    required: ['a'],
    additionalProperties: false,
  },
};

describe('response_format json_schema with strict', () => {
  it.each(Object.entries(SCHEMAS))('every complete answer follows the schema: %s', async (_, schema) => {
    const validate = ajv.compile(schema);
    const ends: string[] = [];
    for (const seed of [1, 2]) {
      const { message, finish_reason: reason } = await model.choice({
        ask: 'Invent one.',
        temperature: 1,
        seed,
        max_tokens: 80,
        response_format: strictFormat(schema),
      });
      ends.push(reason);
      const isValid = reason !== 'stop' || validate(JSON.parse(message.content ?? ''));
      expect([message.content, isValid ? null : validate.errors]).toEqual([message.content, null]);
    }
    // Unless answers do end, nothing was shown.
    expect(ends).toContain('stop');
  });

  it('gives the same answer streamed, and it is nothing but JSON', async () => {
    const fields: Fields = {
      ask: 'Invent one.',
      temperature: 1,
      seed: 3,
      response_format: strictFormat(SCHEMAS['a zod object'] ?? {}),
    };
    const whole = await model.text(fields);
    const chunks = await model.chunks(fields);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(whole);
    expect(Object.keys(JSON.parse(whole) as object)).toEqual(['ok', 'count']);
  });

  it('ends with length, and says so, when there is no room for the rest', async () => {
    const schema = { type: 'array', items: { const: 'again' }, minItems: 30 };
    const choice = await model.choice({ ask: 'Go.', max_tokens: 10, response_format: strictFormat(schema) });
    expect(choice.finish_reason).toBe('length');
  });

  it.each<[keyword: string, schema: Schema, param: string]>([
    ['not', { not: { type: 'string' } }, 'response_format.json_schema.schema'],
    [
      'if',
      { type: 'integer', if: { minimum: 3 }, else: { maximum: 5 } },
      'response_format.json_schema.schema',
    ],
    [
      'patternProperties',
      { type: 'object', properties: { a: { type: 'object', patternProperties: { '^x': {} } } } },
      'response_format.json_schema.schema.properties.a',
    ],
    ['contains', { type: 'array', contains: { const: 1 } }, 'response_format.json_schema.schema'],
    [
      'dependentRequired',
      { type: 'object', properties: { a: {} }, dependentRequired: { a: ['b'] } },
      'response_format.json_schema.schema',
    ],
  ])('refuses %s by name', async (keyword, schema, param) => {
    await expect(model.text({ ask: 'Go.', response_format: strictFormat(schema) })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_schema',
      param,
      message: expect.stringContaining(keyword),
    });
  });

  it('names a keyword it cannot enforce in the receipt, where that is configured', async () => {
    const answer = await model.answer(
      { ask: 'Go.', max_tokens: 5, response_format: strictFormat({ enum: [1, 2], not: { const: 1 } }) },
      { unsupported: 'ignore' },
    );
    expect(answer.facts.ignored).toEqual(['response_format.json_schema.schema.not']);
  });
});

describe('response_format json_object', () => {
  it('every complete answer is a JSON object', async () => {
    const complete: unknown[] = [];
    for (const seed of [1, 2, 3]) {
      const { message, finish_reason: reason } = await model.choice({
        ask: 'Answer {"a": 1}',
        temperature: 1,
        seed,
        max_tokens: 40,
        response_format: { type: 'json_object' },
      });
      expect(message.content).toMatch(/^\{/);
      if (reason === 'stop') complete.push(JSON.parse(message.content ?? ''));
    }
    expect(complete.length).toBeGreaterThan(0);
    expect(complete.every((value) => typeof value === 'object' && !Array.isArray(value))).toBe(true);
  });
});
