import { GatewayError } from '../../errors.ts';
import { TransportError } from '../../upstream/transport-error.ts';
import { unavailable } from '../unavailable.ts';
import type { TransferSlots } from './transfer-slots.ts';

export interface TransferOptions {
  /** Of whoever wants the medium. */
  readonly signal: AbortSignal;
  /** The medium, as it stands at the beginning of a sentence; asked for when the time is up. */
  readonly subject: () => string;
  /** From now to the last byte, in milliseconds. */
  readonly totalMs: number;
  readonly slots: TransferSlots;
  /** Called once. */
  readonly onEnd: (transfer: Transfer) => void;
}

/**
 * One medium on its way: its time, and what it occupies until it has come or failed. It ends by itself when whoever wants
 * it leaves or the time is up, so that a body nobody reads holds nothing for longer.
 */
export class Transfer {
  /** Aborts at the end, with the reason why there is nothing more to come. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #options: TransferOptions;
  readonly #timer: NodeJS.Timeout;
  #occupied: (() => void)[] = [];
  /** Milliseconds for which no server was to blame. */
  #waitedMs = 0;
  /** When the wait that has no end yet began. */
  #waitingSince: number | undefined;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.signal = this.#controller.signal;
    this.#timer = setTimeout(() => {
      this.stop(this.#lateness());
    }, options.totalMs);
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
  }

  /**
   * Waits for its turn among others; the slot is its own until {@link release} or the end.
   *
   * @param host of whose slots, where hosts have some of their own
   * @throws the signal's reason
   */
  async takeSlot(host = ''): Promise<void> {
    this.#waitingSince = performance.now();
    try {
      this.occupy(await this.#options.slots.take(host, this.signal));
      // The slot and the end may have come together.
      this.signal.throwIfAborted();
    } finally {
      this.#waitedMs = this.#waited();
      this.#waitingSince = undefined;
    }
  }

  /** @param release called once: by {@link release}, at the end, or now if that has come already */
  occupy(release: () => void): void {
    if (this.signal.aborted) release();
    else this.#occupied.push(release);
  }

  release(): void {
    const occupied = this.#occupied;
    this.#occupied = [];
    for (const release of occupied) release();
  }

  /** Everything has come, or the rest is of no use. */
  end(): void {
    this.stop(new TransportError('reset', 'the rest of the transfer was given up'));
  }

  /** Ends it from outside. */
  stop(reason: unknown): void {
    if (this.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#controller.abort(reason);
    this.release();
    this.#options.onEnd(this);
  }

  readonly #onAbort = (): void => {
    this.stop(this.#options.signal.reason);
  };

  #waited(): number {
    const since = this.#waitingSince;
    return this.#waitedMs + (since === undefined ? 0 : performance.now() - since);
  }

  /** Blames what took most of the time. */
  #lateness(): GatewayError {
    const { totalMs, subject } = this.#options;
    const message = `${subject()} did not come within ${totalMs / 1000} seconds`;
    return this.#waited() > totalMs / 2
      ? new GatewayError('overloaded', `${message}, for it had to wait for others.`, { retryAfterSeconds: 1 })
      : unavailable(`${message}.`, { mayPass: true });
  }
}
