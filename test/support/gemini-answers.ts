/** What Gemini, or something in front of it, may answer: good answers, errors in every form, and broken ones. */
import type { Recording } from '../translate/events/gemini-recordings.ts';
import { framesOf } from '../translate/events/gemini-recordings.ts';

/** `reset` breaks the connection; `hang` sends nothing more until the other side leaves. */
export type AnswerStep =
  | { readonly bytes: Uint8Array }
  | { readonly until: () => Promise<unknown> }
  | 'reset'
  | 'hang';

export interface UpstreamAnswer {
  readonly status: number;
  /** One of a list is sent once for each. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Before the head of the response. */
  readonly before?: readonly AnswerStep[];
  /** Each piece of bytes is sent on its own; without `reset` or `hang` the response ends as a whole. */
  readonly steps: Iterable<AnswerStep>;
}

export type GeminiMethod = 'generateContent' | 'streamGenerateContent';

const bytes = (text: string): AnswerStep => ({ bytes: Buffer.from(text) });

/** One whole message. */
export function wholeAnswer(message: unknown): UpstreamAnswer {
  return bodyAnswer(200, JSON.stringify(message), { 'content-type': 'application/json; charset=UTF-8' });
}

/** Messages as server-sent events, each sent on its own and made when its turn comes. */
export function streamedAnswer(messages: Iterable<unknown>): UpstreamAnswer {
  return { status: 200, headers: { 'content-type': 'text/event-stream' }, steps: eventsOf(messages) };
}

function* eventsOf(messages: Iterable<unknown>): Generator<AnswerStep> {
  for (const message of messages) yield bytes(`data: ${JSON.stringify(message)}\r\n\r\n`);
}

/** Messages in the form a method answers in. */
export function answerAs(method: GeminiMethod, messages: readonly unknown[]): UpstreamAnswer {
  return method === 'streamGenerateContent' ? streamedAnswer(messages) : wholeAnswer(joinMessages(messages));
}

/** Any body, such as an error. */
export function bodyAnswer(
  status: number,
  body: string,
  headers: UpstreamAnswer['headers'] = {},
): UpstreamAnswer {
  return { status, headers, steps: body === '' ? [] : [bytes(body)] };
}

export interface GoogleErrorFields {
  readonly code: number;
  readonly status: string;
  readonly message: string;
  readonly details?: readonly unknown[];
}

/** Google's error, as Gemini sends it. */
export function errorAnswer(
  error: GoogleErrorFields,
  headers: Readonly<Record<string, string>> = {},
): UpstreamAnswer {
  return bodyAnswer(error.code, JSON.stringify({ error }), {
    'content-type': 'application/json; charset=UTF-8',
    ...headers,
  });
}

/** Breaks the connection instead of answering. */
export const RESET: UpstreamAnswer = { status: 200, headers: {}, before: ['reset'], steps: [] };
/** Says nothing at all. */
export const HANG: UpstreamAnswer = { status: 200, headers: {}, before: ['hang'], steps: [] };

/** The connection breaks after this many bytes of the body. */
export function cutAtByte(answer: UpstreamAnswer, length: number): UpstreamAnswer {
  const pieces: Uint8Array[] = [];
  for (const step of answer.steps) if (typeof step === 'object' && 'bytes' in step) pieces.push(step.bytes);
  return { ...answer, steps: [{ bytes: Buffer.concat(pieces).subarray(0, length) }, 'reset'] };
}

/** Something happens after this many messages, and no more of them come. */
export function cutAfter(answer: UpstreamAnswer, messages: number, then: AnswerStep): UpstreamAnswer {
  return { ...answer, steps: [...[...answer.steps].slice(0, messages), then] };
}

/** An answer whose messages wait, each until told to go on; the first one comes at once. */
export function steppedAnswer(messages: readonly unknown[]): { answer: UpstreamAnswer; next: () => void } {
  const gates = messages.map(() => Promise.withResolvers<void>());
  let opened = 0;
  const next = (): void => gates[opened++]?.resolve();
  next();
  const answer = streamedAnswer(messages);
  const steps = [...answer.steps].flatMap((step, index): AnswerStep[] => [
    { until: () => gates[index]?.promise ?? Promise.resolve() },
    step,
  ]);
  return { answer: { ...answer, steps }, next };
}

/** Small enough that frames, and characters of several bytes, fall apart. */
const PIECE_BYTES = 701;

/** What a recording holds, for a client that may ask for it in the other form. */
export function recordedAnswer(recording: Recording, method: GeminiMethod): UpstreamAnswer {
  const { status, headers, sse, text, body } = recording;
  if (status !== 200) return bodyAnswer(status, sse ?? text ?? JSON.stringify(body), headers);
  const raw = sse ?? text;
  if (method === 'generateContent' || raw === undefined) return answerAs(method, framesOf(recording));
  const content = Buffer.from(raw);
  const steps: AnswerStep[] = [];
  for (let at = 0; at < content.length; at += PIECE_BYTES) {
    steps.push({ bytes: content.subarray(at, at + PIECE_BYTES) });
  }
  return { status, headers, steps };
}

interface NativeMessage {
  candidates?: { content?: { role?: string; parts?: unknown[] } }[];
}

/** A streamed answer of one candidate as one message: all parts in order, and of everything else what was said last. */
function joinMessages(messages: readonly unknown[]): unknown {
  if (messages.length === 1) return messages[0];
  const candidates = (messages as NativeMessage[]).flatMap(({ candidates: [first] = [] }) => first ?? []);
  const parts = candidates.flatMap(({ content }) => content?.parts ?? []);
  const candidate: object = Object.assign({}, ...(candidates as object[]));
  return Object.assign({}, ...(messages as object[]), {
    candidates: [{ ...candidate, content: { role: 'model', parts } }],
  }) as unknown;
}
