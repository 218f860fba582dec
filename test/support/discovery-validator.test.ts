import { describe, expect, it } from 'vitest';
import { violationsOf } from './discovery-validator.ts';

const CONTENTS = [{ role: 'user', parts: [{ text: 'x' }] }];

const violations = (
  body: object,
  api: 'aiplatform-v1' | 'generativelanguage-v1beta' = 'aiplatform-v1',
): string[] => violationsOf(api, 'GenerateContentRequest', { contents: CONTENTS, ...body });

describe('violationsOf', () => {
  it.each<[body: object]>([
    [{}],
    [{ labels: { a: 'b' } }],
    [
      {
        generationConfig: {
          temperature: 1,
          seed: -1,
          stopSequences: [],
          responseSchema: { type: 'string', maxItems: '3' },
        },
      },
    ],
    [{ safetySettings: [{ category: 'harm_category_harassment', threshold: 'OFF' }] }],
    [{ contents: [{ parts: [{ text: '', thoughtSignature: 'skip_thought_signature_validator' }] }] }],
  ])('finds nothing wrong with %j', (body) => {
    expect(violations(body)).toEqual([]);
  });

  it.each<[body: object, place: string]>([
    [{ lables: {} }, 'GenerateContentRequest.lables'],
    [{ system_instruction: { parts: [] } }, 'GenerateContentRequest.system_instruction'],
    [{ labels: { a: 1 } }, 'GenerateContentRequest.labels["a"]'],
    [{ labels: [] }, 'GenerateContentRequest.labels'],
    [{ contents: { parts: [] } }, 'GenerateContentRequest.contents'],
    [{ contents: ['x'] }, 'GenerateContentRequest.contents[0]'],
    [
      { contents: [{ parts: [{ text: 'a', inlineData: {} }] }] },
      'GenerateContentRequest.contents[0].parts[0]',
    ],
    [
      { contents: [{ parts: [{ inlineData: { data: '!' } }] }] },
      'GenerateContentRequest.contents[0].parts[0].inlineData.data',
    ],
    [{ contents: [{ parts: [{ text: undefined }] }] }, 'GenerateContentRequest.contents[0].parts[0].text'],
    [{ generationConfig: { seed: 2 ** 31 } }, 'GenerateContentRequest.generationConfig.seed'],
    [{ generationConfig: { seed: 1.5 } }, 'GenerateContentRequest.generationConfig.seed'],
    [{ generationConfig: { temperature: '1' } }, 'GenerateContentRequest.generationConfig.temperature'],
    [{ generationConfig: { temperature: 1e300 } }, 'GenerateContentRequest.generationConfig.temperature'],
    [
      { generationConfig: { responseSchema: { maxItems: 3 } } },
      'GenerateContentRequest.generationConfig.responseSchema.maxItems',
    ],
    [
      { generationConfig: { responseSchema: { type: 'TEXT' } } },
      'GenerateContentRequest.generationConfig.responseSchema.type',
    ],
    [
      { toolConfig: { functionCallingConfig: { mode: 1 } } },
      'GenerateContentRequest.toolConfig.functionCallingConfig.mode',
    ],
  ])('finds what is wrong with %j', (body, place) => {
    expect(violations(body).map((line) => line.slice(0, line.indexOf(': ')))).toEqual([place]);
  });

  it('knows what only one upstream knows', () => {
    expect(violations({ labels: {} }, 'generativelanguage-v1beta')).toHaveLength(1);
    expect(violations({ serviceTier: 'flex' })).toHaveLength(1);
    expect(violations({ serviceTier: 'flex' }, 'generativelanguage-v1beta')).toEqual([]);
  });
});
