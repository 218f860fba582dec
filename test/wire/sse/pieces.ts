/** Bytes in chunks of one size. */
export function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

/** Bytes cut at the given places, in any order. */
export function piecesOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((left, right) => left - right)];
  return places.map((place, index) => bytes.subarray(place, places[index + 1] ?? bytes.length));
}
