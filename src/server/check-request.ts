import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readClientCredential } from '../auth/inbound/client-credential.ts';
import { type ClientWait, waitForClient } from './client-departure.ts';
import type { LargeBodies } from './large-bodies.ts';
import type { Gatekeeper } from '../auth/inbound/gatekeeper.ts';
import type { Principal } from '../auth/inbound/principal.ts';
import { GatewayError } from '../errors.ts';
import { tooLarge } from './read-body.ts';
import { printableText } from './printable-text.ts';
import { allowedMethods, normalisePath, resolveRoute, type Route } from './resolve-route.ts';

export interface RequestRules {
  readonly gatekeeper: Gatekeeper;
  readonly maxBodyBytes: number;
  readonly largeBodies: LargeBodies;
  /** Whether paths nobody knows may be those of the local sign-in. */
  readonly hasSignIn: boolean;
}

/** Content types read as JSON; curl and some SDKs leave it out. Contract section 1.1. */
const JSON_TYPE = /^(?:application\/(?:[\w.+-]+\+)?json|text\/plain)\s*(?:;|$)/i;

const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** Largest body of a request to the local sign-in, in bytes. */
const MAX_SIGN_IN_BYTES = 64 * 1024;

/** Largest body of a request, in bytes. */
export function bodyLimit(route: Route | undefined, { maxBodyBytes }: RequestRules): number {
  return route?.kind === 'sign-in' ? Math.min(MAX_SIGN_IN_BYTES, maxBodyBytes) : maxBodyBytes;
}

/**
 * Everything a request can be refused for before its body is read: unknown paths, wrong methods, callers who may not
 * call, bodies that would not be read anyway. What passes has its `route` and `principal` set, and its client told to go
 * on if it waits for that.
 *
 * @returns what to wait for: somebody else who has to be asked who calls, or room for a large body
 * @throws {GatewayError}
 */
export function checkRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  rules: RequestRules,
): Promise<void> | undefined {
  const { httpVersion, headers } = request.raw;
  // RFC 9112 section 3.2. Node would check it too, but with an empty answer.
  if (httpVersion === '1.1' && headers.host === undefined) {
    throw new GatewayError('invalid_argument', 'An HTTP/1.1 request needs a Host header.');
  }
  const { pathname, query } = splitTarget(request.raw.url ?? '/');
  const route = resolveRoute(normalisePath(pathname)) ?? (rules.hasSignIn ? SIGN_IN : undefined);
  if (route === undefined) throw unknownPath(request.method, pathname);
  request.route = route;
  checkMethod(request, reply, { route, pathname });
  if (!('family' in route)) {
    return passOn(request, reply, rules);
  }
  const letIn = (principal: Principal): Promise<void> | undefined => {
    request.principal = principal;
    return passOn(request, reply, rules);
  };
  const principal = admit(request, reply, { route, query, rules });
  if (principal instanceof Promise) return principal.then(letIn);
  return letIn(principal);
}

const SIGN_IN: Route = { kind: 'sign-in' };

export function unknownPath(method: string, pathname: string): GatewayError {
  return new GatewayError('not_found', `There is nothing at ${method} ${shown(pathname)}.`);
}

type GuardedRoute = Extract<Route, { family: unknown }>;

/** Finds out who calls. A refusal says how to come back. RFC 6750 section 3. */
function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  { route, query, rules }: { route: GuardedRoute; query: string; rules: RequestRules },
): Principal | Promise<Principal> {
  const credential = readCredential(request, query);
  const refuse = (error: unknown): never => {
    const status = error instanceof GatewayError ? error.status : 0;
    const reason = status === 403 ? 'insufficient_scope' : 'invalid_token';
    const detail = credential === undefined ? '' : `, error="${reason}"`;
    if (status === 401 || status === 403)
      reply.header('www-authenticate', `Bearer realm="parlance"${detail}`);
    throw error;
  };
  let wait: ClientWait | undefined;
  const untilLeft = (): AbortSignal => {
    wait = waitForClient(request.socket);
    return wait.signal;
  };
  try {
    const principal = rules.gatekeeper.admit(route.family, credential, untilLeft);
    if (!(principal instanceof Promise)) return principal;
    return principal.catch(refuse).finally(() => wait?.release());
  } catch (error) {
    return refuse(error);
  }
}

/** What remains once it is known who calls. */
function passOn(
  request: FastifyRequest,
  reply: FastifyReply,
  rules: RequestRules,
): Promise<void> | undefined {
  const { route } = request;
  const { headers } = request.raw;
  if (route?.kind === 'not-implemented') {
    throw new GatewayError('unsupported', `Parlance does not implement ${route.what}; use chat/completions.`);
  }
  if (route?.kind === 'chat') checkBodyHeaders(headers);
  if (Number(headers['content-length']) > bodyLimit(route, rules)) throw tooLarge(bodyLimit(route, rules));
  const goOn = (): void => {
    if (headers.expect !== undefined && CONTINUE.test(headers.expect)) reply.raw.writeContinue();
  };
  const room = route?.kind === 'chat' ? rules.largeBodies.admit(request, reply) : undefined;
  if (room !== undefined) return room.then(goOn);
  goOn();
  return undefined;
}

function checkMethod(
  request: FastifyRequest,
  reply: FastifyReply,
  { route, pathname }: { route: Route; pathname: string },
): void {
  const allowed = allowedMethods(route);
  if (allowed.includes(request.method)) return;
  reply.header('allow', allowed.join(', '));
  throw new GatewayError(
    'method_not_allowed',
    `${shown(pathname)} answers ${allowed.join(' and ')}, not ${request.method}.`,
  );
}

function readCredential({ headers }: FastifyRequest, query: string): string | undefined {
  return readClientCredential({
    authorization: headers.authorization,
    'x-goog-api-key': single(headers['x-goog-api-key']),
    'api-key': single(headers['api-key']),
    queryKey: query === '' ? undefined : (new URLSearchParams(query).get('key') ?? undefined),
  });
}

function checkBodyHeaders(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'];
  if (type !== undefined && !JSON_TYPE.test(type)) {
    throw new GatewayError(
      'unsupported_media_type',
      `The body must be application/json, not ${shown(type) || 'an empty type'}. With curl, add: -H "Content-Type: application/json".`,
    );
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new GatewayError(
      'unsupported_media_type',
      `The body must not be compressed (content-encoding: ${shown(encoding)}). Send plain JSON.`,
    );
  }
}

/** Path and query of a request target (RFC 9112 section 3.2); the host of an absolute one means nothing here. */
export function splitTarget(url: string): { pathname: string; query: string } {
  const path = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const mark = path.indexOf('?');
  if (mark === -1) return { pathname: path || '/', query: '' };
  return { pathname: path.slice(0, mark) || '/', query: path.slice(mark + 1) };
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function shown(text: string): string {
  return printableText(text, 200);
}
