import { WebFault } from './web-fault.ts';
import type { Transfer } from './transfer.ts';

/** The bytes of a transfer, fetched as they are asked for, up to a limit. */
export class TransferBody implements AsyncIterableIterator<Buffer> {
  readonly #source: AsyncIterator<Buffer>;
  readonly #transfer: Transfer;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(source: AsyncIterable<Buffer>, transfer: Transfer, maxBytes: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#transfer = transfer;
    this.#maxBytes = maxBytes;
  }

  async next(): Promise<IteratorResult<Buffer>> {
    try {
      const result = await this.#source.next();
      if (result.done === true) this.#transfer.end();
      else this.#count(result.value);
      return result;
    } catch (error) {
      this.#transfer.end();
      throw WebFault.toGatewayFailure(error, this.#transfer.subject);
    }
  }

  return(): Promise<IteratorResult<Buffer>> {
    this.#transfer.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #count(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) throw tooLarge(this.#maxBytes);
  }
}

export function tooLarge(maxBytes: number): WebFault {
  return new WebFault('unsupported_media', `it is larger than ${maxBytes} bytes`);
}
