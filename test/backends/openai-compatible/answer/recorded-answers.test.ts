import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import {
  completionBytes,
  readCompletion,
} from '../../../../src/backends/openai-compatible/answer/whole-answer.ts';
import { editAnswer } from '../../../../src/backends/openai-compatible/answer/answer-edits.ts';
import type { JsonObject } from '../../../../src/wire/validation/structure-checks.ts';
import { piecesOf } from '../../../wire/sse/pieces.ts';
import { COMPLETIONS, type RecordedStream, STREAMS } from './recorded-answers.ts';
import { chunksOf, editedValue } from './reference-edits.ts';
import { relay } from './relay.ts';

const DONE = 'data: [DONE]\n\n';
const OTHER = 'my "größe"/model';

/** A generator of numbers that is the same in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Streams that end without a finish reason get one. */
const UNFINISHED = 'tgi/stream-toolcall-llama-3.1-8b-instruct-01';

function modelOf({ sse }: RecordedStream): string {
  return String(chunksOf(sse)[0]?.['model']);
}

/** The recorded stream by value, as a client is to see it. */
function expectedChunks({ name, sse }: RecordedStream, asked: string): JsonObject[] {
  const chunks = chunksOf(sse).map((chunk) => editedValue(chunk, asked));
  if (name !== UNFINISHED) return chunks;
  const { id, object, created, model } = chunks.at(-1) as JsonObject;
  const choices = [{ index: 0, delta: {}, finish_reason: 'tool_calls' }];
  return [...chunks, { id, object, created, model, choices }];
}

describe('every recorded stream', () => {
  it('is here', () => {
    expect(STREAMS.length).toBeGreaterThanOrEqual(12);
    expect(new Set(STREAMS.map(({ name }) => name.split('/')[0]))).toEqual(
      new Set(['hf-router', 'llamacpp', 'ollama', 'openai-like-hosted', 'tgi', 'vllm']),
    );
  });

  it.each(STREAMS)(
    '$name: with the server’s own model name, bytes stay but for what is added',
    (recording) => {
      const { text, failure, editor } = relay(recording.sse, { asked: modelOf(recording) });
      expect(failure).toBeUndefined();
      expect(editor).toMatchObject({ isDone: true, hasBegun: true, model: modelOf(recording) });
      expect(chunksOf(text)).toEqual(expectedChunks(recording, modelOf(recording)));
      const untouched = text
        .replaceAll(/,"reasoning_content":"(?:[^"\\]|\\.)*"(?=\})/g, '')
        .replace(/data: [^\n]*"delta":\{\},"finish_reason":"tool_calls"\}\]\}\n\n$/, (last) =>
          recording.name === UNFINISHED ? '' : last,
        );
      const sent = recording.sse.replaceAll(/,"reasoning_content":"(?:[^"\\]|\\.)*"(?=\})/g, '');
      expect(untouched + DONE).toBe(sent);
    },
  );

  it.each(STREAMS)('$name: with no model name, nothing is exchanged', (recording) => {
    expect(relay(recording.sse).text).toBe(relay(recording.sse, { asked: modelOf(recording) }).text);
  });

  it.each(STREAMS)('$name: with another model name, nothing else changes', (recording) => {
    const { text, failure, editor } = relay(recording.sse, { asked: OTHER });
    expect(failure).toBeUndefined();
    expect(editor.model).toBe(modelOf(recording));
    expect(chunksOf(text)).toEqual(expectedChunks(recording, OTHER));
    const own = `"model":${JSON.stringify(modelOf(recording))}`;
    const wanted = `"model":${JSON.stringify(OTHER)}`;
    const isInside = text.includes(own);
    expect(isInside).toBe(recording.sse.includes('__verbose'));
    // The bytes around the name are the same.
    expect(text.replaceAll(wanted, own)).toBe(relay(recording.sse).text);
  });

  it.each(STREAMS)('$name: a watched stream is the same, and every chunk is seen', (recording) => {
    const seen: JsonObject[] = [];
    const { text } = relay(recording.sse, {
      asked: OTHER,
      watch: (chunk) => {
        seen.push(chunk);
      },
    });
    expect(text).toBe(relay(recording.sse, { asked: OTHER }).text);
    expect(seen).toEqual(chunksOf(recording.sse));
  });

  it.each(STREAMS)('$name: cut anywhere, it is the same stream, event by event', ({ sse }) => {
    const bytes = Buffer.from(sse);
    const random = seeded(bytes.length);
    const divisions = [
      // Every byte is a matter of a long test.
      ...Array.from({ length: 100 }, () => piecesOf(bytes, [random(bytes.length)])),
      ...Array.from({ length: 24 }, (_, at) => piecesOf(bytes, [bytes.length - at])),
      ...Array.from({ length: 8 }, () =>
        piecesOf(
          bytes,
          Array.from({ length: 1 + random(80) }, () => random(bytes.length)),
        ),
      ),
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
    ];
    const whole = relay(sse, { asked: OTHER }).text;
    const isSame = (pieces: Uint8Array[]): boolean => {
      const { text, parts, failure } = relay(pieces, { asked: OTHER });
      return (
        failure === undefined && text === whole && parts.every((part) => part === '' || part.endsWith('\n\n'))
      );
    };
    expect(divisions.findIndex((pieces) => !isSame(pieces))).toBe(-1);
  });

  it.each(STREAMS)('$name: OpenAI’s client reads it', async (recording) => {
    const { text } = relay(recording.sse, { asked: OTHER });
    const read = await readByClient(text + DONE);
    expect(read).toEqual(saidIn(chunksOf(recording.sse)));
  });

  it.each(STREAMS)('$name: tells the token counts', (recording) => {
    const counts = chunksOf(recording.sse).findLast(({ usage }) => usage != null)?.['usage'];
    const { prompt_tokens, completion_tokens, total_tokens } = (counts ?? {}) as Record<string, number>;
    const expected = counts === undefined ? undefined : { prompt_tokens, completion_tokens, total_tokens };
    expect(relay(recording.sse).editor.usage()).toEqual(expected);
  });
});

