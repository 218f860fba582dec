import type { FastifyReply, FastifyRequest } from 'fastify';
import { toErrorBody } from '../wire/openai/error.ts';
import type { ClientWork } from './client-work.ts';
import { answerHeaders } from './fact-headers.ts';
import type { ChatAnswer } from './handle-chat.ts';
import { RelayWriter } from './relay-writer.ts';
import { STREAM_HEADERS } from './sse-event.ts';

type RelayChatAnswer = Extract<ChatAnswer, { mode: 'relay' }>;

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' } as const;

/** Sends an answer whose bytes come from a model server. */
export async function relayAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  { answer, work, keepAliveMs }: { answer: RelayChatAnswer; work: ClientWork; keepAliveMs: number },
): Promise<void> {
  const { raw } = reply;
  const { relayed, facts } = answer;
  const headers = answerHeaders(request, facts);
  reply.hijack();
  if ('bytes' in relayed) {
    headers['content-length'] = String(relayed.bytes.length);
    request.usage = relayed.usage();
    raw.writeHead(200, { ...JSON_HEADERS, ...headers }).end(relayed.bytes);
    return;
  }
  const { format } = relayed;
  raw.writeHead(200, { ...(format === 'json' ? JSON_HEADERS : STREAM_HEADERS), ...headers });
  const writer = new RelayWriter(raw, { format, keepAliveMs });
  try {
    await work.until(relayed.flow(writer));
  } catch (error) {
    const failure = work.failure(error);
    request.failure = failure;
    writer.fail(toErrorBody(failure));
  } finally {
    request.usage = relayed.usage();
  }
}
