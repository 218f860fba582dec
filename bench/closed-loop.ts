/** A closed loop of requests: every connection always has exactly one in flight. */
import { connect, type Socket } from 'node:net';
import { type RawResponse, ResponseReader } from './response-reader.ts';

export interface ClosedLoopOptions {
  /** Port on the loopback interface. */
  readonly port: number;
  readonly body: string;
  readonly connections: number;
  /** Requests in all. */
  readonly requests: number;
  /** @returns what is wrong with an answer */
  readonly check: (response: RawResponse) => string | undefined;
}

/** Sends all requests. @throws {Error} at the first answer that is wrong or does not arrive */
export async function runClosedLoop(options: ClosedLoopOptions): Promise<void> {
  const request = postRequest(options.port, options.body);
  let left = options.requests;
  const takeTurn = (): boolean => left-- > 0;
  await Promise.all(
    Array.from({ length: options.connections }, async () => {
      const socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true });
      try {
        await drive(socket, { request, takeTurn, check: options.check });
      } finally {
        socket.destroy();
      }
    }),
  );
}

function postRequest(port: number, body: string): Buffer {
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/json',
    'Accept: */*',
    'User-Agent: parlance-bench',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function drive(
  socket: Socket,
  {
    request,
    takeTurn,
    check,
  }: { request: Buffer; takeTurn: () => boolean; check: (response: RawResponse) => string | undefined },
): Promise<void> {
  const reader = new ResponseReader();
  return new Promise((resolve, reject) => {
    const next = (): void => {
      if (takeTurn()) socket.write(request);
      else resolve();
    };
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('close', () => {
      reject(new Error('the server closed the connection'));
    });
    socket.on('data', (bytes) => {
      try {
        const response = reader.push(bytes);
        if (response === undefined) return;
        const problem = check(response);
        if (problem !== undefined) throw new Error(`a wrong answer: ${problem}`);
        next();
      } catch (error) {
        reject(error);
      }
    });
  });
}
