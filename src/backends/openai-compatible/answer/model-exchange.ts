const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Exchanges the model's name in chunks that write it like an earlier one did, without reading them: quotes inside of
 * strings are escaped, so that the bytes of a member are never those of a text.
 */
export class ModelExchange {
  readonly #written: Buffer;
  readonly #wanted: Buffer;
  /**
   * A line up to the end of the member, and from its beginning to the line's end. Most servers begin, or end, all lines
   * of a stream with the same bytes, and with them the member stands on the same level.
   */
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  /**
   * @param written the member as the server writes it, such as `"model": "llama"`
   * @param wanted the member as the client is to see it
   */
  constructor(written: string, wanted: string) {
    this.#written = Buffer.from(written);
    this.#wanted = Buffer.from(wanted);
  }

  /**
   * @param block complete events
   * @returns `undefined` where one of them does not look as expected: nothing has been exchanged then
   */
  apply(block: Buffer): Buffer | undefined {
    const pieces: Buffer[] = [];
    let done = 0;
    for (let start = 0; start < block.length;) {
      const behind = this.#endOfMember(block, start);
      if (behind === -1) return undefined;
      pieces.push(block.subarray(done, behind - this.#written.length), this.#wanted);
      done = behind;
      const end = block.indexOf(LINE_FEED, behind) + 1;
      if (end > 0 && block[end] === LINE_FEED) start = end + 1;
      else if (end > 0 && block[end] === CARRIAGE_RETURN && block[end + 1] === LINE_FEED) start = end + 2;
      else return undefined;
    }
    pieces.push(block.subarray(done));
    return Buffer.concat(pieces);
  }

  /** Behind the member in the event that begins at `start`; -1 when it is not where it is expected. */
  #endOfMember(block: Buffer, start: number): number {
    if (isAt(block, start, this.#head)) return start + this.#head.length;
    const lineEnd = block.indexOf(LINE_FEED, start);
    const tailStart = lineEnd - this.#tail.length;
    if (tailStart > start && block[tailStart - 1] !== BACKSLASH && isAt(block, tailStart, this.#tail)) {
      return tailStart + this.#written.length;
    }
    const at = block.indexOf(this.#written, start);
    if (at === -1 || at > lineEnd || !isOnFirstLevel(block, start, at)) return -1;
    const end = at + this.#written.length;
    this.#head = block.subarray(start, end);
    this.#tail = block.subarray(at, lineEnd);
    return end;
  }
}

function isAt(block: Buffer, start: number, bytes: Buffer): boolean {
  const end = start + bytes.length;
  return end > start && end <= block.length && block.compare(bytes, 0, bytes.length, start, end) === 0;
}

/** Whether `at` is a member of the object in the line that begins at `start`, and not of one inside of it. */
function isOnFirstLevel(block: Buffer, start: number, at: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = start; index < at; index++) {
    const byte = block[index];
    if (isInString) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
  }
  return depth === 1 && !isInString;
}
