import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../../src/translate/events/chat-event.ts';
import { renderThoughts } from '../../../src/translate/events/render-options.ts';
import { foldOf, renderOptions, streamOf } from './render-fixture.ts';

const text = (value: string, choice = 0): ChatEvent => ({ type: 'text-delta', choice, text: value });
const thought = (value: string): ChatEvent => ({ type: 'thought-delta', choice: 0, text: value });
const stop: ChatEvent = { type: 'choice-finish', choice: 0, reason: 'stop' };

const wholeCall = (index: number): ChatEvent[] => [
  { type: 'tool-call-start', choice: 0, call: index, id: `c${index}`, name: 'f' },
  { type: 'tool-call-end', choice: 0, call: index },
];

/** Contract 17.3: the delta, the finish reason and the usage of each chunk. */
function brief(batches: ChatEvent[][], options: ReturnType<typeof renderOptions>): unknown[] {
  return streamOf(batches, options).map(({ choices: [choice], usage }) => {
    const shown: Record<string, unknown> = {};
    if (choice !== undefined) Object.assign(shown, { D: choice.delta, F: choice.finish_reason });
    if (usage !== undefined) shown['usage'] = usage;
    return shown;
  });
}

describe('contract 17.3: one native stream, three renderings', () => {
  const batches: ChatEvent[][] = [
    [{ type: 'response-start' }, thought('Add.')],
    [text('It is ')],
    [text('4.'), stop, { type: 'usage-update', usage: { prompt: 6, thoughts: 20, answer: 4, total: 30 } }],
  ];
  const usage = {
    prompt_tokens: 6,
    completion_tokens: 24,
    total_tokens: 30,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 20 },
  };
  const flag = { extra_content: { google: { thought: true } } };
  const role = { role: 'assistant', content: '' };

  it('vertex, marker `think`, usage not asked', () => {
    const options = renderOptions({
      thoughts: renderThoughts({ family: 'vertex', marker: 'think', jsonOutput: false }),
      streamUsage: 'on-finish',
    });
    expect(brief(batches, options)).toEqual([
      { D: role, F: null },
      { D: { content: '<think>Add.', ...flag }, F: null },
      { D: { content: '</think>It is ' }, F: null },
      { D: { content: '4.' }, F: null },
      { D: {}, F: 'stop', usage },
    ]);
  });

  it('devapi, no marker, usage asked', () => {
    const options = renderOptions({
      thoughts: renderThoughts({ family: 'devapi', asked: true, jsonOutput: false }),
      streamUsage: 'own-chunk',
    });
    expect(brief(batches, options)).toEqual([
      { D: role, F: null, usage: null },
      { D: { content: '<thought>Add.', ...flag }, F: null, usage: null },
      { D: { content: '</thought>It is ' }, F: null, usage: null },
      { D: { content: '4.' }, F: null, usage: null },
      { D: {}, F: 'stop', usage: null },
      { usage },
    ]);
  });

  it('plain, usage asked', () => {
    const options = renderOptions({
      thoughts: renderThoughts({ family: 'plain', jsonOutput: false }),
      streamUsage: 'own-chunk',
    });
    expect(brief(batches, options).map((chunk) => (chunk as { D?: unknown }).D)).toEqual([
      role,
      { reasoning_content: 'Add.' },
      { content: 'It is ' },
      { content: '4.' },
      {},
      undefined,
    ]);
  });

  it('usage.mode google leaves thoughts out of completion_tokens', () => {
    expect(foldOf(batches, renderOptions({ usageMode: 'google' })).usage).toMatchObject({
      completion_tokens: 4,
      total_tokens: 30,
    });
  });

  it('closes the tag before a call', () => {
    const options = renderOptions({ thoughts: { inContent: true, inReasoningContent: false, tag: 'think' } });
    const calls: ChatEvent[] = [
      { type: 'tool-call-start', choice: 0, call: 0, name: 'f' },
      { type: 'tool-arguments-delta', choice: 0, call: 0, delta: '{"a":1}' },
      { type: 'tool-call-end', choice: 0, call: 0 },
      stop,
    ];
    expect(brief([[thought('Add.')], calls], options)).toEqual([
      { D: role, F: null },
      { D: { content: '<think>Add.', ...flag }, F: null },
      { D: { content: '</think>' }, F: null },
      {
        D: {
          tool_calls: [
            { index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
          ],
        },
        F: null,
      },
      { D: {}, F: 'tool_calls' },
    ]);
  });
});

