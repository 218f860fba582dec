/** Looks for a tag that ends a JSON text which is still growing. Inside a JSON string it is only text. */
export class ClosingTagScan {
  readonly #tag: string;
  #at: number;
  #isInString = false;

  /** @param start where the JSON begins */
  constructor(tag: string, start: number) {
    this.#tag = tag;
    this.#at = start;
  }

  /**
   * @param text the same text as the time before, or more of it
   * @returns where the tag begins; `undefined` when it is not there yet
   */
  find(text: string): number | undefined {
    while (this.#at < text.length) {
      const character = text.charAt(this.#at);
      if (this.#isInString) {
        // The character behind a backslash may not be there yet.
        if (character === '\\' && this.#at + 1 === text.length) return undefined;
        this.#at += character === '\\' ? 2 : 1;
        this.#isInString = character !== '"';
        continue;
      }
      const rest = text.slice(this.#at, this.#at + this.#tag.length);
      if (rest === this.#tag) return this.#at;
      if (this.#tag.startsWith(rest)) return undefined;
      this.#isInString = character === '"';
      this.#at++;
    }
    return undefined;
  }
}
