import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../errors.ts';
import { liftBase64 } from '../media/lift-base64.ts';
import { type LiftedBase64, NOTHING_LIFTED } from '../media/lifted-base64.ts';
import { mediaReferences } from '../translate/media-references.ts';
import { type JsonBody, readJsonText } from '../wire/validation/parse-json-body.ts';
import { isJsonObject } from '../wire/validation/structure-checks.ts';

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
  if (lifted.count === 0) return { json: readJsonText(text), lifted };
  const json = readLifted(text, lifted);
  if (json !== undefined) return { json, lifted };
  return { json: readJsonText(body.toString('utf8')), lifted: NOTHING_LIFTED };
}

/**
 * @returns `undefined` where the whole text is needed: for an error, whose place is told, and for a mark where no media
 *   stand, since whoever looks at that value takes it for what the client wrote
 */
function readLifted(text: string, lifted: LiftedBase64): JsonBody | undefined {
  try {
    const json = readJsonText(text);
    const { value } = json;
    const media = isJsonObject(value) ? mediaReferences(value).map((reference) => reference.text) : [];
    return lifted.countIn(media) === lifted.count ? json : undefined;
  } catch {
    return undefined;
  }
}
