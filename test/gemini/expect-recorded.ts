import { expect } from 'vitest';
import { isMadeOf } from '../translate/events/gemini-recordings.ts';
import { type AnswerFacts, type RecordedChat, recordedFacts } from './recorded-chats.ts';

/** Call ids that the upstream did not give are made anew for each answer; a message has room for one signature. */
const withoutIds = ({ calls, signatures: _signatures, ...facts }: AnswerFacts): unknown => ({
  ...facts,
  calls: calls.map(({ id: _id, ...call }) => call),
});

/** Whole and streamed answers hold the same, and what the recording says. */
export function expectRecorded(
  chat: RecordedChat,
  { whole, streamed }: { readonly whole: AnswerFacts; readonly streamed: AnswerFacts },
): void {
  const recorded = recordedFacts(chat);
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
}

/** A client's helper puts together what OpenAI's own streams hold, and no other fields. */
export function expectSameInOpenAisFields(assembled: AnswerFacts, streamed: AnswerFacts): void {
  expect(inOpenAisFields(assembled)).toEqual(inOpenAisFields(streamed));
}

const inOpenAisFields = ({ text, refusal, calls, finishReason, usage }: AnswerFacts): unknown => ({
  text,
  refusal,
  calls: calls.map(({ id, name, args }) => ({ id, name, args })),
  finishReason,
  usage,
});

/** What a client is told instead of an answer: what the recording says. */
export function recordedFailure({ recording }: RecordedChat): {
  status: number;
  message: string;
  googleCode: number;
} {
  const { error } = recording.body as {
    error: { code: number; message: string; details?: { reason?: string }[] };
  };
  // The Developer API answers a wrong key with 400.
  const isWrongKey = error.details?.some(({ reason }) => reason === 'API_KEY_INVALID') === true;
  return {
    status: isWrongKey ? 401 : recording.status,
    message: error.message.trim(),
    googleCode: error.code,
  };
}
