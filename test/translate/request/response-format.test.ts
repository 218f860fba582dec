import { describe, expect, it } from 'vitest';
import { refusal, translate } from './translate.ts';

const SCHEMA = {
  type: 'object',
  properties: { b: { type: 'string' }, a: { type: 'string' } },
  required: ['b'],
};
const JSON_TYPE = 'application/json';

const format = (members: object): object => ({
  response_format: { type: 'json_schema', json_schema: members },
});

describe('response_format', () => {
  it.each<[fields: object, config: object | undefined]>([
    [{}, undefined],
    [{ response_format: null }, undefined],
    [{ response_format: { type: 'text' } }, { responseMimeType: 'text/plain' }],
    [{ response_format: { type: 'json_object' } }, { responseMimeType: JSON_TYPE }],
    [{ response_format: { type: 'application/json' } }, { responseMimeType: JSON_TYPE }],
    [{ response_format: { type: 'text/x.enum' } }, { responseMimeType: 'text/x.enum' }],
    [{ response_format: 'json_object' }, { responseMimeType: JSON_TYPE }],
    [{ response_format: 'text/plain' }, { responseMimeType: 'text/plain' }],
    [
      format({ name: 'n', schema: SCHEMA, strict: true }),
      { responseMimeType: JSON_TYPE, responseJsonSchema: SCHEMA },
    ],
    [format({ name: 'n' }), { responseMimeType: JSON_TYPE }],
    [format({ name: 'n', schema: true }), { responseMimeType: JSON_TYPE }],
    [
      format({ schema: { type: 'array', items: { type: 'string' } } }),
      { responseMimeType: JSON_TYPE, responseJsonSchema: { type: 'array', items: { type: 'string' } } },
    ],
    [
      format({ schema: SCHEMA, description: 'D' }),
      { responseMimeType: JSON_TYPE, responseJsonSchema: { ...SCHEMA, description: 'D' } },
    ],
    [
      format({ schema: { ...SCHEMA, description: 'Own' }, description: 'D' }),
      { responseMimeType: JSON_TYPE, responseJsonSchema: { ...SCHEMA, description: 'Own' } },
    ],
    [
      { response_format: { type: 'text/x.enum', json_schema: { schema: { type: 'string', enum: ['a'] } } } },
      { responseMimeType: 'text/x.enum', responseJsonSchema: { type: 'string', enum: ['a'] } },
    ],
  ])('%j', (fields, config) => {
    const { body, ignored } = translate(fields);
    expect(body.generationConfig).toEqual(config);
    expect(ignored).toEqual([]);
  });

  it('is an OpenAPI schema in its own order for older models', () => {
    expect(
      translate(format({ schema: SCHEMA }), { model: 'gemini-2.0-flash' }).body.generationConfig,
    ).toEqual({
      responseMimeType: JSON_TYPE,
      responseSchema: {
        type: 'OBJECT',
        properties: { b: { type: 'STRING' }, a: { type: 'STRING' } },
        required: ['b'],
        propertyOrdering: ['b', 'a'],
      },
    });
  });

  it('names a name that breaks OpenAI’s rule, and goes on', () => {
    expect(translate(format({ name: 'a b', schema: SCHEMA })).ignored).toEqual([
      'response_format.json_schema.name',
    ]);
  });

  it('goes with tools, which newer models allow and older ones refuse themselves (B15)', () => {
    const fields = {
      response_format: { type: 'json_object' },
      tools: [{ type: 'function', function: { name: 'f' } }],
    };
    expect(translate(fields).body).toMatchObject({
      generationConfig: { responseMimeType: JSON_TYPE },
      tools: [{}],
    });
  });

  it('replaces native formats as a whole, and names them', () => {
    const google = { response_json_schema: SCHEMA, generation_config: { response_mime_type: 'text/x.enum' } };
    const { body, ignored } = translate({ response_format: { type: 'text' }, google });
    expect(body.generationConfig).toEqual({ responseMimeType: 'text/plain' });
    expect(ignored).toEqual(['google.response_json_schema']);
  });

  it('refuses words that are no formats', () => {
    expect(refusal({ response_format: { type: 'grammar' } })).toMatchObject({
      param: 'response_format.type',
      code: 'unsupported_parameter',
    });
    expect(refusal({ response_format: 'yaml' }).param).toBe('response_format');
  });

  it.each([
    [false, 'response_format.json_schema.schema', 'unsupported_schema'],
    [
      { properties: { a: { $ref: 'http://x' } } },
      'response_format.json_schema.schema.properties.a.$ref',
      'unsupported_schema',
    ],
  ])('refuses the schema %j', (schema, param, code) => {
    expect(refusal(format({ schema }))).toMatchObject({ param, code });
  });

  it('takes what the helpers of the SDKs send', () => {
    const pydantic = {
      $defs: {
        Step: {
          properties: { text: { title: 'Text', type: 'string' } },
          required: ['text'],
          title: 'Step',
          type: 'object',
          additionalProperties: false,
        },
      },
      properties: { steps: { items: { $ref: '#/$defs/Step' }, title: 'Steps', type: 'array' } },
      required: ['steps'],
      title: 'Model',
      type: 'object',
      additionalProperties: false,
    };
    const { body } = translate(format({ schema: pydantic, name: 'Model', strict: true }));
    expect(body.generationConfig?.responseJsonSchema).toEqual(pydantic);
    const zod = {
      ...SCHEMA,
      $schema: 'http://json-schema.org/draft-07/schema#',
      additionalProperties: false,
    };
    const { $schema: _, ...sent } = zod;
    expect(
      translate(format({ schema: zod, name: 'event' })).body.generationConfig?.responseJsonSchema,
    ).toEqual(sent);
  });
});
