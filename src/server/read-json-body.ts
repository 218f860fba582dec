import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../errors.ts';
import { liftBase64 } from '../media/lift-base64.ts';
import type { LiftedBase64 } from '../media/lifted-base64.ts';
import { type JsonBody, readJsonText } from '../wire/validation/parse-json-body.ts';

/** The JSON of a body without its large media. */
export interface ReceivedJson {
  readonly json: JsonBody;
  readonly lifted: LiftedBase64;
}

/**
 * The JSON of a body as it came over the wire.
 *
 * @throws {GatewayError} `invalid_json` for a missing body, one that is not UTF-8 (RFC 8259 section 8.1) or not JSON
 */
export function readJsonBody(body: unknown): ReceivedJson {
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw new GatewayError('invalid_json', 'The request has no body. Send a JSON object.');
  }
  if (!isUtf8(body)) throw new GatewayError('invalid_json', 'The body is not valid UTF-8.');
  const { text, lifted } = liftBase64(body);
  try {
    return { json: readJsonText(text), lifted };
  } catch (error) {
    if (lifted.count === 0) throw error;
    // It tells a line and a column, which are those of the whole text.
    readJsonText(body.toString('utf8'));
    throw error;
  }
}
