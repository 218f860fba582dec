import { describe, expect, it } from 'vitest';
import { decoded, message, stop } from './gemini-messages.ts';
import { foldOf, renderOptions, streamOf } from './render-fixture.ts';

describe('usage (contract 9.8)', () => {
  it('completion tokens hold the thoughts, and all adds up (B17)', () => {
    const { batches } = decoded([
      {
        ...message([{ text: 'a' }], stop),
        usageMetadata: {
          promptTokenCount: 10,
          candidatesTokenCount: 4,
          thoughtsTokenCount: 20,
          toolUsePromptTokenCount: 3,
          cachedContentTokenCount: 6,
          totalTokenCount: 37,
          promptTokensDetails: [
            { modality: 'TEXT', tokenCount: 7 },
            { modality: 'IMAGE', tokenCount: 3 },
            { modality: 'NEW', tokenCount: 9 },
          ],
          candidatesTokensDetails: [
            { modality: 'TEXT', tokenCount: 3 },
            { modality: 'TEXT', tokenCount: 1 },
          ],
          trafficType: 'ON_DEMAND',
        },
      },
    ]);
    const usage = {
      prompt_tokens: 13,
      completion_tokens: 24,
      total_tokens: 37,
      prompt_tokens_details: { cached_tokens: 6, text_tokens: 7, image_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 20, text_tokens: 4 },
      extra_properties: { google: { traffic_type: 'ON_DEMAND' } },
    };
    expect(foldOf(batches, renderOptions()).usage).toEqual(usage);
    expect(foldOf(batches, renderOptions({ usageMode: 'google' })).usage).toEqual({
      ...usage,
      completion_tokens: 4,
    });
  });

  it('a message with nothing but the traffic type erases no counts', () => {
    const traffic = { usageMetadata: { trafficType: 'ON_DEMAND' } };
    const counts = { usageMetadata: { promptTokenCount: 2, candidatesTokenCount: 3, totalTokenCount: 5 } };
    for (const order of [
      [traffic, counts, traffic],
      [counts, traffic],
      [traffic, counts],
    ]) {
      const { usage } = foldOf(decoded(order).batches, renderOptions());
      expect(usage).toMatchObject({
        total_tokens: 5,
        extra_properties: { google: { traffic_type: 'ON_DEMAND' } },
      });
    }
  });

  it('a count that is missing is 0, also when an earlier message had it', () => {
    const { batches } = decoded([
      { usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 21, totalTokenCount: 30 } },
      { usageMetadata: { promptTokenCount: 87, thoughtsTokenCount: 78, totalTokenCount: 165 } },
    ]);
    expect(foldOf(batches, renderOptions()).usage).toMatchObject({
      completion_tokens: 78,
      total_tokens: 165,
    });
  });

  it('is on one chunk only, whatever the upstream repeats (B22)', () => {
    const messages = ['a', 'b', 'c'].map((text, index) => ({
      candidates: [{ content: { parts: [{ text }] } }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: index + 1, totalTokenCount: index + 2 },
    }));
    const { batches } = decoded(messages);
    for (const [streamUsage, reported] of [
      ['own-chunk', [4]],
      ['on-finish', [4]],
      ['none', []],
    ] as const) {
      const chunks = streamOf(batches, renderOptions({ streamUsage }));
      expect(chunks.flatMap(({ usage }) => (usage == null ? [] : [usage.total_tokens]))).toEqual(reported);
    }
  });

  it('a blocked prompt has whole usage (B4)', () => {
    const { usage } = foldOf(
      decoded([
        {
          promptFeedback: { blockReason: 'OTHER' },
          usageMetadata: { promptTokenCount: 7, totalTokenCount: 7 },
        },
      ]).batches,
      renderOptions(),
    );
    expect(usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 });
  });
});
