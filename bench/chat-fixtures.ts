/** What the benchmark sends and expects. The same on every machine and in every run. */
import type { ChatEventBatch } from '../src/translate/events/chat-event.ts';

/** Events of one scripted answer: about what a chat answer has in tokens. */
export const SCRIPTED_EVENTS = 128;

const WORDS =
  'light air blue the a of and "scattered" wave molecule sky\nso evening red därför 空 path longer less more é\tthen sun'.split(
    ' ',
  );

/** Mulberry32: small, seeded, and good enough to vary words. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Texts of the events of the scripted answer, in order. Some need escaping in JSON, some more than one byte. */
export const SCRIPTED_PIECES: readonly string[] = (() => {
  const random = seededRandom(20_240_917);
  return Array.from({ length: SCRIPTED_EVENTS }, (_, at) => {
    const word = WORDS[Math.floor(random() * WORDS.length)] ?? '';
    // The number makes every piece unique, so that a swapped pair is noticed.
    return at % 16 === 0 ? ` ${word}${at}` : ` ${word}`;
  });
})();

export const SCRIPTED_PROMPT_TOKENS = 31;

/** What a backend yields for the scripted answer: one batch for each token, as the embedded engine does. */
export const SCRIPTED_BATCHES: readonly ChatEventBatch[] = [
  [{ type: 'response-start' }],
  ...SCRIPTED_PIECES.map((text): ChatEventBatch => [{ type: 'text-delta', choice: 0, text }]),
  [{ type: 'choice-finish', choice: 0, reason: 'stop' }],
  [{ type: 'usage-update', usage: { prompt: SCRIPTED_PROMPT_TOKENS, answer: SCRIPTED_EVENTS } }],
];

const QUESTIONS = [
  'Why is the sky blue, and why are sunsets red?',
  'Tell me a long story about a fox who learns to sail.',
  'Explain step by step how bread is made.',
  'Describe the planets of the solar system, one after the other.',
];

/** Body for the scripted server: an everyday chat request. */
export function scriptedRequest(stream: boolean): string {
  return JSON.stringify({
    model: 'google/gemini-2.5-flash',
    messages: [
      { role: 'system', content: 'You are a precise, friendly assistant. Answer in plain English.' },
      { role: 'user', content: QUESTIONS[0] },
      {
        role: 'assistant',
        content: 'Because air scatters short waves of light more strongly than long ones.',
      },
      { role: 'user', content: 'And on Mars? Please answer in a short paragraph.' },
    ],
    temperature: 0.7,
    max_tokens: 1024,
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
}

/** Tokens that end an answer of the default model; banned, so that every answer has the length asked for. */
const END_TOKENS = ['0', '2'];

/** A request to a real engine: sampled as the server does unless told otherwise, with a fixed seed and length. */
export function engineRequest({ tokens, question }: { tokens: number; question: number }): string {
  return JSON.stringify({
    model: 'google/gemini-2.5-flash',
    messages: [{ role: 'user', content: QUESTIONS[question % QUESTIONS.length] }],
    temperature: 0.8,
    top_p: 0.95,
    top_k: 40,
    seed: 7 + question,
    max_tokens: tokens,
    logit_bias: Object.fromEntries(END_TOKENS.map((token) => [token, -100])),
    stream: true,
    stream_options: { include_usage: true },
  });
}
