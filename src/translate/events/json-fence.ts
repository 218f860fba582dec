/** What may stand before the JSON: white space, then three backticks with an optional language, then a line end. */
const OPENING = /^\s*```(?:json|JSON)?[ \t]*\r?\n?/;
/** Text that could still grow into an opening fence. */
const MAYBE_OPENING = /^\s*(?:`{0,2}|```[a-zA-Z]{0,4}[ \t]*\r?)$/;
/** A closing fence, or what could grow into one, at the end of the text so far. */
const MAYBE_CLOSING = /\s*`{0,3}\s*$/;

/**
 * Takes a Markdown code fence off an answer that was asked for as JSON, over any division into pieces.
 * Text without a fence passes unchanged. Contract section 8: SDK helpers parse `content` verbatim.
 */
export class JsonFence {
  #state: 'start' | 'inside' | 'plain' = 'start';
  #held = '';
  #openingLength = 0;

  /** Length of the opening fence that was taken off, in UTF-16 code units; 0 for none. */
  get openingLength(): number {
    return this.#openingLength;
  }

  /** @returns the part of the text so far that is certain to be content */
  push(text: string): string {
    if (this.#state === 'plain') return text;
    this.#held += text;
    if (this.#state === 'start') {
      if (MAYBE_OPENING.test(this.#held)) return '';
      const opening = OPENING.exec(this.#held);
      if (opening === null) {
        this.#state = 'plain';
        return this.#release();
      }
      this.#state = 'inside';
      this.#openingLength = opening[0].length;
      this.#held = this.#held.slice(this.#openingLength);
    }
    const keep = MAYBE_CLOSING.exec(this.#held)?.[0].length ?? 0;
    const sure = this.#held.slice(0, this.#held.length - keep);
    this.#held = this.#held.slice(sure.length);
    return sure;
  }

  /** @returns what was held back and turned out to be content */
  end(): string {
    const rest = this.#release();
    return this.#state === 'inside' && /^\s*```\s*$/.test(rest) ? '' : rest;
  }

  #release(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }
}
