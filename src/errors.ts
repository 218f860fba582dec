/**
 * Every failure Parlance shows to a client: one table from code to HTTP status and OpenAI error type,
 * and one error class that carries a code.
 *
 * Contract section 11. Nothing outside this table reaches a client: an unknown exception becomes
 * `internal_error` with a generic message.
 */

/** `type` of OpenAI's error envelope. */
export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'insufficient_quota'
  | 'conflict_error'
  | 'server_error';

interface ErrorKind {
  /** HTTP status of the answer. */
  readonly status: number;
  readonly type: ErrorType;
  /** Whether sending the same request again may succeed. */
  readonly retryable: boolean;
}

const kind = (status: number, type: ErrorType, retryable = false): ErrorKind => ({ status, type, retryable });

export const ERROR_KINDS = {
  invalid_json: kind(400, 'invalid_request_error'),
  invalid_argument: kind(400, 'invalid_request_error'),
  missing_required_parameter: kind(400, 'invalid_request_error'),
  unsupported_parameter: kind(400, 'invalid_request_error'),
  unsupported_schema: kind(400, 'invalid_request_error'),
  schema_too_complex: kind(400, 'invalid_request_error'),
  unsupported_media: kind(400, 'invalid_request_error'),
  context_length_exceeded: kind(400, 'invalid_request_error'),
  empty_content: kind(400, 'invalid_request_error'),
  missing_tool_result: kind(400, 'invalid_request_error'),
  missing_thought_signature: kind(400, 'invalid_request_error'),
  invalid_api_key: kind(401, 'authentication_error'),
  permission_denied: kind(403, 'permission_error'),
  not_found: kind(404, 'invalid_request_error'),
  model_not_found: kind(404, 'invalid_request_error'),
  endpoint_not_found: kind(404, 'invalid_request_error'),
  method_not_allowed: kind(405, 'invalid_request_error'),
  request_timeout: kind(408, 'invalid_request_error', true),
  conflict: kind(409, 'conflict_error'),
  request_too_large: kind(413, 'invalid_request_error'),
  unsupported_media_type: kind(415, 'invalid_request_error'),
  rate_limit_exceeded: kind(429, 'rate_limit_error', true),
  queue_full: kind(429, 'rate_limit_error', true),
  insufficient_quota: kind(429, 'insufficient_quota'),
  headers_too_large: kind(431, 'invalid_request_error'),
  cancelled: kind(499, 'server_error'),
  internal_error: kind(500, 'server_error', true),
  unsupported: kind(501, 'invalid_request_error'),
  bad_upstream_response: kind(502, 'server_error', true),
  upstream_disconnected: kind(502, 'server_error', true),
  empty_response: kind(502, 'server_error', true),
  malformed_function_call: kind(502, 'server_error', true),
  schema_mismatch: kind(502, 'server_error', true),
  upstream_credentials: kind(502, 'server_error'),
  engine_crashed: kind(502, 'server_error', true),
  model_not_ready: kind(503, 'server_error', true),
  overloaded: kind(503, 'server_error', true),
  upstream_unavailable: kind(503, 'server_error', true),
  timeout: kind(504, 'server_error', true),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** One thing wrong with a request, and where. */
export interface Problem {
  /** JSON path from the body's root, such as `messages[0].content[1].image_url`; `null` for the body as a whole. */
  readonly param: string | null;
  readonly message: string;
  readonly code: ErrorCode;
}

/** What a Google upstream said in its `google.rpc.Status`, without the message. Contract section 11.1. */
export interface GoogleStatus {
  /** HTTP status in Google's body; it may differ from that of the response. */
  readonly code?: number;
  /** Name of the `google.rpc.Code`, such as `RESOURCE_EXHAUSTED`. */
  readonly status?: string;
  /** `google.rpc` detail messages as they came. */
  readonly details?: readonly unknown[];
}

/** What a model server said about its own failure, besides the message. */
export interface ServerStatus {
  /** HTTP status of its answer; of an error in the middle of a stream the one it names, if any. */
  readonly status?: number;
  /** Its own word for the kind of failure, such as `BadRequestError` or `validation`. */
  readonly type?: string;
  readonly code?: string | number;
}

export interface GatewayErrorOptions {
  /** JSON path of the offending field. @default null */
  readonly param?: string | null;
  /** All problems found, when there is more than one. */
  readonly problems?: readonly Problem[];
  /** Seconds after which a retry makes sense, fractions included; sent as `retry-after`. */
  readonly retryAfterSeconds?: number;
  /** Tells OpenAI's SDKs whether to retry, against their own rule for the status; sent as `x-should-retry`. */
  readonly shouldRetry?: boolean;
  /** Shown as `error.google`. */
  readonly google?: GoogleStatus;
  /** Shown as `error.upstream`. */
  readonly upstream?: ServerStatus;
  /** Who was asked before, and why each did not answer; sent as `x-parlance-passed-over`. */
  readonly passedOver?: readonly string[];
  /** What went wrong underneath. Logged, never shown. */
  readonly cause?: unknown;
}

/** A failure whose message is written for the client. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly param: string | null;
  readonly problems: readonly Problem[];
  readonly retryAfterSeconds: number | undefined;
  readonly shouldRetry: boolean | undefined;
  readonly google: GoogleStatus | undefined;
  readonly upstream: ServerStatus | undefined;
  readonly passedOver: readonly string[];
  readonly #options: GatewayErrorOptions;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.param = options.param ?? null;
    this.problems = options.problems ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.shouldRetry = options.shouldRetry;
    this.google = options.google;
    this.upstream = options.upstream;
    this.passedOver = options.passedOver ?? [];
    this.#options = options;
  }

  get status(): number {
    return ERROR_KINDS[this.code].status;
  }

  /** The same failure, with more to say about it, or in other words. */
  with({
    message = this.message,
    ...more
  }: GatewayErrorOptions & { readonly message?: string }): GatewayError {
    return new GatewayError(this.code, message, { ...this.#options, ...more });
  }
}

const MAX_PROBLEMS_SHOWN = 20;

/**
 * One error for all problems of a request: the first names `param` and `code`, the message lists every one.
 *
 * @throws {RangeError} when `problems` is empty
 */
export function errorFromProblems(problems: readonly Problem[]): GatewayError {
  const [first] = problems;
  if (first === undefined) throw new RangeError('errorFromProblems needs at least one problem');
  const shown = problems.slice(0, MAX_PROBLEMS_SHOWN);
  const lines = shown.map(({ param, message }) => (param === null ? message : `${param}: ${message}`));
  if (problems.length > shown.length) lines.push(`and ${problems.length - shown.length} more`);
  return new GatewayError(first.code, lines.join('; '), { param: first.param, problems: shown });
}

/** Any thrown value as an error that is safe to show. */
export function toGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError('internal_error', 'The server failed while it handled the request.', {
    cause: error,
  });
}
