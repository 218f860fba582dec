import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../auth/inbound/principal.ts';
import type { GatewayError } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import type { TokenUsage } from '../wire/openai/response.ts';
import type { ChatFacts } from './handle-chat.ts';
import type { Route } from './resolve-route.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the URL asks for; set before the body is read. */
    route?: Route;
    /** Who calls; set before the body is read. */
    principal?: Principal;
    /** `performance.now()` at the arrival of the headers. */
    startedAt: number;
    /** How the caller's limits stand, where it has any. */
    limitHeaders?: Readonly<Record<string, string>>;
    /** Set once the upstream has answered. */
    facts?: ChatFacts;
    /** Token counts, once they are known. */
    usage?: TokenUsage | undefined;
    /** The first error that was answered or sent in the stream. */
    failure?: GatewayError;
    isLogged: boolean;
  }
}

/** Takes the time, and logs the request when its response is over: sent, or cut off because the client left. */
export function observeRequest(log: Log, request: FastifyRequest, reply: FastifyReply): void {
  request.startedAt = performance.now();
  reply.raw.once('close', () => {
    logRequest(log, request, reply);
  });
  // Node reports a write to a client that has left as an error of the response; `close` tells the same.
  reply.raw.on('error', ignoreError);
}

function ignoreError(): void {}

/** One line for each request but health checks; never a second one. */
export function logRequest(log: Log, request: FastifyRequest, { raw }: FastifyReply): void {
  const { route, principal, facts, usage, failure } = request;
  if (request.isLogged || route?.kind === 'health' || route?.kind === 'ready') return;
  request.isLogged = true;
  const isCutOff = failure === undefined && !raw.writableFinished;
  const passedOver = facts?.passedOver ?? failure?.passedOver ?? [];
  const error = isCutOff ? 'cancelled' : failure?.code;
  const fields = {
    requestId: request.id,
    method: request.method,
    route: routeName(route),
    status: raw.headersSent && !isCutOff ? raw.statusCode : (failure?.status ?? 499),
    ms: Math.round(performance.now() - request.startedAt),
    ...(principal === undefined || principal.kind === 'anonymous' ? {} : { caller: principal.id }),
    ...(facts === undefined ? {} : { upstream: facts.upstream, model: facts.modelVersion }),
    ...(facts?.replica === undefined ? {} : { replica: facts.replica }),
    ...(passedOver.length === 0 ? {} : { passedOver }),
    ...(usage === undefined
      ? {}
      : { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens }),
    ...(error === undefined ? {} : { error }),
  };
  const cause = failure?.cause;
  // Causes of a client's own errors may quote its request.
  if (failure?.code === 'internal_error') log.error({ ...fields, err: cause }, 'request failed');
  else if (failure !== undefined && failure.status >= 500 && cause !== undefined) {
    log.warn({ ...fields, err: cause }, 'request failed');
  } else log.info(fields, 'request');
}

function routeName(route: Route | undefined): string {
  if (route === undefined) return 'unknown';
  return 'family' in route ? `${route.kind} ${route.family}` : route.kind;
}
