import type { Token } from './llama-binding.ts';

type Detokenize = (tokens: readonly Token[], before: readonly Token[]) => string;

/** Tokens of one character at most: UTF-8 has four bytes, and a token has at least one. */
const MAX_HELD = 4;
/** Tokens in front that decide about a leading space. */
const CONTEXT = 2;

/** Turns tokens into text one by one, and never splits a character. */
export class TokenText {
  readonly #detokenize: Detokenize;
  #before: readonly Token[];
  #held: Token[] = [];

  constructor(detokenize: Detokenize, before: readonly Token[]) {
    this.#detokenize = detokenize;
    this.#before = before.slice(-CONTEXT);
  }

  /** @returns the text this token completes; empty while its last character is incomplete */
  push(token: Token): string {
    this.#held.push(token);
    const text = this.#detokenize(this.#held, this.#before);
    if (text.endsWith('\uFFFD') && this.#held.length < MAX_HELD) return '';
    this.#release();
    return text;
  }

  /** @returns what is left of a character that was never completed */
  end(): string {
    if (this.#held.length === 0) return '';
    const text = this.#detokenize(this.#held, this.#before);
    this.#release();
    return text;
  }

  #release(): void {
    this.#before = [...this.#before, ...this.#held].slice(-CONTEXT);
    this.#held = [];
  }
}
