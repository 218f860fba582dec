import { checkMessageSize, PendingBytes } from './pending-bytes.ts';

/** One server-sent event. */
export interface SseEvent {
  /** Its type, where the stream names one. */
  event?: string;
  /** The `data` lines, joined by line feeds. */
  data: string;
}

/** What stood at the end of a stream. */
export interface SseRemainder {
  /** An event that no empty line ended: whole if the server left the line out, a piece if the stream was cut. */
  event?: SseEvent;
  /** Lines that are no server-sent events, joined by line feeds; empty for a well-formed stream. */
  loose: string;
}

export interface SseParserOptions {
  /** Largest event, and largest amount of loose text, in bytes. */
  readonly maxEventBytes: number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Reads an event stream from chunks divided anywhere, with any of the three line ends. WHATWG HTML section 9.2.6,
 * except that lines which are no field are kept: Gemini writes a failure in the middle of a stream as bare JSON.
 * Contract section 10.7.
 */
export class SseParser {
  readonly #maxEventBytes: number;
  readonly #line = new PendingBytes();
  #data: string[] = [];
  #dataBytes = 0;
  #event: string | undefined;
  #loose: string[] = [];
  #looseBytes = 0;
  #isFirstLine = true;
  /** The last chunk ended in a carriage return: a line feed that follows belongs to it. */
  #skipLineFeed = false;

  constructor({ maxEventBytes }: SseParserOptions) {
    this.#maxEventBytes = maxEventBytes;
  }

  /**
   * @returns the events that `chunk` completes
   * @throws {GatewayError} `bad_upstream_response` when an event or the loose text is too large
   */
  push(chunk: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    let at = 0;
    if (this.#skipLineFeed && chunk.length > 0) {
      this.#skipLineFeed = false;
      if (chunk[0] === LINE_FEED) at = 1;
    }
    // Each of the two is searched for again only once it has been passed: a stream without carriage returns is
    // scanned for them once per chunk, not once per line.
    let lineFeed = chunk.indexOf(LINE_FEED, at);
    let carriageReturn = chunk.indexOf(CARRIAGE_RETURN, at);
    while (lineFeed !== -1 || carriageReturn !== -1) {
      const isLineFeed = carriageReturn === -1 || (lineFeed !== -1 && lineFeed < carriageReturn);
      const end = isLineFeed ? lineFeed : carriageReturn;
      const event = this.#endLine(chunk.subarray(at, end));
      if (event !== undefined) events.push(event);
      at = end + 1;
      if (!isLineFeed && at === chunk.length) this.#skipLineFeed = true;
      else if (!isLineFeed && chunk[at] === LINE_FEED) at++;
      if (lineFeed !== -1 && lineFeed < at) lineFeed = chunk.indexOf(LINE_FEED, at);
      if (carriageReturn !== -1 && carriageReturn < at) carriageReturn = chunk.indexOf(CARRIAGE_RETURN, at);
    }
    this.#line.hold(chunk.subarray(at));
    checkMessageSize(this.#line.length + this.#dataBytes, this.#maxEventBytes);
    return events;
  }

  /** The stream is over. Nothing may be pushed afterwards. */
  end(): SseRemainder {
    const event = this.#endLine(new Uint8Array()) ?? this.#dispatch();
    return { ...(event === undefined ? {} : { event }), loose: this.#loose.join('\n') };
  }

  /** @returns the event that ends here, if the line is empty */
  #endLine(tail: Uint8Array): SseEvent | undefined {
    const bytes = this.#line.length + tail.length;
    if (bytes === 0) return this.#dispatch();
    checkMessageSize(bytes + this.#dataBytes, this.#maxEventBytes);
    let line = this.#line.take(tail);
    if (this.#isFirstLine && line.startsWith('\uFEFF')) line = line.slice(1);
    this.#isFirstLine = false;
    if (line === '') return this.#dispatch();
    this.#readLine(line, bytes);
    return undefined;
  }

  #readLine(line: string, bytes: number): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const start = line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1;
    const value = colon === -1 ? '' : line.slice(start);
    switch (name) {
      case 'data':
        this.#data.push(value);
        this.#dataBytes += bytes;
        return;
      case 'event':
        this.#event = value;
        return;
      // They serve reconnecting, which an answer has no use for.
      case 'id':
      case 'retry':
        return;
      default:
        this.#looseBytes += bytes;
        checkMessageSize(this.#looseBytes, this.#maxEventBytes);
        this.#loose.push(line);
    }
  }

  #dispatch(): SseEvent | undefined {
    const event = this.#event;
    const lines = this.#data;
    this.#event = undefined;
    if (lines.length === 0) return undefined;
    this.#data = [];
    this.#dataBytes = 0;
    return { ...(event === undefined || event === '' ? {} : { event }), data: lines.join('\n') };
  }
}
