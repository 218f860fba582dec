/** A medium that can be sent. */
export interface Medium {
  /** By its bytes. */
  readonly mimeType: string;
  readonly byteLength: number;
  /**
   * The bytes, from their beginning each time.
   *
   * @throws {GatewayError} from the iterator, when it has to be fetched once more and cannot be
   */
  chunks(): Iterable<Buffer> | AsyncIterable<Buffer>;
  /** All of it in memory. @throws as {@link chunks} */
  whole(): Promise<WholeMedium>;
  /** It will not be sent again. */
  release(): void;
}

/** A medium that is here. */
export interface WholeMedium extends Medium {
  /** In the pieces in which it came: joining them would take as much memory again. */
  readonly pieces: readonly Buffer[];
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly hash: string;
}

export function wholeMedium(facts: Pick<WholeMedium, 'mimeType' | 'pieces' | 'hash'>): WholeMedium {
  const medium: WholeMedium = {
    ...facts,
    byteLength: facts.pieces.reduce((sum, { length }) => sum + length, 0),
    chunks: () => facts.pieces,
    whole: async () => medium,
    release: () => {},
  };
  return medium;
}
