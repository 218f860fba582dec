/**
 * A body up to a number of bytes.
 *
 * @throws what `tooLarge` makes, instead of the piece that goes beyond
 */
export async function* limitedBody(
  body: AsyncIterable<Buffer>,
  maxBytes: number,
  tooLarge: () => Error,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > maxBytes) throw tooLarge();
    yield piece;
  }
}
