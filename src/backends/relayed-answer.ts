import type { TokenUsage } from '../wire/openai/response.ts';

/** An answer whose bytes go to the client as they are: at hand as a whole, or still flowing. */
export type RelayedAnswer = WholeAnswer | FlowingAnswer;

interface Relayed {
  /** The server's own token counts, once they have passed. */
  usage(): TokenUsage | undefined;
}

/** One JSON object. */
export interface WholeAnswer extends Relayed {
  readonly bytes: Buffer;
}

export interface FlowingAnswer extends Relayed {
  readonly format: 'json' | 'event-stream';

  /**
   * Hands over all bytes, at the pace of the receiver, and ends it. To be called once.
   *
   * @throws {GatewayError} when the answer breaks off; then the receiver has not been ended
   */
  flow(sink: ByteSink): Promise<void>;
}

/** Where the bytes of an answer go. */
export interface ByteSink {
  /** @returns whether there is room for more; if not, {@link onRoom} tells when */
  write(bytes: Buffer): boolean;
  /** Calls back once, when there is room again. */
  onRoom(callback: () => void): void;
  /** The last bytes, perhaps none: the answer is complete. */
  end(bytes: Buffer): void;
}
