/** What the tests of the Gemini backend behind the server share. */
import { onTestFinished } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../src/wire/openai/response.ts';
import { answerAs, type UpstreamAnswer } from '../support/gemini-answers.ts';
import { GeminiServer, type GeminiServerOptions } from '../support/gemini-server.ts';
import { type Responder, ReplayUpstream, type UpstreamRequest } from '../support/replay-upstream.ts';
import { message, stop } from '../translate/events/gemini-messages.ts';

/** A server in front of an upstream, for one test. */
export async function startPair(
  options: GeminiServerOptions = {},
  respond?: Responder,
): Promise<{ upstream: ReplayUpstream; server: GeminiServer }> {
  const upstream = await ReplayUpstream.start(respond);
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  const server = await GeminiServer.start(upstream, options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { upstream, server };
}

export const usageMetadata = { promptTokenCount: 6, candidatesTokenCount: 4, totalTokenCount: 10 };

/** A message with text; the last one of an answer says STOP and counts tokens. */
export const text = (content: string): object => message([{ text: content }]);
export const last = (content: string): object => ({ ...message([{ text: content }], stop), usageMetadata });

/** An answer in the form the request asks for. */
export function saying(
  ...messages: readonly object[]
): (request: Pick<UpstreamRequest, 'method'>) => UpstreamAnswer {
  return ({ method }) => answerAs(method, messages);
}

/** A small request. */
export function chat(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { model: 'google/gemini-2.5-flash', messages: [{ role: 'user', content: 'Hi' }], ...fields };
}

export interface ErrorBody {
  error: {
    message: string;
    type: string;
    param: string | null;
    code: string;
    google?: { code?: number; status?: string; details?: unknown[] };
  };
}

/** An answer as it came, of either form. */
export interface ReadAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Of a whole answer. */
  readonly completion: ChatCompletion;
  /** Of a stream. */
  readonly chunks: readonly ChatCompletionChunk[];
  /** The first choice's content. */
  readonly content: string;
  readonly finishReason: string | null | undefined;
  /** The error, be it the body or an event of the stream. */
  readonly error: ErrorBody['error'] | undefined;
  /** Whether a stream ended with `[DONE]`. */
  readonly isDone: boolean;
}

export async function readAnswer(response: Response): Promise<ReadAnswer> {
  const { status, headers } = response;
  const body = await response.text();
  if (headers.get('content-type')?.startsWith('text/event-stream') !== true) {
    const parsed = JSON.parse(body) as ChatCompletion & Partial<ErrorBody>;
    return {
      status,
      headers,
      completion: parsed,
      chunks: [],
      content: parsed.choices?.[0]?.message.content ?? '',
      finishReason: parsed.choices?.[0]?.finish_reason,
      error: parsed.error,
      isDone: false,
    };
  }
  const events = body.split('\n\n').filter((event) => event.startsWith('data: '));
  const isDone = events.at(-1) === 'data: [DONE]';
  const parsed = (isDone ? events.slice(0, -1) : events).map(
    (event) => JSON.parse(event.slice('data: '.length)) as ChatCompletionChunk & Partial<ErrorBody>,
  );
  const chunks = parsed.filter(({ error }) => error === undefined);
  const choices = chunks.flatMap((chunk) => chunk.choices).filter(({ index }) => index === 0);
  return {
    status,
    headers,
    completion: {} as ChatCompletion,
    chunks,
    content: choices.map(({ delta }) => delta.content ?? '').join(''),
    finishReason: choices.at(-1)?.finish_reason,
    error: parsed.find(({ error }) => error !== undefined)?.error,
    isDone,
  };
}

/** Answers in both forms must hold the same; only their ways of failing differ. */
export const FORMS = [
  { form: 'whole', stream: false },
  { form: 'streamed', stream: true },
] as const;
