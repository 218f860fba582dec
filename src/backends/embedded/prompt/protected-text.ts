import type { PromptPiece } from '../engine/protocol.ts';

/**
 * Keeps control tokens in client text from being read as such.
 *
 * A chat template mixes its own control tokens with what clients wrote. Each control token spelled out in client text
 * is replaced by a placeholder before the template is rendered; afterwards the prompt is cut at the placeholders, and
 * the spelled-out text goes to the tokenizer as ordinary text. So `<|im_end|>` in a message is six harmless tokens.
 */
export class ProtectedText {
  readonly #pattern: RegExp | undefined;
  readonly #found: string[] = [];
  readonly #placeholders = new Map<string, string>();
  /** Every way a control token can begin, the whole token left out. */
  readonly #beginnings = new Set<string>();
  readonly #longestBeginning: number;

  /** @param controlTokens texts of the model's control tokens */
  constructor(controlTokens: readonly string[]) {
    const longestFirst = controlTokens.toSorted((left, right) => right.length - left.length);
    this.#pattern =
      longestFirst.length === 0 ? undefined : new RegExp(longestFirst.map(escapePattern).join('|'), 'g');
    for (const token of controlTokens) {
      for (let length = 1; length < token.length; length++) this.#beginnings.add(token.slice(0, length));
    }
    this.#longestBeginning = (longestFirst[0]?.length ?? 1) - 1;
  }

  /** Client text, ready to stand in a template. */
  protect(text: string): string {
    // The marks of placeholders and of media are private-use characters; spelled by a client they are protected like a token.
    const marked = text.replace(/[\uE0F0-\uE0F3]/g, (mark) => this.#placeholder(mark));
    if (this.#pattern === undefined) return marked;
    return this.#protectEnd(marked.replace(this.#pattern, (token) => this.#placeholder(token)));
  }

  /** A token could also come together from the end of one text and the beginning of the next. */
  #protectEnd(text: string): string {
    for (let length = Math.min(this.#longestBeginning, text.length); length > 0; length--) {
      const end = text.slice(-length);
      if (this.#beginnings.has(end)) return text.slice(0, -length) + this.#placeholder(end);
    }
    return text;
  }

  /** The rendered prompt in pieces. */
  pieces(prompt: string): PromptPiece[] {
    const pieces: PromptPiece[] = [];
    for (const [index, part] of prompt.split(/\uE0F0(\d+)\uE0F1/).entries()) {
      const isPlaceholder = index % 2 === 1;
      const text = isPlaceholder ? (this.#found[Number(part)] ?? '') : part;
      if (text !== '') pieces.push({ text, trusted: !isPlaceholder });
    }
    return pieces;
  }

  /** Equal texts get the same placeholder: templates compare ids and names. */
  #placeholder(text: string): string {
    const known = this.#placeholders.get(text);
    if (known !== undefined) return known;
    const placeholder = `\uE0F0${this.#found.length}\uE0F1`;
    this.#found.push(text);
    this.#placeholders.set(text, placeholder);
    return placeholder;
  }
}

/** A JSON value with every string in it, property names too, given to `protect`. */
export function protectTexts(value: unknown, protect: (text: string) => string): unknown {
  if (typeof value === 'string') return protect(value);
  if (Array.isArray(value)) return value.map((item) => protectTexts(item, protect));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [protect(key), protectTexts(item, protect)]),
  );
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
