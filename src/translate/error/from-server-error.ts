import { GatewayError, type GatewayErrorOptions, type ServerStatus } from '../../errors.ts';
import { parseErrorText } from '../../wire/gemini/error.ts';
import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { cutText } from './cut-text.ts';
import { excerptOf } from './excerpt.ts';
import { readEventError, readServerError, type ServerError } from './read-server-error.ts';
import { retryAfterSeconds } from './retry-after.ts';
import { serverErrorCode, serverErrorStatus } from './server-error-code.ts';

export interface ServerErrorResponse {
  /** HTTP status of the response; also 200, when its body is no answer. */
  readonly status: number;
  readonly contentType?: string;
  /** Body as text: JSON in any form of {@link readServerError}, or whatever a proxy wrote. */
  readonly body: string;
  /** The `retry-after` header. */
  readonly retryAfter?: string;
  /** The upstream's configured name. */
  readonly upstream: string;
}

/** A failure of a model server as one of ours. JSON is recognised whatever the content type says. Contract section 12. */
export function fromServerError(response: ServerErrorResponse): GatewayError {
  const { status, contentType, body, upstream } = response;
  const error = readServerError(parseErrorText(body));
  const retryAfter = retryAfterSeconds(response.retryAfter);
  const options = retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {};
  if (error !== undefined)
    return fromError(error, serverErrorStatus(status, error), { upstream, ...options });
  const excerpt = excerptOf(body, contentType);
  const code = serverErrorCode(status, undefined, excerpt);
  return gatewayError(code, foreignMessage(status, upstream, excerpt), { ...options, upstream: { status } });
}

/**
 * The error in an event of a stream, `{"error": …}` or `{"object": "error", …}`; `undefined` when the event is none.
 *
 * @param upstream the upstream's configured name
 */
export function readStreamError(event: JsonObject, upstream: string): GatewayError | undefined {
  const error = readEventError(event);
  return error && fromError(error, serverErrorStatus(undefined, error), { upstream, isEvent: true });
}

interface ErrorContext {
  readonly upstream: string;
  readonly retryAfterSeconds?: number;
  readonly isEvent?: boolean;
}

function fromError(
  error: ServerError,
  status: number,
  { upstream, retryAfterSeconds: seconds, isEvent = false }: ErrorContext,
): GatewayError {
  const { message, param, type, code } = error;
  const said = isEvent ? error.status : status;
  const shown: ServerStatus = {
    ...(said === undefined ? {} : { status: said }),
    ...(type === undefined ? {} : { type }),
    ...(code === undefined ? {} : { code }),
  };
  const text = message === undefined ? `${answered(said, upstream)} and gave no reason.` : cutText(message);
  return gatewayError(serverErrorCode(status, error, message ?? ''), text, {
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
    ...(param === undefined ? {} : { param }),
    ...(Object.keys(shown).length === 0 ? {} : { upstream: shown }),
  });
}

function gatewayError(
  code: GatewayError['code'],
  message: string,
  options: GatewayErrorOptions,
): GatewayError {
  // SDKs retry every 429, and a balance that is used up stays so.
  return new GatewayError(code, message, {
    ...options,
    ...(code === 'insufficient_quota' ? { shouldRetry: false } : {}),
  });
}

function answered(status: number | undefined, upstream: string): string {
  return status === undefined
    ? `The upstream ${upstream} reported an error`
    : `The upstream ${upstream} answered HTTP ${status}`;
}

/** For a body that is no error of any known form. */
function foreignMessage(status: number, upstream: string, excerpt: string): string {
  if (status >= 400)
    return excerpt === ''
      ? `${answered(status, upstream)} and gave no reason.`
      : `${answered(status, upstream)}: ${excerpt}`;
  const what = `${answered(status, upstream)} with something that is not a chat completion`;
  return excerpt === '' ? `${what}: nothing.` : `${what}: ${excerpt}`;
}
