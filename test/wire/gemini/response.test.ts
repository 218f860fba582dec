import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGenerateContentResponse } from '../../../src/wire/gemini/response.ts';

const candidate = (value: object): unknown =>
  readGenerateContentResponse({ candidates: [value] }).candidates[0];
const part = (value: object): unknown =>
  readGenerateContentResponse({ candidates: [{ content: { parts: [value] } }] }).candidates[0]?.parts[0];

describe('readGenerateContentResponse', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['a list', [{ candidates: [] }]],
    ['a text', 'candidates'],
    ['nulls everywhere', { candidates: null, promptFeedback: null, usageMetadata: null, modelVersion: null }],
    [
      'wrong types everywhere',
      {
        candidates: {},
        promptFeedback: 1,
        usageMetadata: [],
        modelVersion: 2,
        responseId: {},
        createTime: true,
      },
    ],
    ['candidates that are none', { candidates: [null, 'x', 1, []] }],
    ['empty names', { modelVersion: '', responseId: '' }],
  ])('%s is a response without anything', (_, value) => {
    expect(readGenerateContentResponse(value)).toEqual({ candidates: [] });
  });

  it.each<[string, object, unknown]>([
    ['empty', {}, { index: 0, parts: [] }],
    ['content null', { content: null }, { index: 0, parts: [] }],
    ['content empty', { content: {} }, { index: 0, parts: [] }],
    ['content without parts', { content: { role: 'model' } }, { index: 0, parts: [] }],
    ['parts that are none', { content: { parts: [null, 3, 'x'] } }, { index: 0, parts: [] }],
    ['a future finish reason', { finishReason: 'TIRED' }, { index: 0, parts: [], finishReason: 'TIRED' }],
    ['a finish reason as number', { finishReason: 2 }, { index: 0, parts: [], finishReason: 'MAX_TOKENS' }],
    ['an unknown finish reason as number', { finishReason: 77 }, { index: 0, parts: [], finishReason: '77' }],
    ['an impossible index', { index: -1.5 }, { index: 0, parts: [] }],
  ])('candidate: %s', (_, value, read) => {
    expect(candidate(value)).toEqual(read);
  });

  it('counts candidates by position where they have no index', () => {
    const { candidates } = readGenerateContentResponse({ candidates: [{}, { index: 3 }, {}] });
    expect(candidates.map(({ index }) => index)).toEqual([0, 3, 2]);
  });

  it.each<[string, object, unknown]>([
    ['an empty text is a text', { text: '' }, { text: '', thought: false }],
    ['thought only when true', { text: 'a', thought: 'yes' }, { text: 'a', thought: false }],
    [
      'a call without anything',
      { functionCall: {} },
      { thought: false, functionCall: { partialArgs: [], willContinue: false } },
    ],
    [
      'a call with wrong types',
      { functionCall: { name: 1, id: '', args: [], partialArgs: {}, willContinue: 1 } },
      { thought: false, functionCall: { partialArgs: [], willContinue: false } },
    ],
    [
      'nulls',
      { text: 'a', functionCall: null, inlineData: null, thoughtSignature: null },
      { text: 'a', thought: false },
    ],
    [
      'enum numbers of code',
      { executableCode: { language: 1, code: 'x' } },
      { thought: false, executableCode: { language: 'PYTHON', code: 'x' } },
    ],
    [
      'enum numbers of results',
      { codeExecutionResult: { outcome: 2 } },
      { thought: false, codeExecutionResult: { outcome: 'OUTCOME_FAILED', output: '' } },
    ],
  ])('part: %s', (_, value, read) => {
    expect(part(value)).toEqual({ ...(read as object), raw: value });
  });

  it('reads counts that come as strings, and no others', () => {
    const usageMetadata = {
      promptTokenCount: '12',
      candidatesTokenCount: -1,
      thoughtsTokenCount: 1.5,
      totalTokenCount: 'many',
      promptTokensDetails: [{ modality: 1, tokenCount: 7 }, { modality: 'AUDIO' }, null, { tokenCount: 2 }],
    };
    expect(readGenerateContentResponse({ usageMetadata }).usageMetadata).toEqual({
      promptTokenCount: 12,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 7 },
        { modality: 'AUDIO', tokenCount: 0 },
      ],
    });
  });

  it('reads any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(readGenerateContentResponse(value).candidates).toBeInstanceOf(Array);
      }),
    );
  });
});
