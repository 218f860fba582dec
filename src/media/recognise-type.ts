import { GatewayError } from '../errors.ts';
import { typeOfFirstBytes } from '../translate/request/media-type.ts';

/** Types that bytes do not show: texts, which are recognised by having no other bytes than text has. */
const TEXT_TYPE = /^(?:text\/[\w.+-]+|application\/(?:json|rtf|xml|[\w.+-]+\+(?:json|xml)))$/;

/** Bytes at the beginning that have to look like text. */
const TEXT_SAMPLE = 4096;

/** Refused whatever a model takes: programs in the clothes of an image. */
const ACTIVE_TYPES: ReadonlySet<string> = new Set(['image/svg+xml', 'text/html', 'application/xhtml+xml']);

export interface Naming {
  /** The medium, as it stands at the beginning of a message. */
  readonly subject: string;
  /** The types that its server and its name say, in the order in which they count. */
  readonly named: readonly (string | undefined)[];
}

/**
 * The type of a medium by its first bytes. What its server or its name says counts only for texts, which no bytes give
 * away: a page with an error message is not an image because its address ends so.
 *
 * @param head the first bytes, as many as there are up to 4096
 * @throws {GatewayError} `unsupported_media` for bytes nobody can take for anything
 */
export function recogniseType(head: Buffer, { subject, named }: Naming): string {
  const shown = typeOfFirstBytes(head.toString('latin1', 0, 32));
  if (shown !== undefined) return shown;
  const said = named.find((type) => type !== undefined);
  if (said !== undefined && TEXT_TYPE.test(said) && !ACTIVE_TYPES.has(said) && looksLikeText(head))
    return said;
  throw new GatewayError(
    'unsupported_media',
    `${subject} is of no type of media that models take${said === undefined ? '' : `; it is said to be ${said}`}.`,
  );
}

function looksLikeText(head: Buffer): boolean {
  const sample = head.subarray(0, TEXT_SAMPLE);
  return sample.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}
