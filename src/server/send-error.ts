import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError, toGatewayError } from '../errors.ts';
import { toErrorBody } from '../wire/openai/error.ts';
import { clientLeft } from './client-departure.ts';
import { passedOverHeader } from './fact-headers.ts';

/** Sends a JSON body that needs no schema. */
export function sendJson(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(body));
}

/** Answers with OpenAI's error envelope. Contract sections 11.1 and 11.3. */
export function sendError(request: FastifyRequest, reply: FastifyReply, thrown: unknown): FastifyReply {
  const error = fromEdgeError(thrown);
  request.failure ??= error;
  // The client has left, or its broken request was answered on the socket already.
  if (request.socket.writableEnded || request.socket.destroyed) return reply.hijack();
  reply.header('x-request-id', request.id);
  if (error.retryAfterSeconds !== undefined) {
    reply.header('retry-after', String(Math.ceil(error.retryAfterSeconds)));
    reply.header('retry-after-ms', String(Math.round(error.retryAfterSeconds * 1000)));
  }
  if (error.passedOver.length > 0) {
    reply.header('x-parlance-passed-over', passedOverHeader(error.passedOver));
  }
  if (error.shouldRetry !== undefined) reply.header('x-should-retry', String(error.shouldRetry));
  // Fastify closes the connection behind a body that was not read. That would cut the client off while it sends, before
  // it reads the answer; the rest of the body is dropped, for as long as a request may take.
  const isUnread = error.code === 'request_too_large' || error.code === 'overloaded';
  if (isUnread && reply.hasHeader('connection')) reply.removeHeader('connection');
  return sendJson(reply, error.status, toErrorBody(error));
}

/** Fastify's own errors, and Node's, in the words of our table. */
function fromEdgeError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new GatewayError(
        'unsupported_media_type',
        'The content type is not valid. Send application/json.',
      );
    case 'FST_ERR_BAD_URL':
      return new GatewayError('not_found', 'The path is not a valid URL path.');
    case 'ECONNRESET':
      return clientLeft();
    default:
      return toGatewayError(error);
  }
}
