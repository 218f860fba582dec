import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../../src/translate/events/chat-event.ts';
import { call, choiceOf, decoded, message, stop } from './gemini-messages.ts';
import { foldOf, renderOptions, streamOf } from './render-fixture.ts';

/** Events without the frame every answer has. */
function eventsOf(messages: readonly unknown[]): ChatEvent[] {
  return decoded(messages)
    .batches.flat()
    .filter(({ type }) => type !== 'response-start' && type !== 'choice-finish');
}

describe('text, thoughts and signatures', () => {
  it('keeps every signature on its part, and the order', () => {
    expect(
      eventsOf([
        message([
          { text: 'Plan', thought: true, thoughtSignature: 's1' },
          { text: 'Say', thoughtSignature: 's2' },
          { text: '', thoughtSignature: 's3' },
          { thoughtSignature: 's4', thought: true },
          { ...call('f', { a: 1 }), thoughtSignature: 's5' },
          call('g'),
        ]),
      ]),
    ).toEqual([
      { type: 'thought-delta', choice: 0, text: 'Plan', extra: { thought_signature: 's1' } },
      { type: 'text-delta', choice: 0, text: 'Say', extra: { thought_signature: 's2' } },
      { type: 'signature', choice: 0, extra: { thought_signature: 's3' } },
      { type: 'signature', choice: 0, extra: { thought_signature: 's4' } },
      { type: 'tool-call-start', choice: 0, call: 0, name: 'f', extra: { thought_signature: 's5' } },
      { type: 'tool-arguments-delta', choice: 0, call: 0, delta: '{"a":1}' },
      { type: 'tool-call-end', choice: 0, call: 0 },
      { type: 'tool-call-start', choice: 0, call: 1, name: 'g' },
      { type: 'tool-arguments-delta', choice: 0, call: 1, delta: '{}' },
      { type: 'tool-call-end', choice: 0, call: 1 },
    ]);
  });

  it('thoughts never stand untagged in content when the client asked for tags (B9)', () => {
    const answer = [
      message([{ text: 'Simple ', thought: true }]),
      message([{ text: 'sum.', thought: true }, { text: '4' }], stop),
    ];
    const thoughts = { inContent: true, inReasoningContent: false, tag: 'think' };
    expect(choiceOf(answer, { thoughts }).message.content).toBe('<think>Simple sum.</think>4');
    expect(choiceOf(answer).message).toMatchObject({ content: '4', reasoning_content: 'Simple sum.' });
  });

  it('thinking that used up the limit leaves empty content (B11)', () => {
    const { batches } = decoded([
      {
        ...message([], { finishReason: 'MAX_TOKENS' }),
        usageMetadata: { promptTokenCount: 5, thoughtsTokenCount: 40, totalTokenCount: 45 },
      },
    ]);
    const { choices, usage } = foldOf(batches, renderOptions());
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '' } });
    expect(usage).toMatchObject({
      completion_tokens: 40,
      completion_tokens_details: { reasoning_tokens: 40 },
    });
  });
});

describe('media, code and parts without a place', () => {
  it('an image with a signature', () => {
    const { message: answer } = choiceOf([
      message([{ inlineData: { mimeType: 'image/png', data: 'AAAA' }, thoughtSignature: 's' }], stop),
    ]);
    expect(answer).toMatchObject({
      content: null,
      images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }],
      extra_content: { google: { thought_signature: 's' } },
    });
  });

  it.each([
    ['standard', 'a+/b', 'a+/b'],
    ['URL-safe', 'a-_b', 'a+/b'],
    ['without padding', 'YQ', 'YQ=='],
    ['URL-safe without padding', '-_8', '+/8='],
  ])('base64, %s', (_, data, standard) => {
    expect(eventsOf([message([{ inlineData: { mimeType: 'image/png', data } }])])).toEqual([
      { type: 'media-part', choice: 0, mimeType: 'image/png', data: standard },
    ]);
  });

  it.each<[string, object]>([
    ['data that is no base64', { inlineData: { mimeType: 'image/png', data: 'a b!' } }],
    ['base64 of an impossible length', { inlineData: { mimeType: 'image/png', data: 'abcde' } }],
    ['a server-side tool call', { toolCall: { id: 't', toolType: 'FILE_SEARCH' }, thoughtSignature: 's' }],
    ['a server-side tool response', { toolResponse: { id: 't', toolType: 'FILE_SEARCH' } }],
    ['a kind of part that is new', { hologram: { depth: 3 } }],
    ['a file', { fileData: { fileUri: 'gs://b/o', mimeType: 'video/mp4' } }],
  ])('%s is kept with the choice', (_, part) => {
    const { message: answer, extra_content: extra } = choiceOf([message([part, { text: 'ok' }], stop)]);
    expect(answer).toEqual({ role: 'assistant', content: 'ok', refusal: null });
    expect(extra).toEqual({ google: { parts: [part] } });
  });

  it.each([[{}], [{ thought: true }], [{ videoMetadata: { fps: 1 } }], [{ newer: null }]])(
    '%j leaves no trace',
    (part) => {
      expect(eventsOf([message([part])])).toEqual([]);
    },
  );

  it('drafts of images are thoughts, not answers', () => {
    const draft = {
      inlineData: { mimeType: 'image/png', data: 'AAAA' },
      thought: true,
      thoughtSignature: 's',
    };
    expect(eventsOf([message([draft])])).toEqual([
      { type: 'signature', choice: 0, extra: { thought_signature: 's' } },
    ]);
  });

  it.each<[string, object[], string]>([
    [
      'code and its output',
      [
        { text: 'Let me see.' },
        { executableCode: { language: 'PYTHON', code: 'print(1)\n' } },
        { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1\n' } },
        { text: 'One.' },
      ],
      'Let me see.\n```python\nprint(1)\n```\n```output\n1\n```\nOne.',
    ],
    ['code first', [{ executableCode: { language: 'PYTHON', code: 'x' } }], '```python\nx\n```\n'],
    ['behind a line end', [{ text: 'a\n' }, { executableCode: { code: 'x' } }], 'a\n```\nx\n```\n'],
    [
      'backticks inside',
      [{ executableCode: { language: 'PYTHON', code: 'print("```")' } }],
      '````python\nprint("```")\n````\n',
    ],
    [
      'a failure without output',
      [{ codeExecutionResult: { outcome: 'OUTCOME_FAILED' } }],
      '```output\nOUTCOME_FAILED\n```\n',
    ],
    ['success without output', [{ codeExecutionResult: { outcome: 'OUTCOME_OK' } }], '```output\n```\n'],
  ])('fenced blocks: %s', (_, parts, content) => {
    expect(choiceOf([message(parts, stop)]).message.content).toBe(content);
  });
});

