/** Every recorded exchange with Gemini, played through the real server to OpenAI's client, whole and streamed. */
import OpenAI, { APIError } from 'openai';
import type { ChatCompletionCreateParamsBase } from 'openai/resources/chat/completions/completions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../src/wire/openai/response.ts';
import { GeminiServer, ROUTES } from '../support/gemini-server.ts';
import { ReplayUpstream } from '../support/replay-upstream.ts';
import { readChunks, readCompletion } from './read-answer.ts';
import {
  ANSWERED,
  type AnswerFacts,
  type ChatFields,
  isMadeOf,
  MALFORMED,
  RECORDED_CHATS,
  type RecordedChat,
  recordedFacts,
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

/** Call ids that the upstream did not give are made anew for each answer; a message has room for one signature. */
const withoutIds = ({ calls, signatures: _signatures, ...facts }: AnswerFacts): unknown => ({
  ...facts,
  calls: calls.map(({ id: _id, ...call }) => call),
});

/** The client's helper puts together what OpenAI's own streams hold, and no other fields. */
const inOpenAisOwnFields = ({ text, refusal, calls, finishReason, usage }: AnswerFacts): unknown => ({
  text,
  refusal,
  calls: calls.map(({ id, name, args }) => ({ id, name, args })),
  finishReason,
  usage,
});

describe('every recorded answer', () => {
  it('is played', () => {
    expect(ANSWERED.length + MALFORMED.length + REFUSED.length).toBe(RECORDED_CHATS.length);
    expect(ANSWERED.length).toBeGreaterThan(100);
    expect(MALFORMED).toHaveLength(2);
    expect(REFUSED.length).toBeGreaterThan(10);
  });

  it.each(ANSWERED)('$name', async (chat) => {
    const recorded = recordedFacts(chat);
    const whole = await askWhole(chat);
    const { facts: streamed, final } = await askStream(chat);

    expect(isMadeOf(whole.text, recorded.text)).toBe(true);
    expect(whole.thoughts).toBe(recorded.thoughts);
    expect(whole.calls.map(({ name, args }) => ({ name, args }))).toEqual(recorded.calls);
    expect(new Set(whole.calls.map(({ id }) => id)).size).toBe(recorded.calls.length);
    expect(whole.finishReason).toBe(recorded.finish);
    expect(whole.refusal === null).toBe(recorded.finish !== 'content_filter');
    expect(whole.images).toBe(recorded.media.length);
    expect(whole.hasLogprobs).toBe(chat.request.logprobs === true);
    expect(whole.usage).toEqual(
      recorded.usage ?? { prompt: 0, completion: 0, total: 0, cached: 0, reasoning: 0 },
    );

    expect(withoutIds(streamed)).toEqual(withoutIds(whole));
    expect(streamed.signatures).toEqual(recorded.signatures);
    expect(inOpenAisOwnFields(readCompletion(final))).toEqual(inOpenAisOwnFields(streamed));
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
    const { error } = chat.recording.body as {
      error: { code: number; message: string; details?: { reason?: string }[] };
    };
    const isWrongKey = error.details?.some(({ reason }) => reason === 'API_KEY_INVALID') === true;
    const failure = await failureOf(chat);
    expect(failure.status).toBe(isWrongKey ? 401 : chat.recording.status);
    expect(failure.message).toBe(`${failure.status} ${error.message.trim()}`);
    expect(failure.error).toMatchObject({ google: { code: error.code } });
    // Of all of these, only too many requests may pass by themselves.
    expect(upstream.requests).toHaveLength(chat.recording.status === 429 ? 3 : 1);
  });
});
