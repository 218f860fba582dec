import type { Dispatcher } from 'undici';
import { exchange, readText } from '../../upstream/exchange.ts';
import type { ResponseHeaders } from '../../upstream/response-headers.ts';
import { TransportError } from '../../upstream/transport-error.ts';

/** What every question to an issuer of credentials needs. */
export interface EndpointContext {
  readonly dispatcher: Dispatcher;
  /** Longest time for one question, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends the question early. */
  readonly signal: AbortSignal;
}

export interface EndpointQuestion {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
}

export interface EndpointAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** `undefined` when the body is not JSON. */
  readonly json: unknown;
}

/** An issuer did not answer, or not with what it should. The message holds no secret and is meant for the log. */
export class EndpointFailure extends Error {
  override readonly name = 'EndpointFailure';
  /** Nothing could be sent. */
  readonly isUnreachable: boolean;

  constructor(url: URL, problem: string, options: { readonly isUnreachable?: boolean } = {}) {
    super(`${url.origin}${url.pathname} ${problem}`);
    this.isUnreachable = options.isUnreachable ?? false;
  }
}

/** Published keys are a few kilobytes; tens of them at the largest issuers. */
const MAX_ANSWER_BYTES = 512 * 1024;

/**
 * Asks an issuer one question. Redirects are not followed: a token must not travel to where nobody sent it.
 *
 * @returns the answer, whatever its status
 * @throws {EndpointFailure} the signal's reason when it aborted
 */
export async function askEndpoint(
  question: EndpointQuestion,
  context: EndpointContext,
): Promise<EndpointAnswer> {
  const deadline = AbortSignal.timeout(context.timeoutMs);
  const signal = AbortSignal.any([context.signal, deadline]);
  try {
    return await withSecondTry(() => attempt(question, signal, context));
  } catch (error) {
    context.signal.throwIfAborted();
    if (deadline.aborted) throw new EndpointFailure(question.url, 'did not answer in time');
    const fault = TransportError.from(error);
    throw new EndpointFailure(question.url, `gave no usable answer: ${fault.message}`, {
      isUnreachable: fault.fault === 'connect',
    });
  }
}

/** A connection that was kept open may break just when it is used again. */
async function withSecondTry<T>(attemptOnce: () => Promise<T>): Promise<T> {
  try {
    return await attemptOnce();
  } catch (error) {
    if (error instanceof TransportError && error.fault === 'reset') return attemptOnce();
    throw error;
  }
}

async function attempt(
  { url, method, headers }: EndpointQuestion,
  signal: AbortSignal,
  { dispatcher, timeoutMs }: EndpointContext,
): Promise<EndpointAnswer> {
  const response = await exchange(dispatcher, {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers: { 'user-agent': 'parlance', accept: 'application/json', ...headers },
    ...(method === 'POST' && { body: '' }),
    signal,
    headersTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
  });
  const text = await readText(response.body, MAX_ANSWER_BYTES);
  return { status: response.status, headers: response.headers, json: parseJson(text) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Whether what comes from this URL can be believed: over plain `http` anyone on the way could put in keys of their own.
 */
export function isTrustworthy(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
}

/** @throws {RangeError} when the URL is not {@link isTrustworthy} */
export function checkTrustworthy(url: URL): URL {
  if (isTrustworthy(url)) return url;
  throw new RangeError(`${url.origin}${url.pathname} must be an https URL; http is for this machine alone`);
}
