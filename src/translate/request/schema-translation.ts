import type { Schema } from '../../wire/gemini/request.ts';
import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { toGeminiJsonSchema } from './json-schema.ts';
import { toOpenApiSchema } from './openapi-schema.ts';
import type { FieldPath } from './receipt.ts';
import type { RequestContext } from './request-context.ts';
import { SchemaProblem } from './schema-document.ts';

/** A schema in one of Gemini's two languages. */
export type NativeSchema =
  | { readonly language: 'json'; readonly schema: JsonObject }
  | { readonly language: 'openapi'; readonly schema: Schema };

/**
 * A client's JSON Schema in the language chosen for the request. Contract section 7.2.
 *
 * @param purpose only answers are sorted by their schema's property order
 * @returns `undefined` when the schema was refused
 */
export function translateSchema(
  schema: unknown,
  { path, purpose }: { readonly path: FieldPath; readonly purpose: 'arguments' | 'answer' },
  { usesJsonSchema, model, options, receipt }: RequestContext,
): NativeSchema | undefined {
  try {
    if (usesJsonSchema) return { language: 'json', schema: toGeminiJsonSchema(schema) };
    const written = toOpenApiSchema(schema, {
      maxRefDepth: options.maxRefDepth ?? 3,
      anyStringFormat: model.anyStringFormat,
      propertyOrdering: purpose === 'answer',
    });
    return { language: 'openapi', schema: written };
  } catch (error) {
    if (!(error instanceof SchemaProblem)) throw error;
    receipt.fail([...path, ...error.path], error.message, error.code);
    return undefined;
  }
}
