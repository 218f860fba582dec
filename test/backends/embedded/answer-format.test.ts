import { describe, expect, it } from 'vitest';
import { type AnswerFormat, readAnswerFormat } from '../../../src/backends/embedded/answer-format.ts';
import type { ChatCompletionRequest } from '../../../src/wire/openai/request.ts';

const SCHEMA = { type: 'object' };
const JSON_OBJECT: AnswerFormat = { kind: 'json-object' };
const TEXT: AnswerFormat = { kind: 'text' };

describe('readAnswerFormat', () => {
  it.each<[fields: Partial<ChatCompletionRequest>, format: AnswerFormat]>([
    [{}, TEXT],
    [{ response_format: null }, TEXT],
    [{ response_format: { type: 'text' } }, TEXT],
    [{ response_format: 'text/plain' }, TEXT],
    [{ response_format: { type: 'json_object' } }, JSON_OBJECT],
    [{ response_format: 'application/json' }, JSON_OBJECT],
    [{ response_format: { type: 'json_schema', json_schema: { name: 'a' } } }, JSON_OBJECT],
    [{ response_format: { type: 'json_schema' } }, JSON_OBJECT],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: SCHEMA } } },
      { kind: 'json-schema', schema: SCHEMA, path: 'response_format.json_schema.schema' },
    ],
    [
      { response_format: { type: 'json_schema', json_schema: { schema: true } } },
      { kind: 'json-schema', schema: true, path: 'response_format.json_schema.schema' },
    ],
    [{ google: { response_mime_type: 'application/json' } }, JSON_OBJECT],
    [
      { extra_body: { google: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA } } },
      { kind: 'json-schema', schema: SCHEMA, path: 'extra_body.google.response_json_schema' },
    ],
    [{ response_format: 'text', google: { response_mime_type: 'application/json' } }, TEXT],
  ])('reads %j', (fields, format) => {
    expect(readAnswerFormat({ messages: [], ...fields })).toEqual(format);
  });

  it.each<[fields: Partial<ChatCompletionRequest>, param: string]>([
    [{ response_format: { type: 'text/x.enum' } }, 'response_format.type'],
    [{ response_format: 'image/png' }, 'response_format.type'],
    [{ google: { response_mime_type: 'text/x.enum' } }, 'extra_body.google.response_mime_type'],
  ])('refuses %j', (fields, param) => {
    expect(() => readAnswerFormat({ messages: [], ...fields })).toThrow(
      expect.objectContaining({ code: 'unsupported_parameter', status: 400, param }),
    );
  });
});
