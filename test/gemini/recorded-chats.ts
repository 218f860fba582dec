/** Recorded answers of Gemini as chats a client can have with Parlance: the request, and what must come back. */
import {
  type NativeFacts,
  type Recording,
  factsOf,
  RECORDINGS,
} from '../translate/events/gemini-recordings.ts';
import { recordedAnswer, type UpstreamAnswer } from '../support/gemini-answers.ts';
import type { UpstreamRequest } from '../support/replay-upstream.ts';

export interface RecordedChat {
  readonly name: string;
  readonly upstream: 'vertex' | 'gemini';
  readonly recording: Recording;
  readonly request: ChatFields;
}

/** Members of a request that all chats are made of. */
export interface ChatFields {
  model: string;
  messages: { role: 'user'; content: string }[];
  tools?: { type: 'function'; function: { name: string } }[];
  logprobs?: true;
  top_logprobs?: number;
  extra_body?: { google: Record<string, unknown> };
}

/** What a client may know about an answer after it has been read, however it came. */
export interface AnswerFacts {
  text: string;
  thoughts: string;
  refusal: string | null;
  calls: { id: string; name: string; args: unknown; signature: string | undefined }[];
  /** The signature of the message itself: a stream may hold several, and then it is the last. */
  signature: string | undefined;
  /** All signatures, in order; those of tools that Google ran come first. */
  signatures: string[];
  finishReason: string | null;
  hasLogprobs: boolean;
  images: number;
  usage: { prompt: number; completion: number; total: number; cached: number; reasoning: number };
}

export const RECORDED_CHATS: readonly RecordedChat[] = RECORDINGS.map((recording) => ({
  name: recording.name,
  upstream: recording.name.startsWith('vertex/') ? 'vertex' : 'gemini',
  recording,
  request: requestFor(recording),
}));

export const ANSWERED: readonly RecordedChat[] = RECORDED_CHATS.filter(
  ({ recording }) => recording.status === 200 && !isMalformed(recording),
);

/** A function call the model failed to write: asked for again, then an error. */
export const MALFORMED: readonly RecordedChat[] = RECORDED_CHATS.filter(({ recording }) =>
  isMalformed(recording),
);

export const REFUSED: readonly RecordedChat[] = RECORDED_CHATS.filter(
  ({ recording }) => recording.status !== 200,
);

function isMalformed({ name }: Recording): boolean {
  return /malformed-call|unexpected-toolcall/.test(name);
}

/** The prompt names the recording, so that the upstream knows which one to play. */
function requestFor(recording: Recording): ChatFields {
  const { name } = recording;
  const facts = recording.status === 200 ? factsOf(recording) : undefined;
  const names = new Set(facts?.calls.map((call) => call.name));
  const google = {
    ...(facts === undefined || facts.thoughts === '' ? {} : { thinking_config: { include_thoughts: true } }),
    ...(name.includes('partialargs') ? { stream_function_call_arguments: true } : {}),
  };
  return {
    model: `google/${/gemini-\d.+(?=-\d\d$)/.exec(name.replace(/^.*\//, ''))?.[0] ?? 'gemini-2.5-flash'}`,
    messages: [{ role: 'user', content: name }],
    ...(names.size === 0
      ? {}
      : { tools: [...names].map((tool) => ({ type: 'function', function: { name: tool } })) }),
    ...(name.includes('logprobs') ? { logprobs: true, top_logprobs: 2 } : {}),
    ...(Object.keys(google).length === 0 ? {} : { extra_body: { google } }),
  };
}

/** Plays the recording that the prompt names. */
export function replayByPrompt({ body, method }: UpstreamRequest): UpstreamAnswer {
  const prompt = body.contents[0]?.parts[0]?.text;
  const chat = RECORDED_CHATS.find(({ name }) => name === prompt);
  if (chat === undefined) throw new Error(`no recording is called ${JSON.stringify(prompt)}`);
  return recordedAnswer(chat.recording, method);
}

/** What the recording says about each fact. Text with code has fences around the code, so it is a list of pieces. */
export function recordedFacts({ recording }: RecordedChat): NativeFacts & { finish: string } {
  const facts = factsOf(recording);
  return { ...facts, finish: finishOf(facts) };
}

function finishOf({ finishReason, calls }: NativeFacts): string {
  if (finishReason === 'MAX_TOKENS') return 'length';
  // Without any finish reason the prompt was blocked.
  if (['SAFETY', 'MODEL_ARMOR', undefined].includes(finishReason as string)) return 'content_filter';
  return calls.length > 0 ? 'tool_calls' : 'stop';
}
