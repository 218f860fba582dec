import type { FastifyReply, FastifyRequest } from 'fastify';
import { ANONYMOUS, type ApiKeys, readClientKey } from '../auth/api-keys.ts';
import { HashedKey } from '../auth/hashed-key.ts';
import { GatewayError } from '../errors.ts';
import { printableText } from './printable-text.ts';
import { allowedMethods, normalisePath, resolveRoute, type Route } from './resolve-route.ts';

export interface RequestRules {
  /** `undefined`: everybody may call. */
  readonly apiKeys: ApiKeys | undefined;
  readonly maxBodyBytes: number;
}

/** Content types read as JSON; curl and some SDKs leave it out. Contract section 1.1. */
const JSON_TYPE = /^(?:application\/(?:[\w.+-]+\+)?json|text\/plain)\s*(?:;|$)/i;

const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/**
 * Everything a request can be refused for before its body is read: unknown paths, wrong methods, missing keys, bodies
 * that would not be read anyway. What passes has its `route` set, and its client told to go on if it waits for that.
 *
 * @throws {GatewayError}
 */
export function checkRequest(request: FastifyRequest, reply: FastifyReply, rules: RequestRules): void {
  const { httpVersion, headers } = request.raw;
  // RFC 9112 section 3.2. Node would check it too, but with an empty answer.
  if (httpVersion === '1.1' && headers.host === undefined) {
    throw new GatewayError('invalid_argument', 'An HTTP/1.1 request needs a Host header.');
  }
  const { pathname, query } = splitTarget(request.raw.url ?? '/');
  const route = resolveRoute(normalisePath(pathname));
  if (route === undefined) {
    throw new GatewayError('not_found', `There is nothing at ${request.method} ${shown(pathname)}.`);
  }
  request.route = route;
  checkMethod(request, reply, { route, pathname });
  if (route.kind !== 'health' && route.kind !== 'ready') {
    const sent = readKey(request, query);
    const key = sent === undefined ? undefined : new HashedKey(sent);
    if (rules.apiKeys !== undefined) checkKey(key, reply, rules.apiKeys);
    request.tenant = key?.tenant ?? ANONYMOUS;
  }
  if (route.kind === 'not-implemented') {
    throw new GatewayError('unsupported', `Parlance does not implement ${route.what}; use chat/completions.`);
  }
  if (route.kind === 'chat') checkBodyHeaders(request, rules.maxBodyBytes);
  if (headers.expect !== undefined && CONTINUE.test(headers.expect)) reply.raw.writeContinue();
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

function readKey({ headers }: FastifyRequest, query: string): string | undefined {
  return readClientKey({
    authorization: headers.authorization,
    'x-goog-api-key': single(headers['x-goog-api-key']),
    'api-key': single(headers['api-key']),
    queryKey: query === '' ? undefined : (new URLSearchParams(query).get('key') ?? undefined),
  });
}

function checkKey(key: HashedKey | undefined, reply: FastifyReply, apiKeys: ApiKeys): void {
  if (key !== undefined && apiKeys.has(key)) return;
  reply.header('www-authenticate', 'Bearer realm="parlance"');
  throw new GatewayError(
    'invalid_api_key',
    key === undefined
      ? 'No API key was sent. Send it as "Authorization: Bearer KEY".'
      : 'The API key is not one of this server.',
  );
}

function checkBodyHeaders({ headers }: FastifyRequest, maxBodyBytes: number): void {
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
  if (Number(headers['content-length']) > maxBodyBytes) {
    throw new GatewayError(
      'request_too_large',
      `The body is larger than the ${maxBodyBytes} bytes this server accepts.`,
    );
  }
}

/** Path and query of a request target (RFC 9112 section 3.2); the host of an absolute one means nothing here. */
function splitTarget(url: string): { pathname: string; query: string } {
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
