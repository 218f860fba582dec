import { GatewayError } from '../../errors.ts';

export interface TransferOptions {
  /** Of whoever wants the medium; not aborted yet. */
  readonly signal: AbortSignal;
  /** From now to the last byte, in milliseconds. */
  readonly totalMs: number;
  /** Called once. */
  readonly onEnd: (transfer: Transfer) => void;
}

/** Longest text of a URL in a message, in characters. */
const MAX_SHOWN = 200;

/** One medium on its way: where it has led, its time, and what it occupies until it has come or failed. */
export class Transfer {
  readonly #options: TransferOptions;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #visited: URL[] = [];
  #occupied: (() => void)[] = [];
  #isOver = false;
  /** Milliseconds for which no server was to blame. */
  #waitedMs = 0;
  /** When the wait that has no end yet began. */
  #waitingSince: number | undefined;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => {
      this.stop(this.#lateness());
    }, options.totalMs);
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Aborted with the reason of {@link stop}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The medium, as it stands at the beginning of a sentence. Without queries, which may be secret. */
  get subject(): string {
    const [first] = this.#visited;
    const last = this.#visited.at(-1);
    if (first === undefined || last === undefined) return 'The medium';
    const start = `The medium at ${shown(first)}`;
    return first === last ? start : `${start}, redirected to ${shown(last)},`;
  }

  /** A URL comes next. */
  visit(url: URL): void {
    this.#visited.push(url);
  }

  /** Waits for the transfer's turn among others. */
  async waitFor<Turn>(turn: Promise<Turn>): Promise<Turn> {
    this.#waitingSince = performance.now();
    try {
      return await turn;
    } finally {
      this.#waitedMs = this.#waited();
      this.#waitingSince = undefined;
    }
  }

  /** @param release called once: by {@link release}, at the end, or now if that has come already */
  occupy(release: () => void): void {
    if (this.#isOver) release();
    else this.#occupied.push(release);
  }

  release(): void {
    const occupied = this.#occupied;
    this.#occupied = [];
    for (const release of occupied) release();
  }

  /** Ends it from outside. */
  stop(reason: unknown): void {
    this.#controller.abort(reason);
    this.end();
  }

  /** There is nothing more to come. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
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
    const { totalMs } = this.#options;
    const seconds = totalMs / 1000;
    return this.#waited() > totalMs / 2
      ? new GatewayError(
          'overloaded',
          `${this.subject} did not come within ${seconds} seconds, for it had to wait for others.`,
          { retryAfterSeconds: 1 },
        )
      : new GatewayError('invalid_argument', `${this.subject} did not come within ${seconds} seconds.`);
  }
}

/** Of other schemes nothing but the name: their paths hold anything, whole media and passwords included. */
function shown({ protocol, origin, pathname }: URL): string {
  const isWeb = protocol === 'https:' || protocol === 'http:';
  return isWeb ? `${origin}${pathname}`.slice(0, MAX_SHOWN) : protocol;
}
