/** A closed loop of requests: every connection always has exactly one in flight. */
import { connect, type Socket } from 'node:net';
import { type PostRequest, postRequest } from './post-request.ts';
import { type RawResponse, ResponseReader } from './response-reader.ts';

export interface ClosedLoopOptions extends PostRequest {
  readonly connections: number;
  /** Requests in all. */
  readonly requests: number;
  /** @returns what is wrong with an answer */
  readonly check: (response: RawResponse) => string | undefined;
  /** What an answer begins with: {@link onTimes} is told when it first arrived. */
  readonly mark?: string;
  /** Takes the milliseconds until an answer's mark and until its end. */
  readonly onTimes?: (first: number, whole: number) => void;
}

/** Sends all requests. @throws {Error} at the first answer that is wrong or does not arrive */
export async function runClosedLoop(options: ClosedLoopOptions): Promise<void> {
  const request = postRequest(options);
  let left = options.requests;
  const takeTurn = (): boolean => left-- > 0;
  await Promise.all(
    Array.from({ length: options.connections }, async () => {
      const socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true });
      try {
        await drive(socket, { request, takeTurn, options });
      } finally {
        socket.destroy();
      }
    }),
  );
}

function drive(
  socket: Socket,
  {
    request,
    takeTurn,
    options: { check, mark, onTimes },
  }: { request: Buffer; takeTurn: () => boolean; options: ClosedLoopOptions },
): Promise<void> {
  const reader = new ResponseReader();
  let sentAt = 0;
  let firstAt: number | undefined;
  return new Promise((resolve, reject) => {
    const next = (): void => {
      sentAt = performance.now();
      firstAt = undefined;
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
        if (mark !== undefined && firstAt === undefined && bytes.includes(mark)) firstAt = performance.now();
        const response = reader.push(bytes);
        if (response === undefined) return;
        const now = performance.now();
        onTimes?.((firstAt ?? now) - sentAt, now - sentAt);
        const problem = check(response);
        if (problem !== undefined) throw new Error(`a wrong answer: ${problem}`);
        next();
      } catch (error) {
        reject(error);
      }
    });
  });
}
