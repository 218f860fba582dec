import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../errors.ts';
import { type JsonBody, readJsonText } from '../wire/validation/parse-json-body.ts';

/**
 * The JSON of a body as it came over the wire.
 *
 * @throws {GatewayError} `invalid_json` for a missing body, one that is not UTF-8 (RFC 8259 section 8.1) or not JSON
 */
export function readJsonBody(body: unknown): JsonBody {
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw new GatewayError('invalid_json', 'The request has no body. Send a JSON object.');
  }
  if (!isUtf8(body)) throw new GatewayError('invalid_json', 'The body is not valid UTF-8.');
  return readJsonText(body.toString('utf8'));
}
