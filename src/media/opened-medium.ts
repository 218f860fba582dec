/** A medium on its way here: what is known of it beforehand, and its bytes as they come. */
export interface OpenedMedium {
  /** The type its server names, in lower case and without parameters; `undefined` for none, or for one that says nothing. */
  readonly contentType: string | undefined;
  /** In bytes, where it is told beforehand. What comes may be shorter; what comes beyond is cut off. */
  readonly length: number | undefined;
  /**
   * To be read once. Leaving the loop ends the transfer.
   *
   * @throws {GatewayError} from the iterator, for what breaks off, is too slow or too large
   */
  readonly body: AsyncIterable<Buffer>;
}
