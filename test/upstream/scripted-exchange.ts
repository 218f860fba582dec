import type { Dispatcher } from 'undici';
import { exchange, type ExchangeBody } from '../../src/upstream/exchange.ts';

/**
 * The body of a real exchange whose connection is played by the test: bytes arrive when the test says so, at once, unless
 * the exchange has paused it.
 */
export class ScriptedExchange {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #waiting: (() => void)[] = [];
  #isPaused = false;
  #isAborted = false;
  #body: ExchangeBody | undefined;
  /** Bytes handed to the exchange. */
  delivered = 0;
  /** How often the exchange paused the connection. */
  pauses = 0;

  private constructor(handler: Dispatcher.DispatchHandler) {
    this.#handler = handler;
  }

  /** An exchange whose head has come. */
  static async open(signal: AbortSignal = new AbortController().signal): Promise<ScriptedExchange> {
    let scripted: ScriptedExchange | undefined;
    const dispatcher = {
      dispatch(_: unknown, handler: Dispatcher.DispatchHandler): boolean {
        scripted = new ScriptedExchange(handler);
        scripted.#start();
        return true;
      },
    } as unknown as Dispatcher;
    const response = await exchange(dispatcher, {
      origin: 'http://scripted.invalid',
      path: '/',
      method: 'POST',
      headers: {},
      signal,
      headersTimeoutMs: 0,
      idleTimeoutMs: 0,
    });
    if (scripted === undefined) throw new Error('nothing was dispatched');
    scripted.#body = response.body;
    return scripted;
  }

  get body(): ExchangeBody {
    if (this.#body === undefined) throw new Error('there is no body yet');
    return this.#body;
  }

  /** Whether the connection stands still. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether the exchange has closed the connection. */
  get isAborted(): boolean {
    return this.#isAborted;
  }

  send(...texts: (string | Uint8Array)[]): this {
    for (const text of texts) {
      const bytes = Buffer.from(text);
      this.#soon(() => {
        this.delivered += bytes.length;
        this.#handler.onResponseData?.(this.#controller, bytes);
      });
    }
    return this;
  }

  end(): void {
    this.#soon(() => this.#handler.onResponseEnd?.(this.#controller, {}));
  }

  /** The connection breaks. A pause does not keep it from that. */
  break(error: Error = Object.assign(new Error('broken'), { code: 'ECONNRESET' })): void {
    this.#waiting.length = 0;
    this.#handler.onResponseError?.(this.#controller, error);
  }

  #start(): void {
    this.#handler.onRequestStart?.(this.#controller, {});
    this.#handler.onResponseStart?.(this.#controller, 200, {}, 'OK');
  }

  #soon(happen: () => void): void {
    this.#waiting.push(happen);
    this.#run();
  }

  #run(): void {
    while (!this.#isPaused && !this.#isAborted) {
      const happen = this.#waiting.shift();
      if (happen === undefined) return;
      happen();
    }
  }

  readonly #controller = ((exchanged: ScriptedExchange): Dispatcher.DispatchController => {
    const controller = {
      get paused() {
        return exchanged.#isPaused;
      },
      get aborted() {
        return exchanged.#isAborted;
      },
      reason: null,
      pause() {
        exchanged.#isPaused = true;
        exchanged.pauses++;
      },
      resume() {
        exchanged.#isPaused = false;
        exchanged.#run();
      },
      abort(reason: Error) {
        exchanged.#isAborted = true;
        exchanged.#handler.onResponseError?.(controller, reason);
      },
    };
    return controller;
  })(this);
}
