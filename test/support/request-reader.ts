/** Requests as they come in on a bare connection. */
import type { Socket } from 'node:net';

export interface RawRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const HEAD_END = '\r\n\r\n';

/** Reads HTTP/1.1 requests one after the other. It never stops to read: only so is seen that the other side left. */
export class RequestReader {
  #pieces: Buffer[] = [];
  #length = 0;
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    socket.on('data', (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#length += piece.length;
      this.#wake();
    });
    socket.once('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /**
   * @returns the next whole request; `undefined` when the connection closed before
   * @throws {Error} for a body without `content-length`, which no test needs
   */
  async next(): Promise<RawRequest | undefined> {
    let buffered = await this.#atLeast(1);
    while (buffered !== undefined && !buffered.includes(HEAD_END)) {
      buffered = await this.#atLeast(buffered.length + 1);
    }
    if (buffered === undefined) return undefined;
    const start = buffered.indexOf(HEAD_END) + HEAD_END.length;
    const [requestLine = '', ...lines] = buffered.toString('latin1', 0, start).trimEnd().split('\r\n');
    const [method = '', path = ''] = requestLine.split(' ');
    const headers = readHeaders(lines);
    if (headers['transfer-encoding'] !== undefined) {
      throw new Error(`${method} ${path} came in chunks, which RequestReader does not read`);
    }
    const end = start + Number(headers['content-length'] ?? 0);
    const whole = await this.#atLeast(end);
    if (whole === undefined) return undefined;
    this.#pieces = [whole.subarray(end)];
    this.#length -= end;
    return { method, path, headers, body: whole.toString('utf8', start, end) };
  }

  /** @returns all that came and was not taken, once it is this long; `undefined` when it will never be */
  async #atLeast(length: number): Promise<Buffer | undefined> {
    while (this.#length < length) {
      if (this.#isClosed) return undefined;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }
}

function readHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
