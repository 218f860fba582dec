import { GatewayError } from '../../errors.ts';
import { Transfer, type TransferOptions } from './transfer.ts';
import { TransferSlots, type TransferSlotsOptions } from './transfer-slots.ts';

export interface TransfersOptions extends TransferSlotsOptions {
  /** Longest time of one, in milliseconds, the wait for its turn included. */
  readonly totalMs: number;
}

/** All media on their way from one source. */
export class Transfers {
  readonly #totalMs: number;
  readonly #slots: TransferSlots;
  readonly #running = new Set<Transfer>();
  #isClosed = false;

  constructor(options: TransfersOptions) {
    this.#totalMs = options.totalMs;
    this.#slots = new TransferSlots(options);
  }

  /** @throws {GatewayError} `overloaded` when they are closed; the signal's reason when it has aborted */
  begin({ signal, subject }: Pick<TransferOptions, 'signal' | 'subject'>): Transfer {
    signal.throwIfAborted();
    if (this.#isClosed) throw shuttingDown();
    const transfer = new Transfer({
      signal,
      subject,
      totalMs: this.#totalMs,
      slots: this.#slots,
      onEnd: () => this.#running.delete(transfer),
    });
    this.#running.add(transfer);
    return transfer;
  }

  /** Breaks off what is on its way. */
  close(): void {
    this.#isClosed = true;
    for (const transfer of this.#running) transfer.stop(shuttingDown());
  }
}

function shuttingDown(): GatewayError {
  return new GatewayError('overloaded', 'The server is shutting down.', { retryAfterSeconds: 1 });
}
