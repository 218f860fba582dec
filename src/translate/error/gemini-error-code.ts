import type { ErrorCode } from '../../errors.ts';
import type { GoogleError } from '../../wire/gemini/error.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';

/** Contract section 11.2. */
const BY_STATUS_NAME: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ['INVALID_ARGUMENT', 'invalid_argument'],
  ['OUT_OF_RANGE', 'invalid_argument'],
  ['FAILED_PRECONDITION', 'invalid_argument'],
  ['UNAUTHENTICATED', 'invalid_api_key'],
  ['PERMISSION_DENIED', 'permission_denied'],
  ['NOT_FOUND', 'not_found'],
  ['ALREADY_EXISTS', 'conflict'],
  ['ABORTED', 'conflict'],
  ['RESOURCE_EXHAUSTED', 'rate_limit_exceeded'],
  ['CANCELLED', 'cancelled'],
  ['INTERNAL', 'internal_error'],
  ['UNKNOWN', 'internal_error'],
  ['DATA_LOSS', 'internal_error'],
  ['UNIMPLEMENTED', 'unsupported'],
  ['UNAVAILABLE', 'overloaded'],
  ['DEADLINE_EXCEEDED', 'timeout'],
]);

const BY_HTTP_STATUS: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [400, 'invalid_argument'],
  [401, 'invalid_api_key'],
  [403, 'permission_denied'],
  [404, 'not_found'],
  [408, 'timeout'],
  [409, 'conflict'],
  [413, 'request_too_large'],
  [429, 'rate_limit_exceeded'],
  [499, 'cancelled'],
  [500, 'internal_error'],
  [501, 'unsupported'],
  [503, 'overloaded'],
  [504, 'timeout'],
]);

/** Google's wording for refusals that have a code of their own. The first match counts. */
const INVALID_ARGUMENTS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/exceeds the maximum number of tokens/i, 'context_length_exceeded'],
  [/missing a `?thought_signature/i, 'missing_thought_signature'],
  [/too many states for serving/i, 'schema_too_complex'],
  [/unknown name "|is unsupported|is not supported|is not enabled for this model/i, 'unsupported_parameter'],
];

/**
 * The code of a failure: by the name of Google's status, else by the HTTP status. An answer with neither is a
 * `bad_upstream_response`.
 */
export function geminiErrorCode(httpStatus: number, error: GoogleError | undefined): ErrorCode {
  if (error === undefined) return BY_HTTP_STATUS.get(httpStatus) ?? 'bad_upstream_response';
  const code =
    BY_STATUS_NAME.get(error.status ?? '') ??
    BY_HTTP_STATUS.get(error.code ?? httpStatus) ??
    BY_HTTP_STATUS.get(httpStatus) ??
    'bad_upstream_response';
  const message = error.message ?? '';
  switch (code) {
    case 'invalid_argument':
      return moreExactly(error, message);
    case 'not_found':
      return namesModel(message) ? 'model_not_found' : 'not_found';
    case 'rate_limit_exceeded':
      return isUsedUp(error, message) ? 'insufficient_quota' : 'rate_limit_exceeded';
    default:
      return code;
  }
}

function moreExactly({ status, details }: GoogleError, message: string): ErrorCode {
  // The Developer API answers a wrong key with 400.
  if (details.some(({ reason }) => reason === 'API_KEY_INVALID') || message.startsWith('API key not valid')) {
    return 'invalid_api_key';
  }
  // A refused precondition is about the caller's place or billing, whatever words it uses.
  if (status === 'FAILED_PRECONDITION') return 'invalid_argument';
  return INVALID_ARGUMENTS.find(([wording]) => wording.test(message))?.[1] ?? 'invalid_argument';
}

/** Both APIs quote the resource name, `models/…` or `…/publishers/google/models/…`. */
function namesModel(message: string): boolean {
  return /\b(?:tunedM|m)odels\/|\bpublisher model\b/i.test(message);
}

/** Whether a quota is gone for the day, or was 0 from the start: waiting a moment does not help. */
function isUsedUp({ details }: GoogleError, message: string): boolean {
  if (/\blimit: 0\b/.test(message)) return true;
  return details.some((detail) => {
    const violations = Array.isArray(detail['violations']) ? detail['violations'].filter(isJsonObject) : [];
    const metadata = isJsonObject(detail['metadata']) ? detail['metadata'] : {};
    return (
      violations.some((violation) => isDailyOrZero(violation['quotaId'], violation['quotaValue'])) ||
      isDailyOrZero(metadata['quota_limit'], metadata['quota_limit_value'])
    );
  });
}

function isDailyOrZero(quota: unknown, limit: unknown): boolean {
  return (typeof quota === 'string' && quota.includes('PerDay')) || limit === '0' || limit === 0;
}
