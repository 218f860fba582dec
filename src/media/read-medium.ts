import { createHash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Medium } from './medium.ts';
import type { OpenedMedium } from './opened-medium.ts';
import { recogniseType } from './recognise-type.ts';

export interface ReadOptions {
  /** The medium, as it stands at the beginning of a message. */
  readonly subject: string;
  /** In bytes. What is longer is refused, before it is read where that is known. */
  readonly maxBytes: number;
  /** The type that the medium's name says. */
  readonly namedType: string | undefined;
  /** Told of all bytes that have come. @throws what ends the transfer */
  readonly onBytes?: (bytes: number) => void;
}

/** Bytes that a type is recognised by. */
const HEAD_BYTES = 4096;

/**
 * Reads a medium to its end. Its type is judged as soon as enough of it is there: no more is read of what nobody takes.
 *
 * @throws {GatewayError} `unsupported_media` for what is too long, empty or of no known type
 */
export async function readMedium(
  { body, contentType, length }: OpenedMedium,
  { subject, maxBytes, namedType, onBytes }: ReadOptions,
): Promise<Medium> {
  if (length !== undefined && length > maxBytes) throw tooLong(subject, maxBytes);
  const pieces: Buffer[] = [];
  const hash = createHash('sha256');
  let byteLength = 0;
  let mimeType: string | undefined;
  const recognise = (): string => recogniseType(headOf(pieces), { subject, named: [contentType, namedType] });
  for await (const piece of body) {
    byteLength += piece.length;
    if (byteLength > maxBytes) throw tooLong(subject, maxBytes);
    onBytes?.(piece.length);
    hash.update(piece);
    pieces.push(piece);
    if (mimeType === undefined && byteLength >= HEAD_BYTES) mimeType = recognise();
  }
  if (byteLength === 0) throw new GatewayError('unsupported_media', `${subject} is empty.`);
  mimeType ??= recognise();
  return { mimeType, byteLength, pieces, hash: hash.digest('hex') };
}

function headOf(pieces: readonly Buffer[]): Buffer {
  const [first] = pieces;
  if (first !== undefined && (pieces.length === 1 || first.length >= HEAD_BYTES))
    return first.subarray(0, HEAD_BYTES);
  return Buffer.concat(pieces).subarray(0, HEAD_BYTES);
}

function tooLong(subject: string, maxBytes: number): GatewayError {
  return new GatewayError(
    'unsupported_media',
    `${subject} is longer than the ${maxBytes} bytes that this server fetches.`,
  );
}
