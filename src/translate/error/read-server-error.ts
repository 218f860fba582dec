import { formatJsonPath, type PathKey } from '../../wire/validation/format-json-path.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { cutText } from './cut-text.ts';

/** What a model server says about a failure, whatever form it uses. */
export interface ServerError {
  readonly message?: string;
  /** Its word for the kind of failure. */
  readonly type?: string;
  readonly code?: string | number;
  /** The request's field. */
  readonly param?: string;
  /** HTTP status named in the body; of an error in the middle of a stream there is no other. */
  readonly status?: number;
}

/**
 * The error in the body of a model server: OpenAI's `{"error": {…}}`, bare `{"object": "error", …}` (vLLM before 0.10,
 * SGLang), `{"error": "text", "error_type": "…"}` (TGI), `{"error": "text"}` (Ollama), FastAPI's `{"detail": …}`,
 * `{"message": "…"}`, or an array that holds one of them. `undefined` when the value is none.
 */
export function readServerError(value: unknown): ServerError | undefined {
  if (Array.isArray(value)) {
    for (const item of value) {
      const error = isJsonObject(item) ? readServerError(item) : undefined;
      if (error !== undefined) return error;
    }
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { error, detail, message } = value;
  if (isJsonObject(error)) return readMembers(error);
  const text = textOf(error);
  if (text !== undefined) {
    // Frameworks name the status in `error` and give the reason beside it.
    const reason = textOf(message);
    return { ...readMembers(value), message: reason === undefined ? text : `${text}: ${reason}` };
  }
  if (value['object'] === 'error' || textOf(message) !== undefined) return readMembers(value);
  return readDetail(detail);
}

/** The error in one event of a stream; `undefined` when the event is none. */
export function readEventError(event: JsonObject): ServerError | undefined {
  const { error } = event;
  const hasError = isJsonObject(error) ? Object.keys(error).length > 0 : textOf(error) !== undefined;
  return hasError || event['object'] === 'error' ? readServerError(event) : undefined;
}

/** Longest `type`, `code` and `param` taken over, in UTF-16 code units. */
const MAX_WORD = 256;

function readMembers(error: JsonObject): ServerError {
  const { code, param } = error;
  const message = textOf(error['message']) ?? readDetail(error['message'])?.message;
  const type = textOf(error['type']) ?? textOf(error['error_type']);
  const field = textOf(param);
  const status = statusIn(error);
  return {
    ...(message === undefined ? {} : { message }),
    ...(type === undefined ? {} : { type: cutText(type, MAX_WORD) }),
    ...(typeof code === 'number' ? { code } : {}),
    ...(typeof code === 'string' && code !== '' ? { code: cutText(code, MAX_WORD) } : {}),
    ...(field === undefined ? {} : { param: cutText(field, MAX_WORD) }),
    ...(status === undefined ? {} : { status }),
  };
}

/** Where servers put an HTTP status into a body: llama.cpp and vLLM in `code`, TGI in `http_status_code`. */
const STATUS_MEMBERS = ['code', 'http_status_code', 'status_code', 'statusCode', 'status'];

function statusIn(error: JsonObject): number | undefined {
  for (const name of STATUS_MEMBERS) {
    const value = error[name];
    const status = typeof value === 'string' ? Number(value) : value;
    if (typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599)
      return status;
  }
  return undefined;
}

/** A string with something in it, or several. */
function textOf(value: unknown): string | undefined {
  const text =
    Array.isArray(value) && value.every((item) => typeof item === 'string') ? value.join('; ') : value;
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : undefined;
}

/** Problems of one body that are named. */
const MAX_PROBLEMS = 5;

/** FastAPI's `detail`: a text, a list of what is wrong with the body and where, or another error. */
function readDetail(detail: unknown): ServerError | undefined {
  const text = textOf(detail);
  if (text !== undefined) return { message: text };
  if (isJsonObject(detail)) return readServerError(detail);
  if (!Array.isArray(detail)) return undefined;
  const problems = detail.filter(isJsonObject).flatMap(({ loc, msg }) => {
    const reason = textOf(msg);
    return reason === undefined ? [] : [{ reason, path: readLocation(loc) }];
  });
  const [first] = problems;
  if (first === undefined) return undefined;
  const lines = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ reason, path }) => (path === null ? reason : `${path}: ${reason}`));
  return { message: lines.join('; '), ...(first.path === null ? {} : { param: first.path }) };
}

/**
 * Pydantic's `loc` as a JSON path, as far as it can be one: the names of a union's variants stand between the fields.
 */
function readLocation(location: unknown): string | null {
  if (!Array.isArray(location) || location[0] !== 'body') return null;
  const keys: PathKey[] = [];
  for (const key of location.slice(1) as readonly unknown[]) {
    const isKey = typeof key === 'number' || (typeof key === 'string' && /^[a-z_][a-z0-9_]*$/.test(key));
    if (!isKey) break;
    keys.push(key);
  }
  return formatJsonPath(keys);
}
