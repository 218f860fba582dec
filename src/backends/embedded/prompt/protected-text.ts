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

  /** @param controlTokens texts of the model's control tokens */
  constructor(controlTokens: readonly string[]) {
    const longestFirst = controlTokens.toSorted((left, right) => right.length - left.length);
    this.#pattern =
      longestFirst.length === 0 ? undefined : new RegExp(longestFirst.map(escapePattern).join('|'), 'g');
  }

  /** Client text, ready to stand in a template. */
  protect(text: string): string {
    // The placeholder's own marks are private-use characters; spelled by a client they are protected like a token.
    const marked = text.replace(/[\uE0F0\uE0F1]/g, (mark) => this.#placeholder(mark));
    return this.#pattern === undefined
      ? marked
      : marked.replace(this.#pattern, (token) => this.#placeholder(token));
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

  #placeholder(text: string): string {
    this.#found.push(text);
    return `\uE0F0${this.#found.length - 1}\uE0F1`;
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