interface Said {
  content: string;
  reasoning: string;
  calls: { id: string; name: string; arguments: string }[];
  reason: unknown;
}

/** What OpenAI’s client makes of a stream. */
async function readByClient(stream: string): Promise<Said> {
  const client = new OpenAI({
    apiKey: 'key',
    baseURL: 'http://relay.invalid/v1',
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(stream, { headers: { 'content-type': 'text/event-stream' } })),
  });
  const chunks: JsonObject[] = [];
  const events = await client.chat.completions.create({ model: OTHER, messages: [], stream: true });
  for await (const chunk of events) chunks.push(chunk as unknown as JsonObject);
  expect(new Set(chunks.map(({ model }) => model))).toEqual(new Set([OTHER]));
  return saidIn(chunks);
}

interface RawChoice {
  delta?: {
    content?: string | null;
    reasoning?: string;
    reasoning_content?: string;
    tool_calls?:
      | { index: number; id?: string | null; function: { name?: string | null; arguments: string } }[]
      | null;
  };
  finish_reason?: string | null;
}

/** What chunks say, their deltas put together by hand. */
function saidIn(chunks: readonly JsonObject[]): Said {
  const said: Said = { content: '', reasoning: '', calls: [], reason: undefined };
  for (const chunk of chunks) {
    const [choice] = chunk['choices'] as RawChoice[];
    said.content += choice?.delta?.content ?? '';
    said.reasoning += choice?.delta?.reasoning_content ?? choice?.delta?.reasoning ?? '';
    for (const { index, id, function: called } of choice?.delta?.tool_calls ?? []) {
      const call = (said.calls[index] ??= { id: '', name: '', arguments: '' });
      call.id = id ?? call.id;
      call.name += called.name ?? '';
      call.arguments += called.arguments;
    }
    said.reason = choice?.finish_reason ?? said.reason;
  }
  said.reason ??= 'tool_calls';
  return said;
}

describe('every recorded completion', () => {
  /** The body in several spellings; the recordings do not keep white space. */
  const SPELLINGS: Record<string, (body: JsonObject) => string> = {
    'on one line': (body) => JSON.stringify(body),
    indented: (body) => JSON.stringify(body, undefined, 2),
    'with CR LF and spaces': (body) =>
      ` \r\n${JSON.stringify(body, undefined, '\t').replaceAll('\n', '\r\n')}\n`,
  };
  const CASES = COMPLETIONS.flatMap((recording) =>
    Object.entries(SPELLINGS).map(([spelling, spell]) => ({
      name: recording.name,
      spelling,
      body: recording.body,
      text: spell(recording.body),
    })),
  );

  it('is here', () => {
    expect(COMPLETIONS.length).toBeGreaterThanOrEqual(20);
  });

  it.each(CASES)('$name, $spelling: bytes stay but for what is added', ({ body, text }) => {
    const bytes = Buffer.from(text);
    const completion = readCompletion(bytes, 'mine');
    const sent = completionBytes(completion, String(body['model']));
    const expected = editedValue(body, undefined);
    expect(JSON.parse(sent.toString())).toEqual(expected);
    const isSame = JSON.stringify(expected) === JSON.stringify(body);
    expect(sent === bytes).toBe(isSame);
    // What is added stands at the end of an object, or in place of a null.
    const withoutCopies = sent.toString().replaceAll(/,"reasoning_content":"(?:[^"\\]|\\.)*"(?=\s*\})/g, '');
    expect([text, text.replaceAll(/,"reasoning_content":"(?:[^"\\]|\\.)*"(?=\s*\})/g, '')]).toContain(
      withoutCopies,
    );
  });

  it.each(CASES)('$name, $spelling: with another model name, nothing else changes', ({ body, text }) => {
    const completion = readCompletion(Buffer.from(text), 'mine');
    const sent = completionBytes(completion, OTHER).toString();
    expect(JSON.parse(sent)).toEqual(editedValue(body, OTHER));
    const own = editAnswer(completion, undefined);
    expect(sent.replace(JSON.stringify(OTHER), () => JSON.stringify(body['model']))).toBe(own);
  });
});
