import type { Dispatcher } from 'undici';
import { cutSecrets, type Secret, secretsIn } from '../../upstream/cut-secrets.ts';
import { exchange, readText } from '../../upstream/exchange.ts';
import { type RetryBudget, type RetryOptions, withRetries } from '../../upstream/retry.ts';
import { TransportError } from '../../upstream/transport-error.ts';
import { parseJson } from '../../wire/json-text/parse-json.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { CredentialFault } from './credential-fault.ts';

export interface AccessToken {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What every way to a token needs. */
export interface TokenContext {
  /** For `https` URLs; goes through the proxies that are set. */
  readonly dispatcher: Dispatcher;
  /** For `http` URLs, which name this machine or its cloud's metadata server: a proxy has no business there. */
  readonly direct: Dispatcher;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  readonly budget: RetryBudget;
  readonly retry: RetryOptions;
}

export interface TokenRequest {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes it a POST. An object is sent as a form. */
  readonly body?: string | Readonly<Record<string, string>>;
  /** What to do when the server refuses; sentences. */
  readonly advice: string;
  /** What the server may quote in its error but nobody may read, besides headers and the query of the URL. */
  readonly secrets?: readonly string[];
}

const MAX_ANSWER_BYTES = 1024 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Lifetime of a token whose server does not tell, in seconds: Google's default. RFC 6749 section 5.1. */
const DEFAULT_LIFETIME = 3600;

/**
 * One request on the way to a token, repeated while it fails in a way that may pass.
 *
 * @returns the body of the answer with status 200
 * @throws {CredentialFault} the signal's reason when it aborted for another cause than time
 */
export async function requestText(request: TokenRequest, context: TokenContext): Promise<string> {
  try {
    return await withRetries(() => attempt(request, context), judge, {
      budget: context.budget,
      signal: context.signal,
      options: context.retry,
    });
  } catch (error) {
    throw explainFailure(error, request.url, context);
  }
}

/** What to throw when a request failed: a fault, or the signal's reason when it aborted for another cause than time. */
export function explainFailure(error: unknown, url: URL, { signal }: TokenContext): unknown {
  if (error instanceof CredentialFault) return error;
  const place = describeUrl(url);
  if (signal.aborted) {
    if (!isTimeout(signal.reason)) return signal.reason;
    return new CredentialFault(`${place} did not answer in time.`, { isTransient: true, cause: error });
  }
  return new CredentialFault(
    `${place} gave no answer: ${TransportError.from(error).message}. Check the network and the proxy settings.`,
    { isTransient: true, cause: error },
  );
}

/** As {@link requestText}, for an answer that is a JSON object. */
export async function requestJson(request: TokenRequest, context: TokenContext): Promise<JsonObject> {
  const json = parseJson(await requestText(request, context));
  if (isJsonObject(json)) return json;
  throw new CredentialFault(`${describeUrl(request.url)} answered with something that is not a JSON object.`);
}

/**
 * The answer of an OAuth token endpoint. RFC 6749 section 5.1, RFC 8693 section 2.2.
 *
 * @throws {CredentialFault}
 */
export async function requestToken(request: TokenRequest, context: TokenContext): Promise<AccessToken> {
  const askedAt = context.now();
  const json = await requestJson(request, context);
  const lifetime = Number(json['expires_in'] ?? DEFAULT_LIFETIME);
  return {
    value: checkToken(json['access_token'], 'access_token', request.url),
    expiresAt: askedAt + (Number.isFinite(lifetime) ? lifetime : DEFAULT_LIFETIME) * 1000,
  };
}

/** A token that can stand in a header. @throws {CredentialFault} */
export function checkToken(value: unknown, member: string, url: URL): string {
  if (typeof value === 'string' && /^[\u0021-\u007E]+$/.test(value)) return value;
  throw new CredentialFault(`${describeUrl(url)} answered without a usable "${member}".`);
}

/** Without query and password, which may be secret. */
export function describeUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

async function attempt(request: TokenRequest, context: TokenContext): Promise<string> {
  const { url, body } = request;
  const isForm = typeof body === 'object';
  const {
    status,
    body: answer,
    sent,
  } = await exchange(url.protocol === 'http:' ? context.direct : context.dispatcher, {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      'user-agent': 'parlance',
      ...(body !== undefined && {
        'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
      }),
      ...request.headers,
    },
    ...(body !== undefined && { body: isForm ? new URLSearchParams(body).toString() : body }),
    signal: context.signal,
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
    idleTimeoutMs: HEADERS_TIMEOUT_MS,
  });
  const text = await readText(answer, MAX_ANSWER_BYTES);
  if (status === 200) return text;
  const isTransient = TRANSIENT_STATUSES.has(status);
  const reason = refusalReason(text, [...secretsOf(request), ...secretsIn(sent)]);
  throw new CredentialFault(
    `${describeUrl(url)} answered ${status}${reason === '' ? '' : ` ${reason}`}. ${isTransient ? 'Try again later.' : request.advice}`,
    { isTransient },
  );
}

function judge(error: unknown): { retryable: boolean } {
  if (error instanceof CredentialFault) return { retryable: error.isTransient };
  return { retryable: error instanceof TransportError && error.fault !== 'too-large' };
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}

function secretsOf({ url, secrets = [] }: TokenRequest): Secret[] {
  const named = secrets.filter((value) => value !== '').map((value) => ({ name: 'secret', value }));
  // As it is written, and as it is meant.
  const queries = [url.search, [...url.searchParams.values()].join(' ')];
  return [...named, ...queries.flatMap((query) => secretsIn({ query }))];
}

/** The reason an OAuth server (RFC 6749 section 5.2) or a Google API gives, fit to be shown; '' for none. */
function refusalReason(text: string, secrets: readonly Secret[]): string {
  const json = parseJson(text);
  if (!isJsonObject(json)) return '';
  const { error, error_description: description } = json;
  const parts = isJsonObject(error) ? [error['status'], error['message']] : [error, description];
  return presentable(parts.filter((part) => typeof part === 'string').join(': '), secrets);
}

const MAX_REASON_LENGTH = 300;

/** A foreign text without secrets, control characters and anything long enough to be a key or token. */
export function presentable(text: string, secrets: readonly Secret[] = []): string {
  return cutSecrets(text, secrets)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .replaceAll(/[^\s@]{64,}/g, '[secret]')
    .slice(0, MAX_REASON_LENGTH)
    .trim()
    .replace(/\.$/, '');
}
