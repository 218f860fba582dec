import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/errors.ts';
import { toGeminiJsonSchema } from '../../../src/translate/request/json-schema.ts';
import { toOpenApiSchema } from '../../../src/translate/request/openapi-schema.ts';
import { SchemaProblem } from '../../../src/translate/request/schema-document.ts';
import { toGeminiRequest, type GeminiTranslation } from '../../../src/translate/request/to-gemini-request.ts';
import type { ChatCompletionRequest } from '../../../src/wire/openai/request.ts';
import { validateChatRequest } from '../../../src/wire/openai/validate-request.ts';
import { API_OF, violationsOf } from '../../support/discovery-validator.ts';
import { anyRequest, anySchema } from './any-request.ts';
import { deepFreeze } from './translate.ts';

const targets = fc.record({
  upstream: fc.constantFrom('vertex' as const, 'gemini' as const),
  model: fc.constantFrom('gemini-2.0-flash', 'gemini-2.5-flash', 'gemini-3-pro-preview', 'endpoint-7'),
});

const options = fc.record({
  unsupported: fc.constantFrom('reject' as const, 'ignore' as const),
  schemaMode: fc.constantFrom('auto' as const, 'json' as const, 'openapi' as const),
  functionIds: fc.constantFrom('auto' as const, 'always' as const),
  replayThoughts: fc.boolean(),
});

/** Whether an error is one that a client may see. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof GatewayError)) throw error;
  return error.status === 400 && error.problems.length > 0;
}

describe('any request', () => {
  it('becomes a body its upstream accepts, or a GatewayError; the request is never changed', () => {
    let translated = 0;
    fc.assert(
      fc.property(anyRequest, targets, options, (body, target, settings) => {
        fc.pre(validateChatRequest(body, { modelRequired: true }).length === 0);
        let translation: GeminiTranslation;
        try {
          translation = toGeminiRequest(
            deepFreeze(body) as unknown as ChatCompletionRequest,
            target,
            settings,
          );
        } catch (error) {
          return isRefusal(error);
        }
        translated++;
        expect(violationsOf(API_OF[target.upstream], 'GenerateContentRequest', translation.body)).toEqual([]);
        expect(
          translation.body.contents.every(({ role, parts }) => role !== undefined && parts.length > 0),
        ).toBe(true);
        return true;
      }),
      { numRuns: 300 },
    );
    expect(translated).toBeGreaterThan(60);
  });
});

describe('any schema', () => {
  it('is translated into both languages, or a SchemaProblem', () => {
    fc.assert(
      fc.property(anySchema, fc.boolean(), (schema, anyStringFormat) => {
        const frozen = deepFreeze(schema);
        for (const convert of [
          () => ({ responseJsonSchema: toGeminiJsonSchema(frozen) }),
          () => ({
            responseSchema: toOpenApiSchema(frozen, {
              maxRefDepth: 3,
              anyStringFormat,
              propertyOrdering: true,
            }),
          }),
        ]) {
          try {
            const body = { contents: [], generationConfig: convert() };
            expect(violationsOf('generativelanguage-v1beta', 'GenerateContentRequest', body)).toEqual([]);
          } catch (error) {
            if (!(error instanceof SchemaProblem)) throw error;
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
