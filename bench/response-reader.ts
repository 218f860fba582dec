/** A whole HTTP response. */
export interface RawResponse {
  readonly status: number;
  readonly body: Buffer;
}

const HEAD_END = '\r\n\r\n';
const LINE_END = '\r\n';

/**
 * Reads the responses of one keep-alive connection from bytes as they arrive: fixed length or chunked. Small on
 * purpose, so that the load generator needs little of the machine it measures.
 */
export class ResponseReader {
  #unread: Buffer = Buffer.alloc(0);
  #status = 0;
  /** Bytes of a body of fixed length; `'chunked'`; `undefined` while the head is incomplete. */
  #framing: number | 'chunked' | undefined;
  #body: Buffer[] = [];
  readonly #onChunk: ((bytes: Buffer) => void) | undefined;

  /** @param onChunk told each piece of a chunked body once the whole piece is there */
  constructor(onChunk?: (bytes: Buffer) => void) {
    this.#onChunk = onChunk;
  }

  /**
   * @returns the response these bytes complete, if any. There is one request at a time on a connection.
   * @throws {Error} for bytes that are no HTTP/1.1 response
   */
  push(bytes: Buffer): RawResponse | undefined {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    if (this.#framing === undefined && !this.#readHead()) return undefined;
    return this.#framing === 'chunked' ? this.#readChunks() : this.#readFixed(this.#framing ?? 0);
  }

  #readHead(): boolean {
    const end = this.#unread.indexOf(HEAD_END);
    if (end === -1) return false;
    const head = this.#take(end + HEAD_END.length).toString('latin1');
    const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
    if (status === undefined) throw new Error(`not a response: ${head.slice(0, 40)}`);
    this.#status = Number(status);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) this.#framing = 'chunked';
    else if (length !== undefined) this.#framing = Number(length);
    else throw new Error('a response without content-length that is not chunked');
    return true;
  }

  #readFixed(length: number): RawResponse | undefined {
    if (this.#unread.length < length) return undefined;
    this.#body.push(this.#take(length));
    return this.#complete();
  }

  #readChunks(): RawResponse | undefined {
    for (;;) {
      const lineEnd = this.#unread.indexOf(LINE_END);
      if (lineEnd === -1) return undefined;
      const size = Number.parseInt(this.#unread.toString('latin1', 0, lineEnd), 16);
      if (Number.isNaN(size)) throw new Error('a chunk without a size');
      const start = lineEnd + LINE_END.length;
      const whole = start + size + LINE_END.length;
      if (this.#unread.length < whole) return undefined;
      const chunk = this.#take(whole);
      if (size === 0) return this.#complete();
      const bytes = chunk.subarray(start, start + size);
      this.#body.push(bytes);
      this.#onChunk?.(bytes);
    }
  }

  #take(length: number): Buffer {
    const taken = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return taken;
  }

  #complete(): RawResponse {
    const response = { status: this.#status, body: Buffer.concat(this.#body) };
    this.#framing = undefined;
    this.#body = [];
    return response;
  }
}
