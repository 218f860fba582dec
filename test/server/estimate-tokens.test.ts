import { describe, expect, it } from 'vitest';
import { estimateTokens } from '../../src/server/estimate-tokens.ts';

/** 3 bytes a token: `role` and `content` are 4 and 7 bytes, `user` is 4. */
const ENVELOPE = 5;

const said = (content: unknown, fields: object = {}) => ({
  model: 'm',
  messages: [{ role: 'user', content }],
  ...fields,
});

describe('estimateTokens', () => {
  it.each<[name: string, body: unknown, prompt: number, completion: number | undefined, choices?: number]>([
    ['text', said('x'.repeat(30)), ENVELOPE + 10, undefined],
    ['text outside ASCII, by its bytes', said('漢'.repeat(10)), ENVELOPE + 10, undefined],
    ['max_tokens', said('', { max_tokens: 7 }), ENVELOPE, 7],
    ['max_completion_tokens first', said('', { max_tokens: 7, max_completion_tokens: 3 }), ENVELOPE, 3],
    ['every choice', said('', { max_tokens: 7, n: 4 }), ENVELOPE, 7, 4],
    ['tools', said('', { max_tokens: 1, tools: [{ type: 'x'.repeat(26) }] }), ENVELOPE + 10, 1],
    ['other fields for nothing', said('', { max_tokens: 1, metadata: { a: 'x'.repeat(300) } }), ENVELOPE, 1],
    ['no request at all', null, 0, undefined],
    ['nothing to read', {}, 0, undefined],
    ['fields of the wrong type', { messages: 3, max_tokens: 'x', n: null, tools: [true] }, 0, undefined],
    ['counts that are none', { max_tokens: -5, n: 0 }, 0, undefined],
  ])('counts %s', (_, body, promptTokens, completionTokens, choices = 1) => {
    expect(estimateTokens(body)).toEqual({ promptTokens, completionTokens, choices });
  });

  it.each([
    [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(90_000)}` } }],
    [{ type: 'image_url', image_url: { url: 'gs://bucket/picture.png' } }],
    [{ type: 'input_audio', input_audio: { data: 'A'.repeat(90_000), format: 'wav' } }],
    [{ type: 'file', file: { file_data: 'A'.repeat(90_000) } }],
  ])('counts a medium as one, not by its bytes: %#', (part) => {
    const { promptTokens } = estimateTokens(said([part]));
    expect(promptTokens).toBeGreaterThan(1000);
    expect(promptTokens).toBeLessThan(1050);
  });
});
