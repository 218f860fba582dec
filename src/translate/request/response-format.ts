import type { GenerationConfig } from '../../wire/gemini/request.ts';
import type { ResponseFormat } from '../../wire/openai/request.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import type { FieldPath } from './receipt.ts';
import type { RequestContext } from './request-context.ts';
import { translateSchema } from './schema-translation.ts';

/** OpenAI's words for formats; any other type is a MIME type of its own. */
const MIME_TYPES = new Map([
  ['text', 'text/plain'],
  ['json_object', 'application/json'],
  ['json_schema', 'application/json'],
]);

const SCHEMA_NAME = /^[A-Za-z0-9_-]{1,64}$/;

const MIME_TYPE = /^[\w.+-]+\/[\w.+*-]+(\s*;.*)?$/;

/** `response_format` as MIME type and schema. Contract section 8. */
export function toResponseFormat(context: RequestContext): GenerationConfig {
  const { response_format: format } = context.request;
  if (format == null) return {};
  if (typeof format === 'string') return ofType(format, ['response_format'], context);
  return {
    ...ofType(format.type, ['response_format', 'type'], context),
    ...ofSchema(format.json_schema ?? undefined, context),
  };
}

function ofType(type: string, path: FieldPath, { receipt }: RequestContext): GenerationConfig {
  const mimeType = MIME_TYPES.get(type) ?? type;
  if (MIME_TYPE.test(mimeType)) return { responseMimeType: mimeType };
  receipt.refuse(path, 'must be "text", "json_object", "json_schema" or a MIME type');
  return {};
}

function ofSchema(
  jsonSchema: Exclude<ResponseFormat['json_schema'], null> | undefined,
  context: RequestContext,
): GenerationConfig {
  const { name, description, schema } = jsonSchema ?? {};
  const path = ['response_format', 'json_schema'];
  if (name != null && !SCHEMA_NAME.test(name)) context.receipt.ignore([...path, 'name']);
  // Without a schema any JSON will do, and that is what `true` says too.
  if (schema == null || schema === true) return {};
  const needsDescription = isJsonObject(schema) && schema['description'] === undefined && description != null;
  const described = needsDescription ? { ...schema, description } : schema;
  const translated = translateSchema(described, { path: [...path, 'schema'], purpose: 'answer' }, context);
  if (translated === undefined) return {};
  return translated.language === 'json'
    ? { responseJsonSchema: translated.schema }
    : { responseSchema: translated.schema };
}
