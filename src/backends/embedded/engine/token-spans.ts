/** A stretch of released text and the token it begins with; without one it continues the token before it. */
export interface TokenSpan<Token> {
  readonly text: string;
  readonly token?: Token;
}

interface PendingToken<Token> {
  token: Token;
  /** Characters of the token's text that are neither released nor dropped. */
  length: number;
  isReleased: boolean;
}

/**
 * Which tokens a text was made of, for text that is released in other pieces than it came in, and partly never.
 * A token is released with the first of its characters that is. One without text of its own, such as the first
 * bytes of a character, shares the fate of the character that follows.
 */
export class TokenSpans<Token> {
  readonly #pending: PendingToken<Token>[] = [];

  /** @param length characters the token adds to the text */
  add(token: Token, length: number): void {
    this.#pending.push({ token, length, isReleased: false });
  }

  /** Releases the next characters, which are `text`. */
  release(text: string): TokenSpan<Token>[] {
    const spans: TokenSpan<Token>[] = [];
    let at = 0;
    this.#advance(text.length, (pending, length) => {
      const span = text.slice(at, at + length);
      at += length;
      spans.push(pending.isReleased ? { text: span } : { text: span, token: pending.token });
      pending.isReleased = true;
    });
    return spans;
  }

  /** Passes over the next characters. */
  drop(length: number): void {
    this.#advance(length, () => {});
  }

  #advance(length: number, visit: (pending: PendingToken<Token>, length: number) => void): void {
    let left = length;
    while (left > 0) {
      const [first] = this.#pending;
      if (first === undefined) throw new RangeError('there is no text left to release');
      const part = Math.min(left, first.length);
      visit(first, part);
      first.length -= part;
      left -= part;
      if (first.length === 0) this.#pending.shift();
    }
  }
}
