/**
 * Gemini on Vertex AI as far as a load test needs it: answers made beforehand, on bare sockets, so that it takes little
 * of the machine. As a process it reports its port on the IPC channel and ends with it.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { streamedMessages, wholeMessage } from './gateway-fixtures.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nVary: Origin\r\n\r\n';

/** One write each: the first piece with the head, the last with the end. */
const STREAM_WRITES: readonly Buffer[] = (() => {
  const frames = streamedMessages().map((message) => {
    const event = `data: ${JSON.stringify(message)}\r\n\r\n`;
    return `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`;
  });
  return frames.map((frame, at) => {
    const end = at === frames.length - 1 ? '0\r\n\r\n' : '';
    return Buffer.from(`${at === 0 ? STREAM_HEAD : ''}${frame}${end}`);
  });
})();

/** Google writes whole answers with line breaks and indentation. */
const WHOLE_ANSWER: Buffer = (() => {
  const body = `${JSON.stringify(wholeMessage(), null, 2)}\n`;
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
})();

const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';

/** Without a delay every running stream sends one piece a turn of the event loop, so that streams interleave. */
class StreamPump {
  readonly #running = new Set<{ socket: Socket; next: number }>();
  #isTurning = false;

  start(socket: Socket, delay: number): void {
    const stream = { socket, next: 0 };
    if (delay > 0) {
      this.#send(stream);
      const timer = setInterval(() => {
        if (!this.#send(stream)) clearInterval(timer);
      }, delay);
      return;
    }
    this.#running.add(stream);
    if (!this.#isTurning) setImmediate(this.#turn);
    this.#isTurning = true;
  }

  /** @returns whether there is more to send */
  #send(stream: { socket: Socket; next: number }): boolean {
    const write = STREAM_WRITES[stream.next++];
    if (write === undefined || stream.socket.destroyed) return false;
    stream.socket.write(write);
    return stream.next < STREAM_WRITES.length;
  }

  readonly #turn = (): void => {
    for (const stream of this.#running) if (!this.#send(stream)) this.#running.delete(stream);
    this.#isTurning = this.#running.size > 0;
    if (this.#isTurning) setImmediate(this.#turn);
  };
}

/** Answers `generateContent` and `streamGenerateContent?alt=sse` of any model; there is one request at a time on a connection. */
export function createGeminiStandIn(): Server {
  const pump = new StreamPump();
  return createServer({ noDelay: true }, (socket) => {
    let head = '';
    let bodyLeft = 0;
    let pending: Buffer = Buffer.alloc(0);
    const answer = (): void => {
      if (/:streamGenerateContent\?alt=sse /.test(head)) {
        pump.start(socket, Number(/-d(\d+):/.exec(head)?.[1] ?? 0));
      } else socket.write(/:generateContent /.test(head) ? WHOLE_ANSWER : NOT_FOUND);
    };
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      let body = bytes.length;
      if (bodyLeft === 0) {
        pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
        const end = pending.indexOf(HEAD_END);
        if (end === -1) return;
        head = pending.toString('latin1', 0, end);
        bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
        body = pending.length - end - HEAD_END.length;
        pending = Buffer.alloc(0);
      }
      bodyLeft -= body;
      if (bodyLeft === 0) answer();
    });
  });
}

if (import.meta.main) {
  const server = createGeminiStandIn();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    process.send?.((server.address() as AddressInfo).port);
  });
  process.on('disconnect', () => process.exit(0));
}
