import { parseJson } from '../json-text/parse-json.ts';
import { nestsDeeperThan } from '../validation/nests-deeper-than.ts';
import { isJsonObject, type JsonObject, MAX_DEPTH } from '../validation/structure-checks.ts';

/** Google's error, as `google.rpc.Status` stands in JSON. */
export interface GoogleError {
  /** HTTP status. */
  code?: number;
  /** Name of the `google.rpc.Code`. */
  status?: string;
  message?: string;
  /** `google.rpc` messages, each with its type in `@type`. */
  details: JsonObject[];
}

/**
 * The error in a JSON value: `{"error": …}`, an array that holds one, the bare status, or OAuth's
 * `{"error": "…", "error_description": "…"}`. `undefined` when the value is no error.
 */
export function readGoogleError(value: unknown): GoogleError | undefined {
  if (Array.isArray(value)) {
    for (const item of value) {
      const error = isJsonObject(item) ? readGoogleError(item) : undefined;
      if (error !== undefined) return error;
    }
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { error } = value;
  if (isJsonObject(error)) return unwrapped(readStatus(error));
  if (typeof error === 'string' && error !== '') {
    const description = value['error_description'];
    return { message: typeof description === 'string' ? `${error}: ${description}` : error, details: [] };
  }
  const isBareStatus = typeof value['message'] === 'string' && ('code' in value || 'status' in value);
  return isBareStatus ? readStatus(value) : undefined;
}

/** Largest text that is searched for an error, in UTF-16 code units. */
const MAX_ERROR_TEXT = 1_048_576;

/**
 * The JSON value of an error body, also behind `data:` as a server-sent event. `undefined` for other text, and for
 * text that is too large to be an error.
 */
export function parseErrorText(text: string): unknown {
  const json = text.replace(/^\uFEFF?\s*(?:data:)?/, '').trim();
  if (!/^[[{]/.test(json) || json.length > MAX_ERROR_TEXT || nestsDeeperThan(json, MAX_DEPTH))
    return undefined;
  return parseJson(json);
}

function readStatus(error: JsonObject): GoogleError {
  const { code, status, message, details } = error;
  return {
    ...(typeof code === 'number' ? { code } : {}),
    ...(typeof status === 'string' && status !== '' ? { status } : {}),
    ...(typeof message === 'string' && message !== '' ? { message } : {}),
    details: Array.isArray(details) ? details.filter(isJsonObject) : [],
  };
}

/** Proxies put the whole JSON of Google's answer into the message of their own error. */
function unwrapped(error: GoogleError): GoogleError {
  const { message, details } = error;
  if (message === undefined || details.length > 0 || !/^\s*\[?\s*\{/.test(message)) return error;
  return readGoogleError(parseErrorText(message)) ?? error;
}
