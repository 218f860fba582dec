/**
 * The load generator's process for streams whose pieces come at a fixed pace, all at the same time. Takes its orders as
 * one JSON argument; reports on the IPC channel and ends.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { checkStream } from './check-answer.ts';
import { ANSWER_TOKENS, gatewayRequest, PROMPT_TOKENS } from './gateway-fixtures.ts';
import { type GeneratorReport, obeyOrder } from './generator.ts';
import { percentile } from './percentile.ts';
import { postRequest } from './post-request.ts';
import { numberedPiece, NumberedPieceReader, orderText, sharedMicroseconds } from './relay-fixtures.ts';
import { type RawResponse, ResponseReader } from './response-reader.ts';

export interface PacedOrder {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  /** All at the same time. */
  readonly streams: number;
  readonly pieces: number;
  readonly everyMs: number;
}

export interface PacedReport extends GeneratorReport {
  /** Milliseconds from the sending of a piece by the upstream to its arrival here: what 99 % of all pieces stay below. */
  readonly p99Ms: number;
  readonly medianMs: number;
}

/** One stream in this many is parsed and compared; of all others the pieces are read. */
const PARSED_SHARE = 20;

/** Runs all streams to their end. @throws {Error} at the first piece that is lost, doubled or out of order */
export async function generatePacedLoad(
  order: PacedOrder,
): Promise<Omit<PacedReport, keyof GeneratorReport>> {
  const { port, headers, model, streams, pieces, everyMs } = order;
  const user = orderText({ kind: 'paced', pieces, everyMs });
  const request = postRequest({ port, headers, body: gatewayRequest({ stream: true, model, user }) });
  const sockets = await Promise.all(Array.from({ length: streams }, () => openSocket(port)));
  const delays: number[] = [];
  try {
    await Promise.all(
      sockets.map(async (socket, stream) => {
        const isParsed = stream % PARSED_SHARE === 0;
        const problem = await receive(socket, { request, order, isParsed, delays });
        if (problem !== undefined) throw new Error(`a wrong stream: ${problem}`);
      }),
    );
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  return { p99Ms: percentile(delays, 0.99), medianMs: percentile(delays, 0.5) };
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** @returns what is wrong with the stream */
function receive(
  socket: Socket,
  {
    request,
    order,
    isParsed,
    delays,
  }: { request: Buffer; order: PacedOrder; isParsed: boolean; delays: number[] },
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const received: string[] = [];
    const pieces = new NumberedPieceReader();
    const reader = new ResponseReader((bytes) => {
      const now = sharedMicroseconds();
      for (const { number, sentAt } of pieces.push(bytes)) {
        if (number !== received.length) resolve(`piece ${number} instead of ${received.length}`);
        received.push(numberedPiece(number, sentAt));
        delays.push((now - sentAt) / 1000);
      }
    });
    socket.on('error', reject);
    socket.on('close', () => {
      resolve('the server closed the connection');
    });
    socket.on('data', (bytes) => {
      try {
        const response = reader.push(bytes);
        if (response !== undefined) resolve(checkEnd(response, { order, isParsed, received }));
      } catch (error) {
        reject(error);
      }
    });
    socket.write(request);
  });
}

function checkEnd(
  response: RawResponse,
  { order, isParsed, received }: { order: PacedOrder; isParsed: boolean; received: readonly string[] },
): string | undefined {
  const { status, body } = response;
  if (status !== 200) return `status ${status}: ${body.toString('utf8', 0, 200)}`;
  if (received.length !== order.pieces) return `${received.length} pieces instead of ${order.pieces}`;
  if (!body.includes('data: [DONE]\n\n', -16)) return 'it does not end with [DONE]';
  if (!isParsed) return undefined;
  const counts = { promptTokens: PROMPT_TOKENS, answerTokens: ANSWER_TOKENS };
  return checkStream(response, { pieces: received, model: order.model, ...counts });
}

if (import.meta.main) await obeyOrder(generatePacedLoad);
