import { TransportError } from '../upstream/transport-error.ts';

export interface TransferOptions {
  /** The caller's. */
  readonly signal: AbortSignal;
  /** Longest time from here to the last byte, in milliseconds. */
  readonly timeoutMs: number;
  /** Called once, however it ends. */
  readonly onEnd: () => void;
}

/**
 * The time of one transfer. It ends by itself when the caller's signal aborts or the time is up, so that a body nobody
 * reads holds nothing for longer.
 */
export class Transfer {
  /** Aborts at the end: with the caller's reason, or with a {@link TransportError}. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #options: TransferOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#end(this.#options.signal.reason);

  constructor(options: TransferOptions) {
    const { signal, timeoutMs } = options;
    this.#options = options;
    this.signal = this.#controller.signal;
    this.#timer = setTimeout(() => {
      this.#end(new TransportError('timeout', `it took longer than ${timeoutMs / 1000} s`));
    }, timeoutMs).unref();
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Everything has arrived, or the rest is of no use. */
  end(): void {
    this.#end(new TransportError('reset', 'the rest of the transfer was given up'));
  }

  #end(reason: unknown): void {
    if (this.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#controller.abort(reason);
    this.#options.onEnd();
  }
}
