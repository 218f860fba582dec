import type { Socket } from 'node:net';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Gatekeeper } from '../auth/inbound/gatekeeper.ts';
import type { Readiness } from '../backends/backend.ts';
import { GatewayError } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import type { ModelList } from '../wire/openai/response.ts';
import { isModelAllowed } from '../routing/access-policy.ts';
import { answerChat, type ChatAnswerOptions } from './answer-chat.ts';
import { BrokenHttpAnswerer } from './answer-broken-http.ts';
import { bodyLimit, checkRequest } from './check-request.ts';
import { chooseRequestId } from './choose-request-id.ts';
import { answerSignIn, type SignIn } from './answer-sign-in.ts';
import { LargeBodies } from './large-bodies.ts';
import { logRequest, observeRequest } from './log-request.ts';
import { printableText } from './printable-text.ts';
import { readBody } from './read-body.ts';
import { sendError, sendJson } from './send-error.ts';

export interface HttpServerOptions extends ChatAnswerOptions {
  readonly log: Log;
  readonly gatekeeper: Gatekeeper;
  /** The local sign-in; absent where it is not asked for. */
  readonly signIn?: SignIn | undefined;
  readonly limits: HttpLimits;
}

export interface HttpLimits {
  readonly maxBodyBytes: number;
  /** Of all bodies over 1 MiB at a time. */
  readonly largeBodyBytes: number;
  readonly maxHeaderBytes: number;
  /** Time to send a whole request, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Time an idle connection stays open, in milliseconds. */
  readonly keepAliveMs: number;
}

/** Time for the headers alone, in milliseconds; Node's own default. */
const MAX_HEADERS_TIMEOUT = 60_000;

/** How often connections are looked at for slow requests, in milliseconds at most, and as a part of the time they have. */
const MAX_CHECK_INTERVAL = 5000;
const CHECKS_PER_TIMEOUT = 4;

/** The HTTP edge: limits, routes, error envelopes, streams. What is answered is decided elsewhere. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { limits, log, gatekeeper, signIn } = options;
  const largeBodies = new LargeBodies({
    bytes: limits.largeBodyBytes,
    // To Node the request has begun: the rest of its time is for the body.
    maxWaitMs: Math.ceil(limits.requestTimeoutMs / 2),
  });
  const rules = {
    gatekeeper,
    maxBodyBytes: limits.maxBodyBytes,
    largeBodies,
    hasSignIn: signIn !== undefined,
  };
  const brokenHttp = new BrokenHttpAnswerer(log);
  const observe = (request: FastifyRequest, reply: FastifyReply): void => {
    observeRequest(log, request, reply);
    brokenHttp.watch(reply);
  };
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    sendError(request, reply, error);
    // A response that was still waiting for its turn on the connection is never closed.
    if (request.socket.destroyed) logRequest(log, request, reply);
    return reply;
  };
  const server = fastify({
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    http: {
      maxHeaderSize: limits.maxHeaderBytes,
      // Node exchanges the two times when the one for the headers is the longer one, and bodies then take their time.
      headersTimeout: Math.min(MAX_HEADERS_TIMEOUT, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(
        MAX_CHECK_INTERVAL,
        Math.ceil(limits.requestTimeoutMs / CHECKS_PER_TIMEOUT),
      ),
      requireHostHeader: false,
    },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    logger: false,
    clientErrorHandler: brokenHttp.answer,
    // A path with an invalid escape is an unknown path, in our envelope. No hook runs for it.
    frameworkErrors: (error, request, reply) => {
      observe(request, reply);
      fail(error, request, reply);
    },
    requestIdHeader: false,
    genReqId: chooseRequestId,
  });
  server.decorateRequest('startedAt', 0);
  server.decorateRequest('isLogged', false);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (request, payload, done) => {
    readBody(request, payload, { maxBytes: bodyLimit(request.route, rules), largeBodies }, done);
  });

  // Neither hook nor handler is a promise to the framework: following one costs more than what most of them do.
  server.addHook('onRequest', (request, reply, done) => {
    observe(request, reply);
    reply.header('x-request-id', request.id);
    try {
      const pending = checkRequest(request, reply, rules);
      if (pending === undefined) done();
      else void whenSettled(pending, done);
    } catch (error) {
      done(error as Error);
    }
  });
  server.setErrorHandler((error, request, reply) => {
    fail(error, request, reply);
  });
  server.setNotFoundHandler((request, reply) => {
    answer(request, reply, options).catch((error: unknown) => {
      fail(error, request, reply);
    });
  });
  acceptMoreOfHttp(server, brokenHttp);
  return server;
}

/** Goes on when a check has come to its end. */
async function whenSettled(pending: Promise<void>, done: (error?: Error) => void): Promise<void> {
  let failure: Error | undefined;
  try {
    await pending;
  } catch (error) {
    failure = error as Error;
  }
  done(failure);
}

/** What Node answers by itself unless somebody listens, with no body or none of ours. */
function acceptMoreOfHttp({ server }: FastifyInstance, brokenHttp: BrokenHttpAnswerer): void {
  // The client waits for "100 Continue" before it sends the body: it is told once the request has been checked.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  // Any other expectation may be ignored (RFC 9110 section 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('connect', (_request, socket: Socket) => {
    brokenHttp.refuseConnect(socket);
  });
  // Each pipelined request listens for the end of its connection.
  server.on('connection', (socket) => socket.setMaxListeners(0));
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  options: HttpServerOptions,
): Promise<FastifyReply> {
  const { route } = request;
  switch (route?.kind) {
    case 'chat':
      return answerChat(request, reply, { route, options });
    case 'models':
      return sendJson(reply, 200, {
        object: 'list',
        data: options.router
          .list(route.family)
          .filter(({ id }) => isModelAllowed(request.principal?.policy, id)),
      } satisfies ModelList);
    case 'model': {
      const model = options.router.describe(route.id, route.family);
      if (model !== undefined && isModelAllowed(request.principal?.policy, model.id))
        return sendJson(reply, 200, model);
      throw new GatewayError(
        'model_not_found',
        `The model ${JSON.stringify(printableText(route.id, 256))} does not exist here.`,
        { param: 'model' },
      );
    }
    case 'health':
      return sendJson(reply, 200, { status: 'ok' });
    case 'ready':
      return answerReady(reply, options);
    case 'sign-in':
      return answerSignIn(request, reply, options.signIn);
    case 'not-implemented':
    case undefined:
      throw new GatewayError('not_found', 'There is nothing here.');
  }
}

/** Ready unless something has yet to start, or nothing at all can serve. An outage behind us is not ours to end. */
function answerReady(reply: FastifyReply, { router }: HttpServerOptions): FastifyReply {
  const { backends } = router;
  const upstreams: Record<string, Readiness> = {};
  const waits: number[] = [];
  let areAllOut = true;
  for (const backend of backends) {
    const readiness = backend.readiness();
    upstreams[backend.name] = readiness;
    if (readiness.ready || readiness.isOutage !== true) areAllOut = false;
    if (!readiness.ready) waits.push(readiness.isOutage === true ? 0 : readiness.retryAfterSeconds);
  }
  const wait = Math.max(0, ...waits);
  if (wait === 0 && !(areAllOut && backends.length > 0)) {
    return sendJson(reply, 200, { status: 'ready', upstreams });
  }
  reply.header('retry-after', String(Math.max(1, Math.ceil(wait))));
  return sendJson(reply, 503, { status: 'not ready', upstreams });
}
