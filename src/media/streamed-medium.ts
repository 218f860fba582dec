import { GatewayError } from '../errors.ts';
import type { Medium, WholeMedium } from './medium.ts';
import type { OpenedMedium } from './opened-medium.ts';
import { joined, type MediumBeginning } from './read-medium.ts';

export interface StreamedMediumOptions extends MediumBeginning {
  /** In bytes. */
  readonly byteLength: number;
  /** Begins anew, for another attempt. */
  readonly reopen: () => Promise<OpenedMedium>;
  /** Reads all of it. */
  readonly readWhole: (opened: OpenedMedium) => Promise<WholeMedium>;
  /** The medium, as it stands at the beginning of a message. */
  readonly subject: string;
}

/**
 * A medium that goes from its source to the upstream as it comes, and takes no memory but that of a few pieces. What is
 * sent a second time is fetched a second time.
 */
export class StreamedMedium implements Medium {
  readonly mimeType: string;
  readonly byteLength: number;
  readonly #options: StreamedMediumOptions;
  /** `undefined` once somebody reads it. */
  #first: AsyncIterator<Buffer> | undefined;

  constructor(options: StreamedMediumOptions) {
    this.mimeType = options.mimeType;
    this.byteLength = options.byteLength;
    this.#options = options;
    this.#first = options.rest;
  }

  async *chunks(): AsyncGenerator<Buffer, void, void> {
    const opened = this.#takeFirst() ?? (await this.#options.reopen());
    if (opened.length !== this.byteLength) throw this.#changed();
    let bytes = 0;
    for await (const piece of opened.body) {
      bytes += piece.length;
      if (bytes > this.byteLength) throw this.#changed();
      yield piece;
    }
    if (bytes !== this.byteLength) throw this.#changed();
  }

  async whole(): Promise<WholeMedium> {
    return await this.#options.readWhole(this.#takeFirst() ?? (await this.#options.reopen()));
  }

  release(): void {
    void this.#first?.return?.();
    this.#first = undefined;
  }

  #takeFirst(): OpenedMedium | undefined {
    const rest = this.#first;
    if (rest === undefined) return undefined;
    this.#first = undefined;
    const { head } = this.#options;
    return { contentType: undefined, length: this.byteLength, body: joined(head, rest) };
  }

  #changed(): GatewayError {
    return new GatewayError(
      'invalid_argument',
      `${this.#options.subject} is not as long as was told; it changed while it was read. Send the request again.`,
      { shouldRetry: true },
    );
  }
}
