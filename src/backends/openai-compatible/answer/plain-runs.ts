const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const DATA = Buffer.from('data:');

/**
 * The ends of the words `"tool_calls"`, `"reasoning"` and `"error"`, which stand in chunks that may need more than
 * another model name. Text of a model never looks like one of them with the quote, which is escaped inside of strings.
 * A search looks for the first byte first, and none is as frequent in JSON as the quote that opens them.
 */
const SPECIAL_WORDS = ['_calls"', 'soning"', 'rror"'].map((word) => Buffer.from(word));

/** The same for token counts, the end of `"total_tokens"`. */
const COUNTS = Buffer.from('_tokens"');

/**
 * Finds the events of a block that nobody has to look at: comments, and chunks in one line of data that hold none of
 * the words above. `[DONE]`, errors in any form, other fields and data in several lines are not among them.
 */
export class PlainRuns {
  readonly #block: Buffer;
  /** Where each word is found next. Searched again only once it has been passed. */
  readonly #next: number[];
  readonly #words: readonly Buffer[];

  /**
   * @param block complete events
   * @param options `counts`: whether chunks with token counts are to be looked at too
   */
  constructor(block: Buffer, { counts = false }: { readonly counts?: boolean } = {}) {
    this.#block = block;
    this.#words = counts ? [...SPECIAL_WORDS, COUNTS] : SPECIAL_WORDS;
    this.#next = this.#words.map(() => -1);
  }

  /** Where the plain events end that begin at `start`, which is the beginning of an event; `start` if there is none. */
  endFrom(start: number): number {
    const block = this.#block;
    const limit = this.#nextSpecial(start);
    let end = start;
    let hasData = false;
    for (let at = start; at < limit;) {
      const byte = block[at];
      if (byte === LINE_FEED || (byte === CARRIAGE_RETURN && block[at + 1] === LINE_FEED)) {
        at += byte === LINE_FEED ? 1 : 2;
        end = at;
        hasData = false;
        continue;
      }
      const lineEnd = block.indexOf(LINE_FEED, at);
      if (lineEnd === -1) return end;
      if (byte !== COLON) {
        if (hasData || !isObjectLine(block, at, lineEnd)) return end;
        hasData = true;
      }
      at = lineEnd + 1;
    }
    return end;
  }

  #nextSpecial(start: number): number {
    const { length } = this.#block;
    let next = length;
    for (let word = 0; word < this.#words.length; word++) {
      let at = this.#next[word]!;
      if (at < start) {
        const found = this.#block.indexOf(this.#words[word]!, start);
        at = found === -1 ? length : found;
        this.#next[word] = at;
      }
      if (at < next) next = at;
    }
    return next;
  }
}

/** Whether a line is `data: {…}`, as far as its ends tell. */
function isObjectLine(block: Buffer, start: number, lineEnd: number): boolean {
  for (let at = 0; at < DATA.length; at++) if (block[start + at] !== DATA[at]) return false;
  const value = start + DATA.length;
  const last = block[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 2 : lineEnd - 1;
  return block[block[value] === SPACE ? value + 1 : value] === OPEN_BRACE && block[last] === CLOSE_BRACE;
}
