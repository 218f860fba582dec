import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import { toErrorBody } from '../wire/openai/error.ts';
import { newRequestId } from './choose-request-id.ts';
import { logRequest } from './log-request.ts';

/** How long a refused connection is still read from, in milliseconds: a reset would take the answer from the client. */
const LINGER_MS = 1000;

/**
 * Answers what Node's HTTP parser refuses. It never becomes a request, or stops being one halfway, so the answer is
 * written on the bare socket, which is closed behind it.
 */
export class BrokenHttpAnswerer {
  readonly #log: Log;
  readonly #latest = new WeakMap<Socket, FastifyReply>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** To be told of every request: an answer that is under way on a connection must not be written into. */
  watch(reply: FastifyReply): void {
    this.#latest.set(reply.request.socket, reply);
  }

  /** For the server's `clientError` event. */
  readonly answer = (error: NodeJS.ErrnoException, socket: Socket): void => {
    // Bytes that come after the answer are dropped here, too.
    if (socket.destroyed || socket.writableEnded) return;
    const reply = this.#latest.get(socket);
    if (!socket.writable || isConnectionFault(error.code) || (reply !== undefined && isUnderWay(reply))) {
      socket.destroy();
      return;
    }
    const failure = fromParserError(error.code);
    if (reply === undefined || reply.raw.headersSent) {
      this.#refuseUnknown(socket, failure);
      return;
    }
    // What broke is the body of a request that is being read.
    const { request } = reply;
    request.failure ??= failure;
    logRequest(this.#log, request, reply);
    refuse(socket, failure, request.id);
  };

  /** For the server's `connect` event: Parlance is no proxy. */
  readonly refuseConnect = (socket: Socket): void => {
    this.#refuseUnknown(
      socket,
      new GatewayError('method_not_allowed', 'This server does not answer CONNECT.'),
    );
  };

  #refuseUnknown(socket: Socket, failure: GatewayError): void {
    const requestId = newRequestId();
    this.#log.info({ requestId, route: 'broken', status: failure.status, error: failure.code }, 'request');
    refuse(socket, failure, requestId);
  }
}

function refuse(socket: Socket, failure: GatewayError, requestId: string): void {
  const body = JSON.stringify(toErrorBody(failure));
  socket.end(
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** Whether an answer has begun and it, or the request it belongs to, has not ended. */
function isUnderWay({ raw }: FastifyReply): boolean {
  return raw.headersSent && !(raw.writableFinished && raw.req.complete);
}

/** Errors of the connection itself: nobody is left to answer. */
function isConnectionFault(code: string | undefined): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT';
}

function fromParserError(code: string | undefined): GatewayError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new GatewayError('headers_too_large', 'The headers are larger than this server accepts.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError('request_timeout', 'The request was not complete in time.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new GatewayError('request_too_large', 'The chunk extensions of the body are too large.');
    default:
      return new GatewayError('invalid_argument', 'This is not a valid HTTP request.');
  }
}
