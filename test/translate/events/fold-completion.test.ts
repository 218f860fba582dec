import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../../src/translate/events/chat-event.ts';
import { BLOCKED_COMPLETION } from './blocked-prompt.ts';
import { foldOf, renderOptions, streamOf } from './render-fixture.ts';

/** What OpenAI's own client makes of the chunks. */
async function foldedByClient(chunks: readonly object[]): Promise<ReturnType<typeof foldOf>> {
  const lines = chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join('');
  const stream = ChatCompletionStream.fromReadableStream(new Blob([lines]).stream());
  return (await stream.finalChatCompletion()) as unknown as ReturnType<typeof foldOf>;
}

/** Without prototypes and parsed conveniences of the client. */
function normal(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, item: unknown) => (key === 'parsed_arguments' ? undefined : item)),
  );
}

describe('CompletionFold', () => {
  it('blocked prompt (contract 17.5)', () => {
    const batches: ChatEvent[][] = [
      [
        { type: 'response-start', id: 'r9', created: 1_779_051_164 },
        {
          type: 'choice-finish',
          choice: 0,
          reason: 'content_filter',
          refusal: 'Prompt blocked: PROHIBITED_CONTENT',
          extra: { google: { block_reason: 'PROHIBITED_CONTENT' } },
        },
        { type: 'usage-update', usage: { prompt: 12, answer: 0, total: 12 } },
      ],
    ];
    expect(foldOf(batches, renderOptions())).toEqual(BLOCKED_COMPLETION);
  });

  it.each<[string, Parameters<typeof renderOptions>[0], ChatEvent[], Record<string, unknown>]>([
    [
      'a call cut off by the limit is dropped',
      {},
      [
        { type: 'tool-call-start', choice: 0, call: 0, id: 'a', name: 'f' },
        { type: 'tool-arguments-delta', choice: 0, call: 0, delta: '{"x' },
        { type: 'choice-finish', choice: 0, reason: 'length' },
      ],
      { finish_reason: 'length', message: { role: 'assistant', content: '', refusal: null } },
    ],
    [
      'deprecated functions: one call, finish_reason function_call',
      { deprecatedFunctions: true },
      [0, 1].flatMap((call): ChatEvent[] => [
        { type: 'tool-call-start', choice: 0, call, name: `f${call}` },
        { type: 'tool-arguments-delta', choice: 0, call, delta: '{}' },
        { type: 'tool-call-end', choice: 0, call },
      ]),
      {
        finish_reason: 'function_call',
        message: {
          role: 'assistant',
          content: null,
          refusal: null,
          function_call: { name: 'f0', arguments: '{}' },
        },
      },
    ],
    [
      'custom tool: the input is unpacked',
      { customTools: new Set(['c']) },
      [
        { type: 'tool-call-start', choice: 0, call: 0, id: 'a', name: 'c' },
        { type: 'tool-arguments-delta', choice: 0, call: 0, delta: '{"input":"SELECT' },
        { type: 'tool-arguments-delta', choice: 0, call: 0, delta: ' 1"}' },
        { type: 'tool-call-end', choice: 0, call: 0 },
      ],
      {
        finish_reason: 'tool_calls',
        message: {
          role: 'assistant',
          content: null,
          refusal: null,
          tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'c', input: 'SELECT 1' } }],
        },
      },
    ],
    [
      'an image stands in audio, as on Vertex AI, and in images',
      {},
      [{ type: 'media-part', choice: 0, mimeType: 'image/png', data: 'AAAA' }],
      {
        finish_reason: 'stop',
        message: {
          role: 'assistant',
          content: null,
          refusal: null,
          images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }],
          audio: { data: 'AAAA', extra_content: { google: { mime_type: 'image/png' } } },
        },
      },
    ],
    [
      'pieces of audio with padding are joined by their bytes',
      {},
      [
        { type: 'media-part', choice: 0, mimeType: 'audio/L16;rate=24000', data: 'AQ==' },
        { type: 'media-part', choice: 0, mimeType: 'audio/L16;rate=24000', data: 'AgM=' },
      ],
      {
        finish_reason: 'stop',
        message: {
          role: 'assistant',
          content: null,
          refusal: null,
          audio: {
            id: 'audio_chatcmpl-1',
            data: 'AQID',
            expires_at: 1_779_054_764,
            transcript: '',
            extra_content: { google: { mime_type: 'audio/L16;rate=24000' } },
          },
        },
      },
    ],
    [
      'thinking that used up the limit leaves empty content (B11)',
      {},
      [
        { type: 'thought-delta', choice: 0, text: 'hm' },
        { type: 'choice-finish', choice: 0, reason: 'length' },
      ],
      {
        finish_reason: 'length',
        message: { role: 'assistant', content: '', refusal: null, reasoning_content: 'hm' },
      },
    ],
  ])('%s', (_, overrides, events, choice) => {
    expect(foldOf([events], renderOptions(overrides)).choices).toEqual([
      { index: 0, logprobs: null, ...choice },
    ]);
  });
});

