/** Clients that take an answer much more slowly than it could come. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type PostRequest, postRequest } from './post-request.ts';
import { NumberedPieceReader } from './relay-fixtures.ts';

export interface SlowReadersOptions extends PostRequest {
  readonly readers: number;
  /** What each of them takes. */
  readonly bytesPerSecond: number;
  readonly seconds: number;
}

/** Between two reads, in milliseconds. */
const INTERVAL = 250;

/**
 * Reads answers of numbered pieces for some seconds and leaves.
 *
 * @throws {Error} when an answer does not come, is cut off, or has a piece lost, doubled or out of order
 */
export async function readSlowly(options: SlowReadersOptions): Promise<void> {
  const request = postRequest(options);
  const step = Math.ceil((options.bytesPerSecond * INTERVAL) / 1000);
  const steps = Math.round((options.seconds * 1000) / INTERVAL);
  await Promise.all(
    Array.from({ length: options.readers }, async () => {
      const socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true });
      try {
        await once(socket, 'connect');
        socket.write(request);
        const problem = checkBeginning(await readSteps(socket, step, steps));
        if (problem !== undefined) throw new Error(`a slow reader got ${problem}`);
      } finally {
        socket.destroy();
      }
    }),
  );
}

async function readSteps(socket: Socket, step: number, steps: number): Promise<string> {
  let text = '';
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure = error;
  });
  // With this listener, and none for `data`, a socket fills one buffer and then reads as much as is taken out of it.
  socket.on('readable', () => {});
  for (let left = steps; left > 0; left--) {
    await new Promise((resolve) => {
      setTimeout(resolve, INTERVAL);
    });
    if (failure !== undefined) throw failure;
    if (socket.closed) throw new Error('a slow reader was cut off');
    const bytes = socket.read(Math.min(step, socket.readableLength)) as Buffer | null;
    text += bytes?.toString('latin1') ?? '';
  }
  return text;
}

/** Line ends stand only in the framing of a chunked body, which may cut through a piece. */
const CHUNK_FRAMING = /\r\n[\da-f]+\r\n/gi;

/** @returns what is wrong with the beginning of an answer */
function checkBeginning(text: string): string | undefined {
  if (!text.startsWith('HTTP/1.1 200 ')) return JSON.stringify(text.slice(0, 200));
  const pieces = new NumberedPieceReader().push(Buffer.from(text.replaceAll(CHUNK_FRAMING, ''), 'latin1'));
  if (pieces.length === 0) return 'no piece';
  const wrong = pieces.findIndex(({ number }, at) => number !== at);
  return wrong === -1 ? undefined : `piece ${pieces[wrong]?.number} instead of ${wrong}`;
}
