import { createHash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { type WholeMedium, wholeMedium } from './medium.ts';
import type { OpenedMedium } from './opened-medium.ts';
import { recogniseType } from './recognise-type.ts';
import { tooLarge } from './too-large.ts';
import { limitedBody } from './transfers/limited-body.ts';

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

/** A medium whose beginning was read. */
export interface MediumBeginning {
  /** By its bytes. */
  readonly mimeType: string;
  /** What was read. */
  readonly head: readonly Buffer[];
  /** What comes behind it. */
  readonly rest: AsyncIterator<Buffer>;
}

/**
 * Reads as much as it takes to find out the type: no more is read of what nobody takes.
 *
 * @throws {GatewayError} `unsupported_media` for what is too long, empty or of no known type
 */
export async function readBeginning(
  { body, contentType, length }: OpenedMedium,
  { subject, maxBytes, namedType }: ReadOptions,
): Promise<MediumBeginning> {
  const rest = body[Symbol.asyncIterator]();
  try {
    if (length !== undefined && length > maxBytes) throw tooLarge(subject, maxBytes);
    const head: Buffer[] = [];
    let bytes = 0;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      head.push(next.value);
      bytes += next.value.length;
      if (bytes >= HEAD_BYTES) break;
    }
    if (bytes === 0) throw new GatewayError('unsupported_media', `${subject} is empty.`);
    const mimeType = recogniseType(headOf(head), { subject, named: [contentType, namedType] });
    return { mimeType, head, rest };
  } catch (error) {
    await rest.return?.();
    throw error;
  }
}

/** Reads a medium to its end. @throws as {@link readBeginning} */
export async function readMedium(opened: OpenedMedium, options: ReadOptions): Promise<WholeMedium> {
  const { onBytes } = options;
  const { mimeType, head, rest } = await readBeginning(opened, options);
  const pieces: Buffer[] = [];
  const hash = createHash('sha256');
  for await (const piece of limitedBody(joined(head, rest), options)) {
    onBytes?.(piece.length);
    hash.update(piece);
    pieces.push(piece);
  }
  return wholeMedium({ mimeType, pieces, hash: hash.digest('hex') });
}

/** Leaving it ends the transfer. */
export async function* joined(
  head: readonly Buffer[],
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  let isOver = false;
  try {
    yield* head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
    isOver = true;
  } finally {
    if (!isOver) await rest.return?.();
  }
}

function headOf(pieces: readonly Buffer[]): Buffer {
  const [first] = pieces;
  if (first !== undefined && (pieces.length === 1 || first.length >= HEAD_BYTES))
    return first.subarray(0, HEAD_BYTES);
  return Buffer.concat(pieces).subarray(0, HEAD_BYTES);
}
