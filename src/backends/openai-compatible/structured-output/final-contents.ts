import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';

/** Text of one choice that is meant to be JSON. */
export interface FinalContent {
  /** The choice's place in `choices`; of a stream its index. */
  readonly choice: number;
  readonly text: string;
}

/** Reasons for which an answer is not final JSON; SDKs tell their users by themselves. */
const UNFINISHED: ReadonlySet<unknown> = new Set(['length', 'content_filter', 'tool_calls', 'function_call']);

/** The contents of a completion that a schema is about: not those of calls, refusals and answers that were cut. */
export function finalContents({ choices }: JsonObject): FinalContent[] {
  if (!Array.isArray(choices)) return [];
  return choices.flatMap((choice, index) => {
    const message = isJsonObject(choice) ? choice['message'] : undefined;
    if (!isJsonObject(choice) || !isJsonObject(message)) return [];
    const { content, refusal, tool_calls: calls } = message;
    const isFinal =
      typeof content === 'string' &&
      typeof refusal !== 'string' &&
      !hasItems(calls) &&
      !UNFINISHED.has(choice['finish_reason']);
    return isFinal ? [{ choice: index, text: content }] : [];
  });
}

interface Gathered {
  text: string;
  isFinal: boolean;
}

/** The same of a stream, gathered chunk by chunk. */
export class StreamedContents {
  readonly #choices = new Map<number, Gathered>();

  readonly watch = ({ choices }: JsonObject): void => {
    if (!Array.isArray(choices)) return;
    for (const choice of choices) if (isJsonObject(choice)) this.#add(choice);
  };

  final(): FinalContent[] {
    return Array.from(this.#choices, ([choice, { text, isFinal }]) => ({ choice, text, isFinal }))
      .filter(({ isFinal }) => isFinal)
      .map(({ choice, text }) => ({ choice, text }));
  }

  #add({ index, delta, finish_reason: reason }: JsonObject): void {
    const key = typeof index === 'number' ? index : 0;
    const gathered = this.#choices.get(key) ?? { text: '', isFinal: true };
    this.#choices.set(key, gathered);
    if (UNFINISHED.has(reason)) gathered.isFinal = false;
    if (!isJsonObject(delta)) return;
    if (typeof delta['content'] === 'string') gathered.text += delta['content'];
    if (typeof delta['refusal'] === 'string' || hasItems(delta['tool_calls'])) gathered.isFinal = false;
  }
}

/** Some servers write an empty list of calls into everything. */
function hasItems(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0;
}
