import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LiftedBase64 } from '../media/lifted-base64.ts';
import { toErrorBody } from '../wire/openai/error.ts';
import { ChatRequestBody } from '../wire/openai/request-body.ts';
import { ClientWork } from './client-work.ts';
import { type ChatAnswer, type ChatHandlerOptions, handleChat } from './handle-chat.ts';
import { answerHeaders } from './fact-headers.ts';
import { relayAnswer } from './relay-answer.ts';
import { readJsonBody } from './read-json-body.ts';
import { type AccountingOptions, RequestAccount } from './request-account.ts';
import type { Route } from './resolve-route.ts';
import { sendJson } from './send-error.ts';
import { STREAM_HEADERS } from './sse-event.ts';
import { SseWriter } from './sse-writer.ts';

export interface ChatAnswerOptions extends ChatHandlerOptions {
  /** Silence in a stream after which a comment is sent, in milliseconds; 0 for never. */
  readonly streamKeepAliveMs: number;
  /** Absent: callers have no limits, and nothing is written down. */
  readonly accounting?: AccountingOptions | undefined;
}

type StreamAnswer = Extract<ChatAnswer, { mode: 'stream' }>;

/**
 * Answers a chat request over HTTP, as one JSON object or as a stream of events.
 *
 * @throws {GatewayError} for every failure before the answer begins
 */
export async function answerChat(
  request: FastifyRequest,
  reply: FastifyReply,
  { route, options }: { route: Extract<Route, { kind: 'chat' }>; options: ChatAnswerOptions },
): Promise<FastifyReply> {
  const work = new ClientWork(request.socket);
  const account = options.accounting && new RequestAccount(request, reply, options.accounting);
  let lifted: LiftedBase64 | undefined;
  try {
    const received = readJsonBody(request.body);
    ({ lifted } = received);
    // What is left of the bytes is in the text already.
    request.body = undefined;
    const answer = await work.until(
      handleChat(
        {
          body: new ChatRequestBody(received.json),
          lifted,
          family: route.family,
          endpoint: route.endpoint,
          place: route.place,
          requestId: request.id,
          principal: request.principal!,
          signal: work.signal,
          onDeadline: work.setDeadline,
          admit: account?.open,
        },
        options,
      ),
    );
    request.facts = answer.facts;
    // The request will not be sent again.
    lifted.release();
    request.bodyShare?.release();
    if (answer.mode === 'completion') request.usage = answer.completion.usage;
    if (account !== undefined) await account.written();
    if (answer.mode === 'stream') {
      await streamAnswer(request, reply, { answer, work, keepAliveMs: options.streamKeepAliveMs });
      return reply;
    }
    if (answer.mode === 'relay') {
      await relayAnswer(request, reply, { answer, work, keepAliveMs: options.streamKeepAliveMs });
      return reply;
    }
    return sendJson(reply.headers(answerHeaders(request, answer.facts)), 200, answer.completion);
  } catch (error) {
    request.failure = work.fail(error);
    throw request.failure;
  } finally {
    work.release();
    lifted?.release();
    account?.settle();
  }
}

async function streamAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  { answer, work, keepAliveMs }: { answer: StreamAnswer; work: ClientWork; keepAliveMs: number },
): Promise<void> {
  const { raw } = reply;
  raw.writeHead(200, {
    ...STREAM_HEADERS,
    ...answerHeaders(request, answer.facts),
  });
  reply.hijack();
  const writer = new SseWriter(raw, { keepAliveMs, signal: work.signal });
  try {
    await work.until(writeChunks(answer.chunks, writer, work.signal));
    writer.done();
  } catch (error) {
    // Too late for a status: SDKs raise an event with an error. Without [DONE] nobody takes it for complete.
    const failure = work.failure(error);
    request.failure = failure;
    writer.fail(toErrorBody(failure));
  } finally {
    request.usage = answer.chunks.usage;
  }
}

async function writeChunks(
  chunks: StreamAnswer['chunks'],
  writer: SseWriter,
  signal: AbortSignal,
): Promise<void> {
  for await (const batch of chunks) {
    if (signal.aborted) return;
    // Waiting costs a turn of the microtask queue for each piece, and is almost never needed.
    const room = writer.write(batch.chunks);
    if (room !== undefined) await room;
  }
}
