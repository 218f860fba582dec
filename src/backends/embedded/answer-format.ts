import { GatewayError } from '../../errors.ts';
import { readGoogleExtraBody } from '../../wire/openai/google-extra-body.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';

/** What shape the answer's text must have. */
export type AnswerFormat =
  | { readonly kind: 'text' }
  | { readonly kind: 'json-object' }
  | { readonly kind: 'json-schema'; readonly schema: unknown; readonly path: string };

const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'text/plain']);
const JSON_TYPES: ReadonlySet<string> = new Set(['json_object', 'application/json']);

/**
 * The format a request asks for, in any of its spellings. Contract section 8.
 *
 * @throws {GatewayError} `unsupported_parameter` for a MIME type this engine cannot write
 */
export function readAnswerFormat(request: ChatCompletionRequest): AnswerFormat {
  const { response_format: format } = request;
  if (format != null) {
    const { type, json_schema: jsonSchema } = typeof format === 'string' ? { type: format } : format;
    if (type === 'json_schema') return fromSchema(jsonSchema?.schema, 'response_format.json_schema.schema');
    return fromType(type, 'response_format.type');
  }
  const { google } = readGoogleExtraBody(request);
  const schema = google['response_json_schema'];
  if (schema != null) return fromSchema(schema, 'extra_body.google.response_json_schema');
  const mimeType = google['response_mime_type'];
  if (typeof mimeType === 'string') return fromType(mimeType, 'extra_body.google.response_mime_type');
  return { kind: 'text' };
}

/** Without a schema, `json_schema` means any JSON object. */
function fromSchema(schema: unknown, path: string): AnswerFormat {
  return schema == null ? { kind: 'json-object' } : { kind: 'json-schema', schema, path };
}

function fromType(type: string, path: string): AnswerFormat {
  if (TEXT_TYPES.has(type)) return { kind: 'text' };
  if (JSON_TYPES.has(type)) return { kind: 'json-object' };
  throw new GatewayError(
    'unsupported_parameter',
    `The embedded model writes text/plain and application/json, not ${JSON.stringify(type.slice(0, 60))}.`,
    { param: path },
  );
}
