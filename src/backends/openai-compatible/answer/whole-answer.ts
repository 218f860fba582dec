import { isUtf8 } from 'node:buffer';
import { fromServerError, readStreamError } from '../../../translate/error/from-server-error.ts';
import { parseJson } from '../../../wire/json-text/parse-json.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';
import { editAnswer, hasOddChoice } from './answer-edits.ts';

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
  const value = parseJson(text);
  if (!isJsonObject(value)) throw fromServerError({ status: 200, body: text, upstream });
  const failure = readStreamError(value, upstream);
  if (failure !== undefined) throw failure;
  if (!Array.isArray(value['choices'])) throw fromServerError({ status: 200, body: text, upstream });
  return { text, value, bytes: isUtf8(bytes) ? bytes : undefined };
}

/** The bytes a client gets. @param asked the model name as it wrote it; `undefined` leaves the server's */
export function completionBytes({ text, value, bytes }: Completion, asked: string | undefined): Buffer {
  if (bytes !== undefined && !hasOddChoice(value)) {
    const { model } = value;
    if (asked === undefined || model === undefined || model === asked) return bytes;
    const exchanged = typeof model === 'string' ? exchangeModel(bytes, model, asked) : undefined;
    if (exchanged !== undefined) return exchanged;
  }
  const edited = editAnswer({ text, value }, asked);
  return edited === text && bytes !== undefined ? bytes : Buffer.from(edited);
}

const MODEL = Buffer.from('"model"');
/** How the letters of that name begin when they are written as escapes. */
const ESCAPED_LETTER = Buffer.from('\\u006');
const COLON = 0x3a;
const SPACE = 0x20;

/**
 * Exchanges the model's name in the bytes. Where they name a member `model` once only, it is that of the first
 * level, since there is one.
 *
 * @returns `undefined` where they do not, or write the name in a way of their own
 */
function exchangeModel(bytes: Buffer, model: string, asked: string): Buffer | undefined {
  const at = bytes.indexOf(MODEL);
  if (at === -1 || bytes.indexOf(MODEL, at + 1) !== -1 || bytes.indexOf(ESCAPED_LETTER) !== -1)
    return undefined;
  let start = at + MODEL.length;
  while (bytes[start] === SPACE || bytes[start] === COLON) start++;
  const written = Buffer.from(JSON.stringify(model));
  const end = start + written.length;
  if (written.compare(bytes, start, end) !== 0) return undefined;
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(JSON.stringify(asked)), bytes.subarray(end)]);
}
