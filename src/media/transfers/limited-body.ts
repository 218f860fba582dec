import { tooLarge } from '../too-large.ts';

export interface BodyLimit {
  /** The medium, as it stands at the beginning of a sentence. */
  readonly subject: string;
  readonly maxBytes: number;
}

/**
 * A body up to a number of bytes.
 *
 * @throws {GatewayError} `unsupported_media`, instead of the piece that goes beyond
 */
export async function* limitedBody(
  body: AsyncIterable<Buffer>,
  { subject, maxBytes }: BodyLimit,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > maxBytes) throw tooLarge(subject, maxBytes);
    yield piece;
  }
}
