import { checkMessageSize, PendingBytes } from './pending-bytes.ts';

/** What stood at the end of a streamed array. */
export interface JsonArrayRemainder {
  /** Whether the closing bracket arrived. */
  complete: boolean;
  /** Everything, when the text is no array; else what stood behind the closing bracket. White space does not count. */
  loose: string;
}

export interface JsonArraySplitterOptions {
  /** Largest element, and largest amount of loose text, in bytes. */
  readonly maxElementBytes: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** White space of JSON, and the bytes of a byte order mark, which can only stand before the array. */
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);

/**
 * Takes a JSON array apart while it arrives, in chunks divided anywhere: what `streamGenerateContent` answers without
 * `alt=sse`. It finds where elements end and leaves it to the caller to parse them.
 */
export class JsonArraySplitter {
  readonly #maxElementBytes: number;
  readonly #pending = new PendingBytes();
  #state: 'before' | 'between' | 'element' | 'after' | 'loose' = 'before';
  #depth = 0;
  #inString = false;
  #escaped = false;
  #complete = false;

  constructor({ maxElementBytes }: JsonArraySplitterOptions) {
    this.#maxElementBytes = maxElementBytes;
  }

  /**
   * @returns the elements that `chunk` completes, as JSON text
   * @throws {GatewayError} `bad_upstream_response` when an element or the loose text is too large
   */
  push(chunk: Uint8Array): string[] {
    const elements: string[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === 'loose') {
        this.#hold(chunk.subarray(at));
        break;
      }
      if (this.#state !== 'element') {
        at = this.#readSeparator(chunk, at);
        continue;
      }
      const end = this.#endOfElement(chunk, at);
      if (end === undefined) {
        this.#hold(chunk.subarray(at));
        break;
      }
      checkMessageSize(this.#pending.length + end - at, this.#maxElementBytes);
      elements.push(this.#pending.take(chunk.subarray(at, end)));
      this.#state = 'between';
      at = end;
    }
    return elements;
  }

  /** The stream is over. Nothing may be pushed afterwards. */
  end(): JsonArrayRemainder {
    return {
      complete: this.#complete,
      loose: this.#state === 'loose' ? this.#pending.take(new Uint8Array()) : '',
    };
  }

  /** @returns where to go on; the state says with what */
  #readSeparator(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] as number;
    if (BLANKS.has(byte)) return at + 1;
    if (this.#state === 'before' && byte === OPEN_BRACKET) {
      this.#state = 'between';
      return at + 1;
    }
    if (this.#state !== 'between') {
      this.#state = 'loose';
      return at;
    }
    if (byte === COMMA) return at + 1;
    if (byte === CLOSE_BRACKET) {
      this.#state = 'after';
      this.#complete = true;
      return at + 1;
    }
    this.#state = 'element';
    this.#depth = 0;
    return at;
  }

  /** Where the element that runs at `from` ends; `undefined` if not in this chunk. */
  #endOfElement(chunk: Uint8Array, from: number): number | undefined {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) {
        this.#inString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#depth++;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        // The array ends behind an element without brackets of its own.
        if (this.#depth === 0) return at;
        if (--this.#depth === 0) return at + 1;
      } else if (byte === COMMA && this.#depth === 0) {
        return at;
      }
    }
    return undefined;
  }

  #hold(bytes: Uint8Array): void {
    checkMessageSize(this.#pending.length + bytes.length, this.#maxElementBytes);
    this.#pending.hold(bytes);
  }
}
