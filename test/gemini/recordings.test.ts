/** Every recorded exchange with Gemini, played through the real server to OpenAI's client, whole and streamed. */
import OpenAI, { APIError } from 'openai';
import type { ChatCompletionCreateParamsBase } from 'openai/resources/chat/completions/completions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../src/wire/openai/response.ts';
import { GeminiServer, ROUTES } from '../support/gemini-server.ts';
import { ReplayUpstream } from '../support/replay-upstream.ts';
import { expectRecorded, expectSameInOpenAisFields, recordedFailure } from './expect-recorded.ts';
import { readChunks, readCompletion } from './read-answer.ts';
import {
  ANSWERED,
  type AnswerFacts,
  type ChatFields,
  MALFORMED,
  RECORDED_CHATS,
  type RecordedChat,
  REFUSED,
  replayByPrompt,
} from './recorded-chats.ts';

let upstream: ReplayUpstream;
let servers: Record<'vertex' | 'gemini', GeminiServer>;

beforeAll(async () => {
  upstream = await ReplayUpstream.start(replayByPrompt);
  servers = {
    vertex: await GeminiServer.start(upstream),
    gemini: await GeminiServer.start(upstream, { kind: 'gemini' }),
  };
});

afterAll(async () => {
  await Promise.all(Object.values(servers).map((server) => server[Symbol.asyncDispose]()));
  await upstream[Symbol.asyncDispose]();
});

function clientOf({ upstream: kind }: RecordedChat): OpenAI {
  return new OpenAI({
    baseURL: `${servers[kind].url}${ROUTES.plain}`,
    apiKey: 'a client key',
    maxRetries: 0,
  });
}

/** The client's types do not know `extra_body`. */
const typed = (request: ChatFields): Pick<ChatCompletionCreateParamsBase, 'model' | 'messages'> => request;

async function askWhole(chat: RecordedChat): Promise<AnswerFacts> {
  const completion: unknown = await clientOf(chat).chat.completions.create(typed(chat.request));
  return readCompletion(completion as ChatCompletion);
}

interface StreamedAnswer {
  facts: AnswerFacts;
  /** What the client's helper makes of the same stream. */
  final: ChatCompletion;
}

async function askStream(chat: RecordedChat): Promise<StreamedAnswer> {
  const stream = clientOf(chat).chat.completions.stream({
    ...typed(chat.request),
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks: ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk as unknown as ChatCompletionChunk);
  return {
    facts: readChunks(chunks),
    final: (await stream.finalChatCompletion()) as unknown as ChatCompletion,
  };
}

describe('every recorded answer', () => {
  it('is played', () => {
    expect(ANSWERED.length + MALFORMED.length + REFUSED.length).toBe(RECORDED_CHATS.length);
    expect(ANSWERED.length).toBeGreaterThan(100);
    expect(MALFORMED).toHaveLength(2);
    expect(REFUSED.length).toBeGreaterThan(10);
  });

  it.each(ANSWERED)('$name', async (chat) => {
    const whole = await askWhole(chat);
    const { facts: streamed, final } = await askStream(chat);
    expectRecorded(chat, { whole, streamed });
    expectSameInOpenAisFields(readCompletion(final), streamed);
    expect(upstream.refusals).toEqual([]);
  });
});

describe.each(['whole', 'streamed'])('a %s answer that cannot be given', (form) => {
  async function failureOf(chat: RecordedChat): Promise<APIError> {
    upstream.clear();
    const failure: unknown = await (form === 'whole' ? askWhole(chat) : askStream(chat)).catch(
      (error: unknown) => error,
    );
    if (failure instanceof APIError) return failure;
    throw new Error(`no error of the API: ${String(failure)}`);
  }

  it.each(MALFORMED)('$name: is asked for again, then a 502', async (chat) => {
    const { status, code } = await failureOf(chat);
    expect({ status, code }).toEqual({ status: 502, code: 'malformed_function_call' });
    expect(upstream.requests).toHaveLength(2);
  });

  it.each(REFUSED)('$name: is refused with what the recording says', async (chat) => {
    const { status, message, googleCode } = recordedFailure(chat);
    const failure = await failureOf(chat);
    expect(failure.status).toBe(status);
    expect(failure.message).toBe(`${status} ${message}`);
    expect(failure.error).toMatchObject({ google: { code: googleCode } });
    // Of all of these, only too many requests may pass by themselves.
    expect(upstream.requests).toHaveLength(chat.recording.status === 429 ? 3 : 1);
  });
});
