/** What stand-ins for upstreams have in common: HTTP on bare sockets, so that they take little of the machine. */
import { createServer, type Server, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

export interface StandInRequest {
  /** Request line and headers. */
  readonly head: string;
  readonly body: Buffer;
}

/** Reads one request at a time from a connection; bodies need a `content-length`. */
export function createStandIn(answer: (request: StandInRequest, socket: Socket) => void): Server {
  return createServer({ noDelay: true }, (socket) => {
    let head: string | undefined;
    let bodyLength = 0;
    let received = 0;
    let parts: Buffer[] = [];
    const take = (bytes: Buffer): void => {
      parts.push(bytes);
      received += bytes.length;
      if (head === undefined) {
        const start = Buffer.concat(parts);
        const end = start.indexOf(HEAD_END);
        if (end === -1) return;
        head = start.toString('latin1', 0, end);
        bodyLength = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
        parts = [start.subarray(end + HEAD_END.length)];
        received = start.length - end - HEAD_END.length;
      }
      if (received < bodyLength) return;
      const request = { head, body: Buffer.concat(parts) };
      head = undefined;
      parts = [];
      received = 0;
      answer(request, socket);
    };
    socket.on('error', () => {});
    socket.on('data', take);
  });
}

/** A whole answer with status 200. */
export function wholeAnswer(body: string, contentType: string): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(body)}`;
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

/** One piece of a chunked body. */
export function httpChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** The end of a chunked body. */
export const LAST_CHUNK = '0\r\n\r\n';

export const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';
