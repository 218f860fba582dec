import { googleContentOf } from '../../../translate/request/google-content.ts';
import { readPartRules, readThoughtRules, splitThoughts } from '../../../translate/request/thought-input.ts';
import type { AssistantMessage, ContentPart } from '../../../wire/openai/request.ts';

/** What an assistant said in an earlier turn, its reasoning apart. */
export interface AssistantText {
  readonly content: string;
  readonly reasoning: string;
}

/**
 * Reads an earlier answer as Gemini reads it: tags and `extra_content.google.thought` tell reasoning from answer, and a
 * refusal is what was said. Contract sections 4.3 (6, 7) and 5.
 *
 * @param google the request's extensions, which may name a tag
 * @param textOf the text of a part that is no text part, or the error that it is
 */
export function readAssistantText(
  message: AssistantMessage,
  google: Readonly<Record<string, unknown>>,
  textOf: (part: ContentPart, index: number) => string,
): AssistantText {
  const rules = readThoughtRules(message, google);
  const content = message.content ?? message.refusal ?? '';
  const texts =
    typeof content === 'string'
      ? [splitThoughts(content, rules)]
      : content.map((part, index) =>
          splitThoughts(textOf(part, index), readPartRules(googleContentOf(part), rules)),
        );
  const join = (isThought: boolean): string =>
    texts
      .map((parts) =>
        parts
          .filter(({ thought = false }) => thought === isThought)
          .map(({ text = '' }) => text)
          .join(''),
      )
      .filter((text) => text !== '')
      .join('\n');
  const told = message.reasoning_content ?? message.reasoning ?? '';
  return { content: join(false), reasoning: [told, join(true)].filter((text) => text !== '').join('\n') };
}
