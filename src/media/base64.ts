/** Bytes that are encoded at once; a multiple of three, so that no padding stands in between. */
const STEP = 48 * 1024;

/** Characters of base64 for so many bytes. RFC 4648 section 4. */
export function base64Length(bytes: number): number {
  return 4 * Math.ceil(bytes / 3);
}

/** The bytes in base64 with padding, piece by piece. */
export function* base64Of(pieces: Iterable<Buffer>): Generator<string, void, void> {
  const encoder = new Base64Encoder();
  for (const piece of pieces) yield* encoder.push(piece);
  yield encoder.end();
}

/** The same of bytes that are still to come. */
export async function* streamedBase64Of(pieces: AsyncIterable<Buffer>): AsyncGenerator<string, void, void> {
  const encoder = new Base64Encoder();
  for await (const piece of pieces) yield* encoder.push(piece);
  yield encoder.end();
}

/**
 * Encodes pieces of any length as if they were one. In strings: V8 is slow to notice buffers nobody needs any more, and
 * with many media at a time they would take more memory than the media.
 */
class Base64Encoder {
  /** At most two bytes, for which there is no character yet. */
  #rest = Buffer.alloc(0);

  *push(piece: Buffer): Generator<string, void, void> {
    let start = 0;
    if (this.#rest.length > 0) {
      start = Math.min(3 - this.#rest.length, piece.length);
      this.#rest = Buffer.concat([this.#rest, piece.subarray(0, start)]);
      if (this.#rest.length < 3) return;
      yield this.end();
    }
    const end = start + 3 * Math.floor((piece.length - start) / 3);
    for (; start < end; start += STEP) yield piece.toString('base64', start, Math.min(start + STEP, end));
    this.#rest = Buffer.from(piece.subarray(end));
  }

  /** What is left, padded. */
  end(): string {
    const text = this.#rest.toString('base64');
    this.#rest = Buffer.alloc(0);
    return text;
  }
}
