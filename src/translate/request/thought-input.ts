import type { Part } from '../../wire/gemini/request.ts';
import { thoughtTagMarker } from '../../wire/openai/google-extra-body.ts';
import type { GoogleExtraContent } from '../../wire/openai/google-extras.ts';
import type { AssistantMessage } from '../../wire/openai/request.ts';
import { googleContentOf } from './google-content.ts';

/** The tag around thoughts where the request names none. */
const DEFAULT_TAG = 'thought';

/** How a text of an assistant message may hold thoughts. */
export interface ThoughtReading {
  /** Name of the tag around thoughts; `undefined`: tags are text like any other. */
  readonly tag?: string;
  /** A text without such tags is a thought as a whole. */
  readonly wholeIsThought: boolean;
}

/**
 * How the texts of an assistant message are to be read: by the request's `thought_tag_marker` or by the message's
 * `extra_content.google.thought`, which has precedence. Contract sections 4.3 (6) and 5.
 *
 * @param extras `google` of the request
 */
export function readThoughtRules(
  message: AssistantMessage,
  extras: Readonly<Record<string, unknown>>,
): ThoughtReading {
  const google = googleContentOf(message);
  const marker = thoughtTagMarker(extras);
  if (google.thought === false) return { wholeIsThought: false };
  if (google.thought !== true)
    return { wholeIsThought: false, ...(marker === undefined ? {} : { tag: marker }) };
  return {
    tag: marker ?? DEFAULT_TAG,
    // Google itself has put the flag beside the signature of plain answers.
    wholeIsThought: typeof message.content === 'string' && !hasSignature(google),
  };
}

/** The rules for one text part: its own flag has precedence over the message's. */
export function readPartRules(google: GoogleExtraContent, ofMessage: ThoughtReading): ThoughtReading {
  if (google.thought === undefined) return ofMessage;
  if (!google.thought) return { wholeIsThought: false };
  return { tag: ofMessage.tag ?? DEFAULT_TAG, wholeIsThought: true };
}

function hasSignature({ thought_signature: signature }: GoogleExtraContent): boolean {
  return signature !== undefined && signature !== '';
}

/**
 * Splits a text into thoughts and answer. Clients that join a stream's pieces flag messages that hold both, so that
 * tags inside a flagged text still divide it.
 */
export function splitThoughts(text: string, { tag, wholeIsThought }: ThoughtReading): Part[] {
  const parts = tag === undefined ? [] : splitAtTags(text, tag);
  if (parts.length > 0) return parts;
  return text === '' ? [] : [wholeIsThought ? { text, thought: true } : { text }];
}

/** The pieces of a text that has tags; empty for a text without any. */
function splitAtTags(text: string, tag: string): Part[] {
  const open = `<${tag}>`;
  const close = `</${tag}>`;
  const parts: Part[] = [];
  let done = 0;
  for (let start = text.indexOf(open); start !== -1; start = text.indexOf(open, done)) {
    const end = text.indexOf(close, start + open.length);
    if (end === -1) break;
    pushText(parts, text.slice(done, start), false);
    pushText(parts, text.slice(start + open.length, end), true);
    done = end + close.length;
  }
  if (done === 0) {
    // A thought the answer was cut off in.
    if (text.startsWith(open)) pushText(parts, text.slice(open.length), true);
    return parts;
  }
  pushText(parts, text.slice(done), false);
  return parts;
}

function pushText(parts: Part[], text: string, thought: boolean): void {
  if (text !== '') parts.push(thought ? { text, thought } : { text });
}

/** `reasoning_content`, as a thought in front of everything else; empty for a message without. */
export function leadingThought({ reasoning_content: content, reasoning }: AssistantMessage): Part[] {
  const text = content ?? reasoning ?? '';
  return text === '' ? [] : [{ text, thought: true }];
}
