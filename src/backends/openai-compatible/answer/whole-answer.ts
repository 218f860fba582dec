import { isUtf8 } from 'node:buffer';
import { fromServerError, readStreamError } from '../../../translate/error/from-server-error.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';
import { editAnswer } from './answer-edits.ts';

export interface Completion {
  readonly text: string;
  readonly value: JsonObject;
  /** The bytes as they came, where they are the text's own. */
  readonly bytes: Buffer | undefined;
}

/**
 * A completion that a server sent as one JSON object.
 *
 * @param upstream its name, for errors
 * @throws {GatewayError} for an error in it, and `bad_upstream_response` for anything that is no completion
 */
export function readCompletion(bytes: Buffer, upstream: string): Completion {
  const text = bytes.toString('utf8');
  const value = parse(text);
  if (!isJsonObject(value)) throw fromServerError({ status: 200, body: text, upstream });
  const failure = readStreamError(value, upstream);
  if (failure !== undefined) throw failure;
  if (!Array.isArray(value['choices'])) throw fromServerError({ status: 200, body: text, upstream });
  return { text, value, bytes: isUtf8(bytes) ? bytes : undefined };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The bytes a client gets. @param asked the model name as it wrote it; `undefined` leaves the server's */
export function completionBytes({ text, value, bytes }: Completion, asked: string | undefined): Buffer {
  const edited = editAnswer({ text, value }, asked);
  return edited === text && bytes !== undefined ? bytes : Buffer.from(edited);
}
