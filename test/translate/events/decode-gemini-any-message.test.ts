import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJsonObject } from '../../../src/wire/validation/structure-checks.ts';
import { decoded } from './gemini-messages.ts';
import { foldOf, renderOptions, streamOf } from './render-fixture.ts';

describe('any message', () => {
  const names = [
    'candidates',
    'content',
    'parts',
    'text',
    'thought',
    'thoughtSignature',
    'functionCall',
    'name',
    'args',
    'partialArgs',
    'jsonPath',
    'stringValue',
    'willContinue',
    'inlineData',
    'mimeType',
    'data',
    'executableCode',
    'code',
    'index',
    'finishReason',
    'groundingMetadata',
    'groundingChunks',
    'groundingSupports',
    'segment',
    'startIndex',
    'endIndex',
    'web',
    'uri',
    'groundingChunkIndices',
    'citationMetadata',
    'citations',
    'usageMetadata',
    'promptTokenCount',
    'promptFeedback',
    'blockReason',
    'logprobsResult',
    'chosenCandidates',
    'topCandidates',
    'token',
    '__proto__',
  ];
  const { value: anything } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 7, withCrossShrink: true },
      fc.constantFrom<unknown>('', 'x', 'STOP', 'image/png', 'AAAA', '$.a', 0, 1, -1, 1.5, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 4 }),
    ),
  }));
  const native = fc.oneof(
    anything,
    fc.jsonValue(),
    fc.record({
      candidates: fc.array(
        fc.record({
          content: fc.record({ parts: fc.array(anything, { maxLength: 4 }) }),
          finishReason: anything,
          groundingMetadata: anything,
          index: anything,
        }),
      ),
    }),
    fc.record({
      candidates: fc.array(
        fc.record({
          content: fc.record({
            parts: fc.array(
              fc.record(
                { functionCall: anything, inlineData: anything, text: anything },
                { requiredKeys: [] },
              ),
            ),
          }),
        }),
      ),
    }),
  );

  it('is decoded, rendered and folded without a failure', () => {
    fc.assert(
      fc.property(fc.array(native, { maxLength: 4 }), fc.boolean(), (messages, cleanly) => {
        const { batches, outcome } = decoded(messages, { topLogprobs: 1 }, cleanly);
        const completion = foldOf(batches, renderOptions({ topLogprobs: 1 }));
        expect(streamOf(batches, renderOptions({ topLogprobs: 1 })).length).toBeGreaterThan(1);
        expect(JSON.parse(JSON.stringify(completion))).toHaveProperty('choices');
        expect(outcome).toBeDefined();
        const made = completion.choices.flatMap(({ message: { tool_calls: calls = [] } }) => calls);
        const texts = made.flatMap((call) => (call.type === 'function' ? [call.function.arguments] : []));
        expect(texts.every((text) => isJsonObject(JSON.parse(text)))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
