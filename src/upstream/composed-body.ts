/** A part of a body that is made while it is sent, anew for each attempt. */
export interface BodyPart {
  readonly byteLength: number;
  /** Strings are sent in UTF-8. */
  chunks(): Iterable<Buffer | string> | AsyncIterable<Buffer | string>;
}

/**
 * The body of a request in parts, for content that would take its memory again to be joined with the rest. It can be
 * sent several times.
 */
export class ComposedBody implements AsyncIterable<Buffer | string> {
  readonly byteLength: number;
  readonly #parts: readonly (Buffer | BodyPart)[];

  constructor(parts: readonly (Buffer | BodyPart)[]) {
    this.#parts = parts;
    this.byteLength = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer | string, void, void> {
    for (const part of this.#parts) {
      if (Buffer.isBuffer(part)) yield part;
      else yield* part.chunks();
    }
  }
}

/** What a request may carry. */
export type RequestBody = string | Buffer | ComposedBody;
