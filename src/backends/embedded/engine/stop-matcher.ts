/**
 * Finds stop sequences in text that arrives in pieces, and holds back what may be the beginning of one, so that no
 * part of a stop sequence is ever sent.
 */
export class StopMatcher {
  readonly #stops: readonly string[];
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** @returns text that is certain to be content, and whether a stop sequence was reached */
  push(text: string): { text: string; stopped: boolean } {
    if (this.#stops.length === 0) return { text, stopped: false };
    this.#held += text;
    let first = -1;
    for (const stop of this.#stops) {
      const at = this.#held.indexOf(stop);
      if (at !== -1 && (first === -1 || at < first)) first = at;
    }
    if (first !== -1) return { text: this.#held.slice(0, first), stopped: true };
    const keep = this.#longestBeginning();
    const sure = this.#held.slice(0, this.#held.length - keep);
    this.#held = this.#held.slice(sure.length);
    return { text: sure, stopped: false };
  }

  /** @returns what was held back and never became a stop sequence */
  end(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }

  /** Length of the longest end of the text that begins a stop sequence. */
  #longestBeginning(): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#held.length); length > longest; length--) {
        if (this.#held.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
