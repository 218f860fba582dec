/** A medium as it was fetched, whole. */
export interface Medium {
  /** By its bytes. */
  readonly mimeType: string;
  readonly byteLength: number;
  /** In the pieces in which it came: joining them would take as much memory again. */
  readonly pieces: readonly Buffer[];
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly hash: string;
}

/** Bytes that are encoded at once; a multiple of three, so that no padding stands in between. */
const STEP = 48 * 1024;

/** Characters of base64 for so many bytes. RFC 4648 section 4. */
export function base64Length(bytes: number): number {
  return 4 * Math.ceil(bytes / 3);
}

/**
 * The bytes in base64 with padding, piece by piece. In strings: V8 is slow to notice buffers nobody needs any more, and
 * with many media at a time they would take more memory than the media.
 */
export function* base64Of(pieces: Iterable<Buffer>): Generator<string, void, void> {
  let rest = Buffer.alloc(0);
  for (const piece of pieces) {
    let start = 0;
    if (rest.length > 0) {
      const missing = Math.min(3 - rest.length, piece.length);
      rest = Buffer.concat([rest, piece.subarray(0, missing)]);
      start = missing;
      if (rest.length < 3) continue;
      yield rest.toString('base64');
      rest = Buffer.alloc(0);
    }
    const end = start + 3 * Math.floor((piece.length - start) / 3);
    for (; start < end; start += STEP) yield piece.toString('base64', start, Math.min(start + STEP, end));
    rest = Buffer.from(piece.subarray(end));
  }
  if (rest.length > 0) yield rest.toString('base64');
}
