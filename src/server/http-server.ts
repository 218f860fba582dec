import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type ApiKeys, readClientKey } from '../auth/api-keys.ts';
import type { Readiness } from '../backends/backend.ts';
import { ERROR_KINDS, GatewayError, toGatewayError } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import { toErrorBody } from '../wire/openai/error.ts';
import type { ModelList, Usage } from '../wire/openai/response.ts';
import { parseJsonBody } from '../wire/validation/parse-json-body.ts';
import { randomBase62 } from './base62.ts';
import {
  type ChatAnswer,
  type ChatFacts,
  type ChatHandlerOptions,
  handleChat,
  toStreamError,
} from './handle-chat.ts';
import { allowedMethods, normalisePath, resolveRoute, type Route } from './resolve-route.ts';
import { SseWriter } from './sse-writer.ts';

export interface HttpServerOptions extends ChatHandlerOptions {
  readonly log: Log;
  /** `undefined`: everybody may call. */
  readonly apiKeys?: ApiKeys | undefined;
  readonly limits: HttpLimits;
  /** Silence in a stream after which a comment is sent, in milliseconds; 0 for never. */
  readonly streamKeepAliveMs: number;
}

export interface HttpLimits {
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  /** Time to send a whole request, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Time an idle connection stays open, in milliseconds. */
  readonly keepAliveMs: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What the URL asks for; set before the body is read. */
    route?: Route;
    startedAt: number;
    /** For the log line. */
    facts?: ChatFacts;
    usage?: Usage;
    /** The error that was answered or sent in the stream. */
    failure?: GatewayError;
  }
}

/** Request ids clients may choose: nothing that could break a log line or a header. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Content types read as JSON; curl and some SDKs leave it out. Contract section 1.1. */
const JSON_TYPE = /^(?:application\/(?:[\w.+-]+\+)?json|text\/plain)\s*(?:;|$)/i;

/** The HTTP edge: limits, routes, error envelopes, streams. What is answered is decided elsewhere. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { limits, log } = options;
  const server = fastify({
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    http: { maxHeaderSize: limits.maxHeaderBytes },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    logger: false,
    clientErrorHandler: answerBrokenHttp,
    // A path with an invalid escape is an unknown path, in our envelope.
    frameworkErrors: (error, request, reply) => sendError(request, reply, fromFastifyError(error)),
    requestIdHeader: false,
    genReqId: (request) => chooseRequestId(request),
  });
  server.decorateRequest('startedAt', 0);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });

  server.addHook('onRequest', async (request, reply) => {
    request.startedAt = performance.now();
    reply.header('x-request-id', request.id);
    checkRequest(request, reply, options.apiKeys);
  });
  server.setErrorHandler(async (error, request, reply) => sendError(request, reply, fromFastifyError(error)));
  server.setNotFoundHandler(async (request, reply) => answer(request, reply, options));
  server.addHook('onResponse', async (request, reply) => {
    logRequest(log, request, reply.raw.statusCode);
  });
  return server;
}

/** Everything that can be refused before the body is read: unknown paths, wrong methods, missing keys. */
function checkRequest(request: FastifyRequest, reply: FastifyReply, apiKeys: ApiKeys | undefined): void {
  const { pathname, searchParams } = readUrl(request.raw.url ?? '/');
  const route = resolveRoute(normalisePath(pathname));
  if (route === undefined) {
    throw new GatewayError('not_found', `There is nothing at ${request.method} ${shown(pathname)}.`);
  }
  request.route = route;
  const allowed = allowedMethods(route);
  if (!allowed.includes(request.method)) {
    reply.header('allow', allowed.join(', '));
    throw new GatewayError('method_not_allowed', `${shown(pathname)} answers ${allowed.join(' and ')}, not ${request.method}.`);
  }
  if (apiKeys === undefined || route.kind === 'health' || route.kind === 'ready') return;
  const key = readClientKey({
    authorization: request.headers.authorization,
    'x-goog-api-key': single(request.headers['x-goog-api-key']),
    'api-key': single(request.headers['api-key']),
    queryKey: searchParams.get('key') ?? undefined,
  });
  if (key !== undefined && apiKeys.has(key)) return;
  reply.header('www-authenticate', 'Bearer realm="parlance"');
  throw new GatewayError(
    'invalid_api_key',
    key === undefined
      ? 'No API key was sent. Send it as "Authorization: Bearer KEY".'
      : 'The API key is not one of this server.',
  );
}

