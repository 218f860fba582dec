import { ERROR_KINDS, GatewayError, type GoogleStatus } from '../../errors.ts';
import { type GoogleError, parseErrorText, readGoogleError } from '../../wire/gemini/error.ts';
import { excerptOf } from './excerpt.ts';
import { geminiErrorCode } from './gemini-error-code.ts';
import { readRetryDelay } from './retry-delay.ts';
import { toOpenAiParam } from './to-openai-param.ts';

export interface GeminiErrorResponse {
  /** HTTP status of the response; 200 for an error in the middle of a stream. */
  readonly status: number;
  readonly contentType?: string;
  /** Body as text: JSON in any of Google's forms, or whatever a proxy wrote. */
  readonly body: string;
  /** The `retry-after` header. */
  readonly retryAfter?: string;
}

/** Longest message taken over from an upstream, in UTF-16 code units. */
const MAX_MESSAGE = 8192;

/**
 * A failure of Gemini as one of ours. JSON is recognised whatever the content type says: errors of streaming methods
 * come as `text/event-stream`. Contract sections 11.2 and 11.3.
 */
export function fromGeminiError({
  status,
  contentType,
  body,
  retryAfter,
}: GeminiErrorResponse): GatewayError {
  const parsed = parseErrorText(body);
  const error = readGoogleError(parsed);
  const code = geminiErrorCode(status, error);
  const hints = [headerSeconds(retryAfter), readRetryDelay(parsed), readRetryDelay(error?.details)];
  const delay = Math.max(...hints.map((seconds) => seconds ?? 0));
  const options = {
    ...(delay > 0 ? { retryAfterSeconds: delay } : {}),
    // SDKs retry every 429, and a quota that is used up for the day stays so.
    ...(code === 'insufficient_quota' ? { shouldRetry: false } : {}),
  };
  if (error === undefined) return new GatewayError(code, foreignMessage(status, contentType, body), options);
  const param = ERROR_KINDS[code].status === 400 ? toOpenAiParam(error) : undefined;
  return new GatewayError(code, messageOf(error, status), {
    ...options,
    ...(param === undefined ? {} : { param }),
    google: googleStatus(error),
  });
}

function messageOf({ message, code }: GoogleError, status: number): string {
  const text = message?.trim() ?? '';
  if (text === '') return `Gemini answered HTTP ${code ?? status} and gave no reason.`;
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE).toWellFormed()}…` : text;
}

function foreignMessage(status: number, contentType: string | undefined, body: string): string {
  const excerpt = excerptOf(body, contentType);
  const answered = `The upstream answered HTTP ${status} with something that is not an answer of Gemini`;
  return excerpt === '' ? `${answered}.` : `${answered}: ${excerpt}`;
}

function googleStatus({ code, status, details }: GoogleError): GoogleStatus {
  return {
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { status }),
    ...(details.length === 0 ? {} : { details }),
  };
}

/** RFC 9110 section 10.2.3. The form with a date is passed over: it takes a clock to read. */
function headerSeconds(retryAfter: string | undefined): number {
  return retryAfter !== undefined && /^\s*\d{1,9}(?:\.\d+)?\s*$/.test(retryAfter) ? Number(retryAfter) : 0;
}
