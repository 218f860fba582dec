/** A part of a body that is made while it is sent, anew for each attempt. */
export interface BodyPart {
  readonly byteLength: number;
  chunks(): Iterable<Buffer>;
}

/**
 * The body of a request in parts, for content that would take its memory again to be joined with the rest. It can be
 * sent several times.
 */
export class ComposedBody implements Iterable<Buffer> {
  readonly byteLength: number;
  readonly #parts: readonly (Buffer | BodyPart)[];

  constructor(parts: readonly (Buffer | BodyPart)[]) {
    this.#parts = parts;
    this.byteLength = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  *[Symbol.iterator](): Generator<Buffer, void, void> {
    for (const part of this.#parts) {
      if (Buffer.isBuffer(part)) yield part;
      else yield* part.chunks();
    }
  }
}

/** What a request may carry. */
export type RequestBody = string | Buffer | ComposedBody;
