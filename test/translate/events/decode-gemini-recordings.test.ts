import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../../src/translate/events/chat-event.ts';
import { GeminiDecoder } from '../../../src/translate/events/decode-gemini.ts';
import type { ChatCompletion, ChatCompletionChunk } from '../../../src/wire/openai/response.ts';
import { inPieces, piecesOf } from '../../wire/sse/pieces.ts';
import {
  bytesOf,
  factsOf,
  framesOf,
  isMadeOf,
  messagesOf,
  type Recording,
  RECORDINGS,
} from './gemini-recordings.ts';
import { foldOf, renderOptions, streamOf } from './render-fixture.ts';

const ANSWERS = RECORDINGS.filter(({ status }) => status === 200);
const STREAMS = ANSWERS.filter(({ kind }) => kind !== 'unary');

function parsedMessages(recording: Recording): unknown[] {
  if (recording.kind === 'unary') return [recording.body];
  return (messagesOf(recording, [bytesOf(recording)]) ?? []).map((text): unknown => JSON.parse(text));
}

interface Decoded {
  batches: ChatEvent[][];
  decoder: GeminiDecoder;
}

function decode(recording: Recording): Decoded {
  const decoder = new GeminiDecoder({ topLogprobs: 2 });
  const batches = parsedMessages(recording).map((message) => decoder.push(message));
  batches.push(decoder.end(true));
  return { batches, decoder };
}

/** A generator of numbers that is the same in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const MAX_CUTS = 400;

/** Every byte of a short stream, as many random bytes of a long one. */
function cutsOf(length: number): number[] {
  if (length <= MAX_CUTS) return Array.from({ length }, (_, at) => at);
  const random = seeded(length);
  return Array.from({ length: MAX_CUTS }, () => random(length));
}

const isMalformed = (recording: Recording): boolean => /malformed|unexpected/.test(recording.name);

describe('every recorded answer', () => {
  it('is here', () => {
    expect(ANSWERS.length).toBeGreaterThan(100);
    expect(new Set(ANSWERS.map(({ kind }) => kind))).toEqual(new Set(['unary', 'stream', 'streamarray']));
  });

  it.each(ANSWERS)(
    '$name: text, thoughts, calls, media and usage are what the recording says',
    (recording) => {
      const { batches, decoder } = decode(recording);
      const { usage, ...completion } = foldOf(batches, renderOptions());
      const facts = factsOf(recording);
      const message = completion.choices[0]?.message;
      expect(isMadeOf(message?.content ?? '', facts.text)).toBe(true);
      expect(message?.reasoning_content ?? '').toBe(facts.thoughts);
      const calls = (message?.tool_calls ?? []).map((call) =>
        call.type === 'function'
          ? { name: call.function.name, args: JSON.parse(call.function.arguments) as unknown }
          : call,
      );
      expect(calls).toEqual(isMalformed(recording) ? [] : facts.calls);
      expect((message?.images ?? []).map(({ image_url: { url } }) => url.replace(/.*,/, ''))).toEqual(
        facts.media,
      );
      expect({
        prompt: usage.prompt_tokens,
        completion: usage.completion_tokens,
        total: usage.total_tokens,
        cached: usage.prompt_tokens_details.cached_tokens,
        reasoning: usage.completion_tokens_details.reasoning_tokens,
      }).toEqual(facts.usage ?? { prompt: 0, completion: 0, total: 0, cached: 0, reasoning: 0 });
      expect(usage.prompt_tokens + usage.completion_tokens).toBe(usage.total_tokens);
      expect(decoder.outcome?.kind).toBe(isMalformed(recording) ? 'malformed' : 'complete');
    },
  );

  it.each(ANSWERS.filter((recording) => !isMalformed(recording)))(
    '$name: every signature arrives, in order',
    (recording) => {
      const options = renderOptions();
      const chunks = streamOf(decode(recording).batches, options);
      const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
      const inDeltas = deltas.flatMap(({ extra_content: own, tool_calls: calls = [] }) =>
        [own, ...calls.map((call) => call.extra_content)].map((extra) => extra?.google?.thought_signature),
      );
      const kept = chunks.flatMap(({ choices }) =>
        choices.map((choice) => choice.extra_content?.google?.['parts'] ?? []),
      );
      const inParts = (kept.flat() as { thoughtSignature?: string }[]).map(
        ({ thoughtSignature }) => thoughtSignature,
      );
      const { signatures } = factsOf(recording);
      // Parts of tools that ran on the server are handed over at the end; they come before the rest of the answer.
      expect([...inParts, ...inDeltas].filter((signature) => signature !== undefined)).toEqual(signatures);
    },
  );

  it.each(ANSWERS)('$name: ends as the recording says', (recording) => {
    const { finishReason, calls } = factsOf(recording);
    const [choice] = foldOf(decode(recording).batches, renderOptions()).choices;
    // A prompt that was blocked has no finish reason at all.
    const isBlocked =
      finishReason === undefined || finishReason === 'SAFETY' || finishReason === 'MODEL_ARMOR';
    const ordinary = calls.length > 0 && !isMalformed(recording) ? 'tool_calls' : 'stop';
    const expected = finishReason === 'MAX_TOKENS' ? 'length' : isBlocked ? 'content_filter' : ordinary;
    expect(choice?.finish_reason).toBe(expected);
    expect(/^(?:Prompt|Response) blocked: [A-Z_]+/.test(choice?.message.refusal ?? '')).toBe(isBlocked);
    const isPlain = ['STOP', 'MAX_TOKENS', 1, undefined].includes(finishReason as string);
    expect(choice?.extra_content?.google?.['finish_reason']).toBe(isPlain ? undefined : finishReason);
  });

  it.each(ANSWERS)('$name: OpenAI’s client makes the same of the stream as the fold', async (recording) => {
    for (const options of [
      renderOptions({ streamUsage: 'own-chunk', topLogprobs: 2 }),
      renderOptions({
        thoughts: { inContent: true, inReasoningContent: false, tag: 'think' },
        topLogprobs: 2,
      }),
    ]) {
      const { batches } = decode(recording);
      const folded = foldOf(batches, { ...options, newCallId: numbered() });
      const byClient = await foldedByClient(streamOf(batches, { ...options, newCallId: numbered() }));
      expect(summary(byClient)).toEqual(summary(folded));
    }
  });
});

