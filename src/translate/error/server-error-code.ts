import type { ErrorCode } from '../../errors.ts';
import type { ServerError } from './read-server-error.ts';

/** Contract section 11.2, for the statuses of HTTP. */
const BY_STATUS: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [401, 'invalid_api_key'],
  // Hosted services, when the balance is used up.
  [402, 'insufficient_quota'],
  [403, 'permission_denied'],
  [404, 'not_found'],
  [408, 'request_timeout'],
  [409, 'conflict'],
  [413, 'request_too_large'],
  // TGI, when the model failed while it decoded: not the client's fault, unlike other 4xx.
  [424, 'internal_error'],
  [429, 'rate_limit_exceeded'],
  [499, 'cancelled'],
  [500, 'internal_error'],
  [501, 'unsupported'],
  [503, 'overloaded'],
  [504, 'timeout'],
]);

/** Words for kinds of failures, in lower case, without underscores and without `error` at the end. */
const STATUS_OF_KIND: ReadonlyMap<string, number> = new Map([
  // TGI's `error_type`.
  ['validation', 400],
  ['template', 400],
  ['tool', 400],
  ['overloaded', 503],
  ['unhealthy', 503],
  ['generation', 500],
  ['incompletegeneration', 500],
  // OpenAI's types, and the class names of vLLM and SGLang.
  ['invalidrequest', 400],
  ['badrequest', 400],
  ['value', 400],
  ['authentication', 401],
  ['unauthorized', 401],
  ['permission', 403],
  ['permissiondenied', 403],
  ['notfound', 404],
  ['modelnotfound', 404],
  ['ratelimit', 429],
  ['ratelimitexceeded', 429],
  ['insufficientquota', 429],
  // llama.cpp.
  ['notsupported', 501],
  ['unavailable', 503],
  ['serviceunavailable', 503],
  ['timeout', 504],
]);

const TOO_LONG_KINDS: ReadonlySet<string> = new Set(['contextlengthexceeded', 'exceedcontextsize']);
const QUOTA_KINDS: ReadonlySet<string> = new Set(['insufficientquota', 'exceededcurrentquota']);

/** How servers say that prompt and answer do not fit the model. */
const TOO_LONG: readonly RegExp[] = [
  // vLLM, SGLang, OpenAI.
  /maximum context length/i,
  /longer than the (?:model's context length|maximum model length)/i,
  // TGI.
  /inputs`? tokens \+ `?max_new_tokens`? must be <=/i,
  /inputs`? must have less than \d+ tokens/i,
  // SGLang.
  /input length \(\d+ tokens\) exceeds/i,
  // llama.cpp, Ollama and hosted services.
  /exceed(?:s|ed)? (?:the )?(?:[\w']+ ){0,3}context (?:size|length|window)/i,
  /prompt is too long/i,
];

/** Mistakes of a client that llama.cpp reports with 500. */
const MISTAKES = /^Failed to parse (?:tools|messages)\b/;

/**
 * The HTTP status a failure stands for: that of the response, else the one that its body names, else the one its kind
 * usually has. A server that reports an error in any other way has failed itself.
 *
 * @param httpStatus `undefined` in the middle of a stream
 */
export function serverErrorStatus(httpStatus: number | undefined, error: ServerError): number {
  if (httpStatus !== undefined && httpStatus >= 400) return httpStatus;
  return (
    error.status ??
    kindsOf(error)
      .map((kind) => STATUS_OF_KIND.get(kind))
      .find(Boolean) ??
    500
  );
}

/**
 * The code of a failure of a model server. Contract section 11.2.
 *
 * @param status what {@link serverErrorStatus} says, or the status of a response that is no answer
 * @param words all the server said
 */
export function serverErrorCode(status: number, error: ServerError | undefined, words: string): ErrorCode {
  const kinds = kindsOf(error ?? {});
  const isOf = (names: ReadonlySet<string>): boolean => kinds.some((kind) => names.has(kind));
  // llama.cpp has sent 500 with it.
  if (isOf(TOO_LONG_KINDS)) return 'context_length_exceeded';
  const code = BY_STATUS.get(status) ?? codeOfClass(status);
  switch (code) {
    case 'invalid_argument':
    case 'request_too_large':
      return TOO_LONG.some((pattern) => pattern.test(words)) ? 'context_length_exceeded' : code;
    case 'not_found':
      return kinds.includes('modelnotfound') || /(?<!\/)\bmodels?\b/i.test(words) ? 'model_not_found' : code;
    case 'rate_limit_exceeded':
      return isOf(QUOTA_KINDS) ? 'insufficient_quota' : code;
    case 'internal_error':
      return MISTAKES.test(words) ? 'invalid_argument' : code;
    default:
      return code;
  }
}

function codeOfClass(status: number): ErrorCode {
  return status >= 400 && status < 500 ? 'invalid_argument' : 'bad_upstream_response';
}

function kindsOf({ type, code }: ServerError): string[] {
  return [code, type]
    .filter((word) => typeof word === 'string')
    .map((word) =>
      word
        .toLowerCase()
        .replaceAll('_', '')
        .replace(/error$/, ''),
    );
}