const call = fc.integer({ min: 0, max: 2 });
const choice = fc.integer({ min: 0, max: 1 });
const event: fc.Arbitrary<ChatEvent> = fc.oneof(
  fc.record({ type: fc.constant('text-delta' as const), choice, text: fc.string({ maxLength: 8 }) }),
  fc.record({ type: fc.constant('thought-delta' as const), choice, text: fc.string({ maxLength: 8 }) }),
  fc.record({
    type: fc.constant('tool-call-start' as const),
    choice,
    call,
    name: fc.constantFrom('f', 'g'),
    id: fc.constant(''),
  }),
  fc.record({
    type: fc.constant('tool-arguments-delta' as const),
    choice,
    call,
    delta: fc.string({ maxLength: 4 }),
  }),
  fc.record({ type: fc.constant('tool-call-end' as const), choice, call }),
  fc.record({
    type: fc.constant('choice-finish' as const),
    choice,
    reason: fc.constantFrom('stop' as const, 'content_filter' as const),
  }),
  fc.record({
    type: fc.constant('signature' as const),
    choice,
    extra: fc.constant({ thought_signature: 's' }),
  }),
);

/** Makes any events a sequence a backend could send: a call starts once, and before its arguments. */
function legal(batches: ChatEvent[][]): ChatEvent[][] {
  const started = new Set<string>();
  const ended = new Set<string>();
  return batches.map((batch) =>
    batch.filter((item) => {
      if (!('call' in item)) return true;
      const key = `${item.choice}:${item.call}`;
      if (item.type === 'tool-call-start') return started.has(key) ? false : Boolean(started.add(key));
      if (!started.has(key) || ended.has(key)) return false;
      if (item.type === 'tool-call-end') ended.add(key);
      return true;
    }),
  );
}

describe('stream and fold agree, and the OpenAI client accepts every stream', () => {
  it.each([
    ['google with tag', { inContent: true, inReasoningContent: false, tag: 't' }, false],
    ['reasoning_content', { inContent: false, inReasoningContent: true }, false],
    ['both, JSON', { inContent: true, inReasoningContent: true }, true],
  ])('%s', async (_, thoughts, jsonOutput) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(event, { maxLength: 4 }), { maxLength: 8 }), async (drawn) => {
        const batches = legal(drawn);
        const chunks = streamOf(batches, renderOptions({ thoughts, jsonOutput }));
        const folded = foldOf(batches, renderOptions({ thoughts, jsonOutput }));
        const byClient = await foldedByClient(chunks);
        // A call that was cut off reaches a streaming client in part; the fold leaves it out.
        const complete = new Set(
          folded.choices.flatMap(({ message }) => (message.tool_calls ?? []).map(({ id }) => id)),
        );
        const summary = (completion: typeof folded): unknown =>
          completion.choices
            .toSorted((left, right) => left.index - right.index)
            .map(({ index, finish_reason: reason, message }) => [
              index,
              reason,
              message.content ?? '',
              (message.tool_calls ?? []).filter(({ id }) => complete.has(id)),
            ]);
        return isDeepStrictEqual(normal(summary(byClient)), normal(summary(folded)));
      }),
      { numRuns: 150 },
    );
  });
});