describe('every recorded stream', () => {
  it.each(STREAMS)('$name: cut anywhere, it holds the same messages', (recording) => {
    const bytes = bytesOf(recording);
    const whole = messagesOf(recording, [bytes]);
    expect(whole?.map((text): unknown => JSON.parse(text))).toEqual(framesOf(recording));
    const random = seeded(1);
    const divisions = [
      inPieces(bytes, 1),
      ...cutsOf(bytes.length).map((cut) => piecesOf(bytes, [cut])),
      ...Array.from({ length: 5 }, () => {
        const cuts = Array.from({ length: 1 + random(60) }, () => random(bytes.length));
        return piecesOf(bytes, cuts);
      }),
    ];
    const isWhole = (chunks: readonly Uint8Array[]): boolean =>
      messagesOf(recording, chunks)?.join('\n') === whole?.join('\n');
    expect(divisions.findIndex((chunks) => !isWhole(chunks))).toBe(-1);
  });

  it.each(STREAMS)('$name: in one message it is the same answer', (recording) => {
    const decoder = new GeminiDecoder();
    // All events in one batch: nothing may depend on where a batch ends.
    const batch = [
      ...parsedMessages(recording).flatMap((message) => decoder.push(message)),
      ...decoder.end(true),
    ];
    expect(foldOf([batch], renderOptions())).toEqual(foldOf(decode(recording).batches, renderOptions()));
  });
});

function numbered(): () => string {
  let calls = 0;
  return () => `call_${++calls}`;
}

async function foldedByClient(chunks: readonly ChatCompletionChunk[]): Promise<ChatCompletion> {
  const lines = chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join('');
  const stream = ChatCompletionStream.fromReadableStream(new Blob([lines]).stream());
  return (await stream.finalChatCompletion()) as unknown as ChatCompletion;
}

/** What both ways of answering must agree in, without the client's parsed conveniences. */
function summary({ id, created, choices }: ChatCompletion): unknown {
  const shown = choices.map(({ index, finish_reason: reason, message, logprobs }) => [
    index,
    reason,
    message.content ?? '',
    message.refusal ?? null,
    message.tool_calls ?? [],
    logprobs?.content ?? [],
  ]);
  return JSON.parse(
    JSON.stringify({ id, created, shown }, (key, value: unknown) =>
      key === 'parsed_arguments' ? undefined : value,
    ),
  );
}