/** A step of `logprobsResult`. */
function step(token: string, logProbability?: number): object {
  return { token, ...(logProbability === undefined ? {} : { logProbability }) };
}

/** Text and its log probabilities. */
function scored(tokens: readonly string[], ...parts: object[]): object {
  return message(parts, { logprobsResult: { chosenCandidates: tokens.map((token) => step(token, -0.5)) } });
}

describe('log probabilities (contract 9.5)', () => {
  it('tokens with their bytes and alternatives', () => {
    const native = message([{ text: 'é!' }], {
      ...stop,
      logprobsResult: {
        chosenCandidates: [step('é', -0.25), step('!')],
        topCandidates: [{ candidates: [step('é', -0.25), step('e', -2), step('E', -3)] }],
      },
    });
    expect(choiceOf([native], { topLogprobs: 2 }, { topLogprobs: 2 }).logprobs).toEqual({
      content: [
        {
          token: 'é',
          logprob: -0.25,
          bytes: [195, 169],
          top_logprobs: [
            { token: 'é', logprob: -0.25, bytes: [195, 169] },
            { token: 'e', logprob: -2, bytes: [101] },
          ],
        },
        { token: '!', logprob: 0, bytes: [33], top_logprobs: [] },
      ],
      refusal: null,
    });
  });

  it('null when not asked for', () => {
    expect(choiceOf([scored(['a'], { text: 'a' })]).logprobs).toBeNull();
  });

  it.each<[string, string[], string, string[]]>([
    ['only visible ones', ['It ', 'is'], 'It is', ['It ', 'is']],
    ['thoughts in front', ['Thin', 'king', 'It ', 'is'], 'It is', ['It ', 'is']],
    ['thoughts that look like the answer', ['It ', 'It ', 'is'], 'It is', ['It ', 'is']],
    ['a mark of the end', ['It ', 'is', '<end>'], 'It is', ['It ', 'is']],
    ['pieces of a character', ['It ', '\uFFFD', '\uFFFD', 'is'], 'It 😀is', ['It ', 'is']],
    ['nothing visible', ['Thin', 'king'], '', []],
  ])('%s', (_, tokens, text, visible) => {
    const answer = scored(tokens, { text: 'Thinking', thought: true }, { text });
    const { logprobs } = choiceOf([answer], { topLogprobs: 0 }, { topLogprobs: 0 });
    expect((logprobs?.content ?? []).map(({ token }) => token)).toEqual(visible);
  });

  it('in a stream they come with the text of their message', () => {
    const { batches } = decoded([scored(['a'], { text: 'a' }), scored(['b'], { text: 'b' })], {
      topLogprobs: 0,
    });
    const chunks = streamOf(batches, renderOptions({ topLogprobs: 0 }));
    expect(chunks.map(({ choices }) => choices[0]?.logprobs?.content[0]?.token)).toEqual([
      undefined,
      'a',
      'b',
      undefined,
    ]);
  });
});

describe('what Google says beyond OpenAI’s fields (contract 9.2)', () => {
  it('is with the choice, joined over the stream', () => {
    const { extra_content: extra } = choiceOf([
      message([{ text: 'a' }], {
        safetyRatings: [1],
        urlContextMetadata: { urlMetadata: [{ retrievedUrl: 'u1' }] },
        groundingMetadata: {},
        citationMetadata: { citations: [{ uri: 'c1' }] },
      }),
      message([{ text: 'b' }], {
        ...stop,
        safetyRatings: [2],
        urlContextMetadata: { urlMetadata: [{ retrievedUrl: 'u2' }] },
        citationMetadata: { citations: [{ uri: 'c2' }] },
        avgLogprobs: -0.5,
      }),
    ]);
    expect(extra?.google).toEqual({
      safety_ratings: [2],
      url_context_metadata: { urlMetadata: [{ retrievedUrl: 'u1' }, { retrievedUrl: 'u2' }] },
      citation_metadata: { citations: [{ uri: 'c1' }, { uri: 'c2' }] },
      avg_logprobs: -0.5,
    });
  });

  it('a member named __proto__ is a member like any other', () => {
    const metadata = JSON.parse('{"__proto__":{"polluted":true}}') as object;
    const { extra_content: extra } = choiceOf([
      message([{ text: 'a' }], { ...stop, groundingMetadata: metadata }),
    ]);
    expect(JSON.stringify(extra?.google?.['grounding_metadata'])).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