describe('ChunkAssembler', () => {
  it('gives parallel calls of one message one delta, with indices that are never reused', () => {
    const chunks = streamOf([[...wholeCall(0), ...wholeCall(1)], wholeCall(2), [stop]], renderOptions());
    const calls = chunks.map((chunk) =>
      chunk.choices[0]?.delta.tool_calls?.map(({ index, id }) => [index, id]),
    );
    expect(calls).toEqual([
      undefined,
      [
        [0, 'c0'],
        [1, 'c1'],
      ],
      [[2, 'c2']],
      undefined,
    ]);
    expect(
      chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []).map((c) => c.function?.arguments),
    ).toEqual(['{}', '{}', '{}']);
  });

  it('parallel_tool_calls false passes on the first call only', () => {
    const options = renderOptions({ parallelToolCalls: false });
    const batches: ChatEvent[][] = [0, 1].map((call) => [
      { type: 'tool-call-start', choice: 0, call, id: `c${call}`, name: 'f' },
      { type: 'tool-arguments-delta', choice: 0, call, delta: '{}' },
      { type: 'tool-call-end', choice: 0, call },
    ]);
    expect(foldOf(batches, options).choices[0]?.message.tool_calls?.map(({ id }) => id)).toEqual(['c0']);
    expect(streamOf(batches, options).flatMap((c) => c.choices[0]?.delta.tool_calls ?? [])).toHaveLength(1);
  });

  it('an early stop does not end the stream, and the finish comes last', () => {
    const chunks = streamOf([[text('a'), stop], [text('b')]], renderOptions());
    expect(chunks.map(({ choices: [choice] }) => choice?.delta.content ?? choice?.finish_reason)).toEqual([
      '',
      'a',
      'b',
      'stop',
    ]);
  });

  it('keeps choices apart, each with its own role and finish', () => {
    const batches = [
      [text('a', 0), text('x', 1)],
      [text('b', 0)],
      [stop, { ...stop, choice: 1, reason: 'length' as const }],
    ];
    const chunks = streamOf(batches, renderOptions());
    for (const index of [0, 1]) {
      const mine = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      expect(mine[0]?.delta).toEqual({ role: 'assistant', content: '' });
      expect(mine.at(-1)?.finish_reason).toBe(index === 0 ? 'stop' : 'length');
      expect(mine.filter(({ finish_reason: reason }) => reason !== null)).toHaveLength(1);
    }
    expect(foldOf(batches, renderOptions()).choices.map(({ message }) => message.content)).toEqual([
      'ab',
      'x',
    ]);
  });

  it('every chunk repeats id, created and model; the upstream names the id', () => {
    const chunks = streamOf([[{ type: 'response-start', id: 'r9', created: 7 }, text('a')]], renderOptions());
    expect(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`))).toEqual(
      new Set(['r9 7 google/gemini-2.5-flash']),
    );
  });

  it('a signature without text is a delta without content', () => {
    const chunks = streamOf(
      [[{ type: 'signature', choice: 0, extra: { thought_signature: 'Q3Mx' } }]],
      renderOptions(),
    );
    expect(chunks[1]?.choices[0]?.delta).toEqual({
      extra_content: { google: { thought_signature: 'Q3Mx' } },
    });
  });

  it('an empty stream is still a complete answer', () => {
    expect(brief([], renderOptions())).toEqual([
      { D: { role: 'assistant', content: '' }, F: null },
      { D: {}, F: 'stop' },
    ]);
    expect(foldOf([], renderOptions()).choices[0]?.message).toEqual({
      role: 'assistant',
      content: '',
      refusal: null,
    });
  });
});
