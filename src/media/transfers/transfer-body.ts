import type { Transfer } from './transfer.ts';

/**
 * The bytes of a transfer, fetched as they are asked for. The transfer ends with them; how they end is told as often as
 * it is asked.
 */
export class TransferBody implements AsyncIterableIterator<Buffer> {
  readonly #source: AsyncIterator<Buffer, unknown>;
  readonly #transfer: Transfer;
  readonly #explain: (error: unknown) => unknown;
  /** What every question is answered once there is nothing more. */
  #ending: (() => IteratorResult<Buffer>) | undefined;

  /** @param explain a failure, as whoever reads is told it */
  constructor(source: AsyncIterable<Buffer>, transfer: Transfer, explain: (error: unknown) => unknown) {
    this.#source = source[Symbol.asyncIterator]();
    this.#transfer = transfer;
    this.#explain = explain;
  }

  async next(): Promise<IteratorResult<Buffer>> {
    if (this.#ending !== undefined) return this.#ending();
    try {
      const result = await this.#source.next();
      if (result.done !== true) return result;
      return this.#end(() => DONE);
    } catch (error) {
      const failure = this.#explain(error);
      return this.#end(() => {
        throw failure;
      });
    }
  }

  async return(): Promise<IteratorResult<Buffer>> {
    this.#ending = () => DONE;
    // Whatever the source waits for comes to its end with the transfer.
    this.#transfer.end();
    await this.#source.return?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(ending: () => IteratorResult<Buffer>): IteratorResult<Buffer> {
    this.#ending ??= ending;
    this.#transfer.end();
    return this.#ending();
  }
}

const DONE: IteratorResult<Buffer> = { value: undefined, done: true };
