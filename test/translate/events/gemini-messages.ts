import type { ChatEvent } from '../../../src/translate/events/chat-event.ts';
import {
  GeminiDecoder,
  type GeminiDecoderOptions,
  type GeminiOutcome,
} from '../../../src/translate/events/decode-gemini.ts';
import type { RenderOptions } from '../../../src/translate/events/render-options.ts';
import type { Choice } from '../../../src/wire/openai/response.ts';
import { foldOf, renderOptions } from './render-fixture.ts';

/** A native message with one candidate. */
export function message(parts: readonly object[], candidate: object = {}): object {
  return { candidates: [{ content: { role: 'model', parts }, ...candidate }] };
}

/** A part that calls a function. */
export function call(name: string, args?: object, more: object = {}): object {
  return { functionCall: { name, ...(args === undefined ? {} : { args }), ...more } };
}

export const stop = { finishReason: 'STOP' };

export interface DecodedAnswer {
  batches: ChatEvent[][];
  outcome: GeminiOutcome | undefined;
  decoder: GeminiDecoder;
}

/** All events of native messages that came to a clean end. */
export function decoded(
  messages: readonly unknown[],
  options: GeminiDecoderOptions = {},
  cleanly = true,
): DecodedAnswer {
  const decoder = new GeminiDecoder(options);
  const batches = messages.map((native) => decoder.push(native));
  batches.push(decoder.end(cleanly));
  return { batches, outcome: decoder.outcome, decoder };
}

/** The first choice a client gets for native messages. */
export function choiceOf(
  messages: readonly unknown[],
  options: Partial<RenderOptions> = {},
  decoding: GeminiDecoderOptions = {},
): Choice {
  const [choice] = foldOf(decoded(messages, decoding).batches, renderOptions(options)).choices;
  if (choice === undefined) throw new Error('a completion always has choice 0');
  return choice;
}
