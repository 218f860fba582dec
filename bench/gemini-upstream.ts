/**
 * Gemini on Vertex AI as far as a load test needs it: answers made beforehand. As a process it reports its port on the
 * IPC channel and ends with it.
 */
import type { Server } from 'node:net';
import { streamedMessages, wholeMessage } from './gateway-fixtures.ts';
import { runServer } from './run-server.ts';
import { createStandIn, httpChunk, LAST_CHUNK, NOT_FOUND, wholeAnswer } from './stand-in.ts';
import { StreamPump } from './stream-pump.ts';

const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nVary: Origin\r\n\r\n';

/** One write each: the first piece with the head, the last with the end. */
const STREAM_WRITES: readonly Buffer[] = (() => {
  const frames = streamedMessages().map((message) => httpChunk(`data: ${JSON.stringify(message)}\r\n\r\n`));
  return frames.map((frame, at) => {
    const end = at === frames.length - 1 ? LAST_CHUNK : '';
    return Buffer.from(`${at === 0 ? STREAM_HEAD : ''}${frame}${end}`);
  });
})();

/** Google writes whole answers with line breaks and indentation. */
const WHOLE_ANSWER = wholeAnswer(
  `${JSON.stringify(wholeMessage(), null, 2)}\n`,
  'application/json; charset=UTF-8',
);

/** Answers `generateContent` and `streamGenerateContent?alt=sse` of any model. */
export function createGeminiStandIn(): Server {
  const pump = new StreamPump(STREAM_WRITES);
  return createStandIn(({ head }, socket) => {
    if (/:streamGenerateContent\?alt=sse /.test(head)) {
      pump.start(socket, Number(/-d(\d+):/.exec(head)?.[1] ?? 0));
    } else socket.write(/:generateContent /.test(head) ? WHOLE_ANSWER : NOT_FOUND);
  });
}

if (import.meta.main) runServer(createGeminiStandIn());
