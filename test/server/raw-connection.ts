import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** With the framing taken off. */
  readonly body: string;
}

/** A TCP connection to the server, for requests no HTTP client would send. */
export class RawConnection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #isClosed = false;

  private constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    this.socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
    });
    const over = (): void => {
      this.#isClosed = true;
    };
    this.socket.on('end', over);
    this.socket.on('close', over);
    // A reset is one of the ways in which a server may end a connection.
    this.socket.on('error', over);
  }

  static async open(port: number): Promise<RawConnection> {
    const connection = new RawConnection(port);
    await once(connection.socket, 'connect');
    return connection;
  }

  /** Lines of a request's head, and a body whose length is stated unless the head has its own framing. */
  static request(head: string[], body: string | Uint8Array = ''): Buffer {
    const bytes = Buffer.from(body);
    const isFramed = head.some((line) => /^(?:content-length|transfer-encoding):/i.test(line));
    const length = bytes.length > 0 && !isFramed ? [`content-length: ${bytes.length}`] : [];
    const [start = '', ...headers] = head;
    const hasHost = headers.some((line) => /^host:/i.test(line)) || start.endsWith('/1.0');
    const lines = [start, ...(hasHost ? [] : ['host: localhost']), ...headers, ...length];
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Everything received and not yet read as a response. */
  get pending(): string {
    return this.#received.toString('utf8');
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Waits for text that the server is to send; what came so far stays unread. */
  async receive(text: string): Promise<string> {
    while (!this.#received.includes(text)) await this.#more(`text ${JSON.stringify(text)}`);
    return this.pending;
  }

  /** The next response, interim ones included. @param method of the request: a HEAD answer has no body */
  async response(method = 'POST'): Promise<RawResponse> {
    let end: number;
    while ((end = this.#received.indexOf('\r\n\r\n')) === -1) await this.#more('the end of the head');
    const [start = '', ...lines] = this.#received.toString('latin1', 0, end).split('\r\n');
    this.#received = this.#received.subarray(end + 4);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const status = Number(start.split(' ')[1]);
    const body = status < 200 || method === 'HEAD' ? '' : await this.#body(headers);
    return { status, headers, body };
  }

  /** Waits until the server has closed its side. */
  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#more();
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #body(headers: Record<string, string>): Promise<string> {
    if (headers['transfer-encoding'] === 'chunked') return this.#chunks();
    const length = headers['content-length'];
    if (length === undefined) {
      while (!this.#isClosed) await this.#more();
      return this.#take(this.#received.length);
    }
    while (this.#received.length < Number(length)) await this.#more(`a body of ${length} bytes`);
    return this.#take(Number(length));
  }

  async #chunks(): Promise<string> {
    let body = '';
    for (;;) {
      let end: number;
      while ((end = this.#received.indexOf('\r\n')) === -1) await this.#more('a chunk');
      const size = Number.parseInt(this.#received.toString('latin1', 0, end), 16);
      while (this.#received.length < end + 2 + size + 2) await this.#more('the rest of a chunk');
      this.#take(end + 2);
      body += this.#take(size);
      this.#take(2);
      if (size === 0) return body;
    }
  }

  #take(length: number): string {
    const text = this.#received.toString('utf8', 0, length);
    this.#received = this.#received.subarray(length);
    return text;
  }

  async #more(wanted?: string): Promise<void> {
    if (this.#isClosed) {
      if (wanted === undefined) return;
      throw new Error(`the connection ended before ${wanted}; received: ${this.pending}`);
    }
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`nothing came; received so far: ${this.pending}`));
      }, 10_000);
      const over = (): void => {
        clearTimeout(timer);
        for (const event of ['data', 'end', 'close']) this.socket.off(event, over);
        resolve();
      };
      for (const event of ['data', 'end', 'close']) this.socket.once(event, over);
    });
  }
}
