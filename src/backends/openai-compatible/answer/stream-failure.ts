import type { GatewayError } from '../../../errors.ts';
import { fromServerError, readStreamError } from '../../../translate/error/from-server-error.ts';
import { readServerError } from '../../../translate/error/read-server-error.ts';
import { parseJson } from '../../../wire/json-text/parse-json.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';
import type { ReadEvent } from './read-event.ts';

/**
 * The error that an event of a stream is, in any of the forms in which servers write one: `{"error": …}`, alone or in
 * an array, in data or outside of it (contract section 10.7); an event named `error`; the line `error: …` of older
 * versions of llama.cpp.
 *
 * @param value what the event's data says as JSON
 * @param upstream its name, for errors
 */
export function failureIn(
  { type, data, loose }: ReadEvent,
  value: unknown,
  upstream: string,
): GatewayError | undefined {
  if (loose !== '') {
    const line = /^error:\s*([^]*)/m.exec(loose)?.[1];
    const said = parseJson(line ?? loose);
    const failure =
      errorOf(said, upstream) ?? (line === undefined ? undefined : wrapped(said, line, upstream));
    if (failure !== undefined) return failure;
  }
  if (data === undefined) return undefined;
  const failure = errorOf(value, upstream);
  if (failure !== undefined || type !== 'error' || isChunk(value)) return failure;
  return wrapped(value, data, upstream);
}

/** What a server sent in place of an answer, as an error. */
export function noAnswer(body: string, upstream: string): GatewayError {
  return fromServerError({ status: 200, body, upstream });
}

/** Whether what came before the first chunk may stand there: an object that says nothing of a failure. */
export function isForeignEvent(value: unknown): value is JsonObject {
  return isJsonObject(value) && readServerError(value) === undefined;
}

/** Whether JSON is a chunk of a chat stream. */
export function isChunk(value: unknown): value is JsonObject {
  return isJsonObject(value) && Array.isArray(value['choices']);
}

function errorOf(value: unknown, upstream: string): GatewayError | undefined {
  const objects = (Array.isArray(value) ? (value as unknown[]) : [value]).filter(isJsonObject);
  return objects.map((object) => readStreamError(object, upstream)).find((error) => error !== undefined);
}

/** The error of an event that says by its name that it is one. */
function wrapped(value: unknown, text: string, upstream: string): GatewayError | undefined {
  const error = isJsonObject(value) ? value : text.trim() === '' ? 'no reason given' : text;
  return readStreamError({ error }, upstream);
}