async function answer(request: FastifyRequest, reply: FastifyReply, options: HttpServerOptions): Promise<unknown> {
  const { route } = request;
  switch (route?.kind) {
    case 'chat':
      return answerChat(request, reply, { route, options });
    case 'models':
      return sendJson(reply, 200, { object: 'list', data: options.router.list(route.family) } satisfies ModelList);
    case 'model': {
      const model = options.router.describe(route.id, route.family);
      if (model !== undefined) return sendJson(reply, 200, model);
      throw new GatewayError('model_not_found', `The model ${JSON.stringify(route.id.slice(0, 256))} does not exist here.`, {
        param: 'model',
      });
    }
    case 'health':
      return sendJson(reply, 200, { status: 'ok' });
    case 'ready':
      return answerReady(reply, options);
    case 'not-implemented':
      throw new GatewayError('unsupported', `Parlance does not implement ${route.what}; use chat/completions.`);
    case undefined:
      throw new GatewayError('not_found', 'There is nothing here.');
  }
}

function answerReady(reply: FastifyReply, { router }: HttpServerOptions): FastifyReply {
  const upstreams: Record<string, Readiness> = {};
  for (const backend of router.backends) upstreams[backend.name] = backend.readiness();
  const waits = Object.values(upstreams).flatMap((state) => (state.ready ? [] : [state.retryAfterSeconds]));
  if (waits.length === 0) return sendJson(reply, 200, { status: 'ready', upstreams });
  reply.header('retry-after', String(Math.max(...waits)));
  return sendJson(reply, 503, { status: 'not ready', upstreams });
}

async function answerChat(
  request: FastifyRequest,
  reply: FastifyReply,
  { route, options }: { route: Extract<Route, { kind: 'chat' }>; options: HttpServerOptions },
): Promise<FastifyReply> {
  const work = watchClient(reply.raw);
  try {
    const result = await handleChat(
      {
        body: readBody(request),
        family: route.family,
        endpoint: route.endpoint,
        requestId: request.id,
        signal: work.signal,
        onDeadline: work.setDeadline,
      },
      options,
    );
    request.facts = result.facts;
    const headers = factHeaders(result.facts, request.startedAt);
    if (result.mode === 'stream') {
      await streamAnswer(request, reply, { result, headers, signal: work.signal, keepAliveMs: options.streamKeepAliveMs });
      return reply;
    }
    request.usage = result.completion.usage;
    return sendJson(reply.headers(headers), 200, result.completion);
  } catch (error) {
    throw toStreamError(error, work.signal);
  } finally {
    work.release();
  }
}

async function streamAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    result,
    headers,
    signal,
    keepAliveMs,
  }: {
    result: Extract<ChatAnswer, { mode: 'stream' }>;
    headers: Record<string, string>;
    signal: AbortSignal;
    keepAliveMs: number;
  },
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    'x-request-id': request.id,
    ...headers,
  });
  raw.flushHeaders();
  const writer = new SseWriter(raw, { keepAliveMs, signal });
  try {
    for await (const { chunks, usage } of result.chunks) {
      if (usage !== undefined) request.usage = usage;
      await writer.write(chunks);
      if (raw.destroyed) break;
    }
    if (signal.aborted) throw signal.reason;
    await writer.done();
  } catch (error) {
    // Too late for a status: SDKs raise an event with an error. Without [DONE] nobody takes it for complete.
    const failure = toStreamError(error, signal);
    request.failure = failure;
    if (!raw.destroyed) await writer.write([toErrorBody(failure)]);
    writer.close();
  }
}

interface Work {
  readonly signal: AbortSignal;
  /** Ends the work after this many milliseconds. */
  readonly setDeadline: (milliseconds: number) => void;
  readonly release: () => void;
}

/** Work that ends when the client leaves or time is up. */
function watchClient(response: ServerResponse): Work {
  let timer: NodeJS.Timeout | undefined;
  const controller = new AbortController();
  const left = (): void => {
    controller.abort(new GatewayError('cancelled', 'The client closed the connection.'));
  };
  response.once('close', left);
  return {
    signal: controller.signal,
    setDeadline: (milliseconds) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        controller.abort(new GatewayError('timeout', `The answer took longer than ${milliseconds / 1000} seconds.`));
      }, milliseconds);
    },
    release: () => {
      clearTimeout(timer);
      response.off('close', left);
    },
  };
}

