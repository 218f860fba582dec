/**
 * A model server as far as a load test needs it: answers made beforehand, or to order. As a process it reports its port
 * on the IPC channel and ends with it.
 */
import type { Server, Socket } from 'node:net';
import { LargeAnswers, largeCompletion, largeStream } from './large-answers.ts';
import { PacedPump } from './paced-pump.ts';
import {
  type AnswerOrder,
  completionText,
  framedPiece,
  modelListText,
  numberedPiece,
  pieceEvents,
  readOrder,
  sharedMicroseconds,
} from './relay-fixtures.ts';
import { runServer } from './run-server.ts';
import {
  createStandIn,
  httpChunk,
  LAST_CHUNK,
  NOT_FOUND,
  type StandInRequest,
  wholeAnswer,
} from './stand-in.ts';
import { StreamPump } from './stream-pump.ts';

const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\nserver: uvicorn\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n';

/** One write each: the first piece with the head, the last with the end. */
const STREAM_WRITES: readonly Buffer[] = pieceEvents().map((event, at, events) => {
  const end = at === events.length - 1 ? LAST_CHUNK : '';
  return Buffer.from(`${at === 0 ? STREAM_HEAD : ''}${httpChunk(event)}${end}`);
});

const WHOLE_ANSWER = wholeAnswer(completionText(), 'application/json');
const MODELS = wholeAnswer(modelListText(), 'application/json');

export function createOpenAIStandIn(): Server {
  const pump = new StreamPump(STREAM_WRITES);
  const paced = new PacedPump();
  const large = new LargeAnswers();
  const answerChat = (text: string, socket: Socket): void => {
    const isStream = text.includes('"stream":true');
    const order = readOrder(text);
    if (order?.kind === 'large')
      large.start(socket, isStream ? largeStream(STREAM_HEAD, order.bytes) : largeCompletion(order.bytes));
    else if (!isStream) socket.write(WHOLE_ANSWER);
    else if (order === undefined) pump.start(socket, 0);
    else paced.start(socket, { ...order, write: (piece) => writePaced(socket, piece, order) });
  };
  return createStandIn(({ head, body }: StandInRequest, socket) => {
    if (head.startsWith('POST /v1/chat/completions ')) answerChat(body.toString('latin1'), socket);
    else if (head.startsWith('GET /v1/models ')) socket.write(MODELS);
    else if (head.startsWith('GET /handed-out ')) {
      socket.write(wholeAnswer(JSON.stringify(large.handedOut()), 'application/json'));
    } else socket.write(NOT_FOUND);
  });
}

function writePaced(
  socket: Socket,
  piece: number,
  { pieces }: Extract<AnswerOrder, { kind: 'paced' }>,
): void {
  const isFirst = piece === 0;
  const isLast = piece === pieces - 1;
  const event = framedPiece(numberedPiece(piece, sharedMicroseconds()), { isFirst, isLast });
  socket.write(`${isFirst ? STREAM_HEAD : ''}${httpChunk(event)}${isLast ? LAST_CHUNK : ''}`);
}

if (import.meta.main) runServer(createOpenAIStandIn());