function readBody(request: FastifyRequest): unknown {
  const type = request.headers['content-type'];
  if (type !== undefined && !JSON_TYPE.test(type)) {
    throw new GatewayError(
      'unsupported_media_type',
      `The body must be application/json, not ${shown(type)}. With curl, add: -H "Content-Type: application/json".`,
    );
  }
  const { body } = request;
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw new GatewayError('invalid_json', 'The request has no body. Send a JSON object.');
  }
  if (!isUtf8(body)) throw new GatewayError('invalid_json', 'The body is not valid UTF-8.');
  return parseJsonBody(body.toString('utf8'));
}

function factHeaders({ upstream, modelVersion, ignored, upstreamMs }: ChatFacts, startedAt: number): Record<string, string> {
  const total = performance.now() - startedAt;
  return {
    'x-parlance-upstream': upstream,
    'x-parlance-model-version': headerText(modelVersion),
    ...(ignored.length === 0 ? {} : { 'x-parlance-ignored': headerText(ignored.join(', ')) }),
    'server-timing': `total;dur=${total.toFixed(1)}, upstream;dur=${upstreamMs.toFixed(1)}, own;dur=${Math.max(0, total - upstreamMs).toFixed(1)}`,
  };
}

/** Clients choose field names; a header takes visible ASCII only, and not too much of it. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 2048);
}

function sendJson(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply.code(status).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(body));
}

function sendError(request: FastifyRequest, reply: FastifyReply, error: GatewayError): FastifyReply {
  request.failure = error;
  reply.header('x-request-id', request.id);
  if (error.retryAfterSeconds !== undefined) {
    reply.header('retry-after', String(Math.ceil(error.retryAfterSeconds)));
    reply.header('retry-after-ms', String(Math.round(error.retryAfterSeconds * 1000)));
  }
  return sendJson(reply, error.status, toErrorBody(error));
}

/** Fastify's own errors in the words of our table. */
function fromFastifyError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new GatewayError('request_too_large', 'The body is larger than this server accepts.');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new GatewayError('invalid_json', 'The body is not as long as its content-length says.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new GatewayError('unsupported_media_type', 'The content type is not valid. Send application/json.');
    case 'FST_ERR_BAD_URL':
      return new GatewayError('not_found', 'The path is not a valid URL path.');
    default:
      return toGatewayError(error);
  }
}

/** What Node's HTTP parser refuses never becomes a request; it is answered on the bare socket. */
function answerBrokenHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.destroyed || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const failure = fromParserError(error.code);
  const body = JSON.stringify(toErrorBody(failure));
  const status = ERROR_KINDS[failure.code].status;
  socket.end(
    `HTTP/1.1 ${status} Error\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-request-id: req_${randomBase62()}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function fromParserError(code: string | undefined): GatewayError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new GatewayError('headers_too_large', 'The headers are larger than this server accepts.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError('request_timeout', 'The request was not complete in time.');
    default:
      return new GatewayError('invalid_argument', 'This is not a valid HTTP request.');
  }
}

function chooseRequestId(request: IncomingMessage): string {
  const sent = request.headers['x-request-id'];
  return typeof sent === 'string' && REQUEST_ID.test(sent) ? sent : `req_${randomBase62()}`;
}

/** Only path and query: some clients send an absolute URL, and a host in it means nothing here. */
function readUrl(url: string): { pathname: string; searchParams: URLSearchParams } {
  const path = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '') || '/';
  const [pathname = '/', query = ''] = path.split(/\?(.*)/s);
  return { pathname, searchParams: new URLSearchParams(query) };
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Client text in a message: short, and without control characters. */
function shown(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > 200 ? `${clean.slice(0, 200)}…` : clean;
}

function logRequest(log: Log, request: FastifyRequest, status: number): void {
  const { route, facts, usage, failure } = request;
  if (route?.kind === 'health' || route?.kind === 'ready') return;
  const fields = {
    requestId: request.id,
    method: request.method,
    route: route === undefined ? 'unknown' : 'family' in route ? `${route.kind} ${route.family}` : route.kind,
    status,
    ms: Math.round(performance.now() - request.startedAt),
    ...(facts === undefined ? {} : { upstream: facts.upstream, model: facts.modelVersion }),
    ...(usage === undefined ? {} : { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens }),
    ...(failure === undefined ? {} : { error: failure.code }),
  };
  if (failure?.code === 'internal_error') log.error({ ...fields, err: failure.cause }, 'request failed');
  else log.info(fields, 'request');
}
