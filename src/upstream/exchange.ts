import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../errors.ts';
import { ComposedBody, type RequestBody } from './composed-body.ts';
import { type ResponseHeaders, responseHeaders } from './response-headers.ts';
import { TransportError } from './transport-error.ts';

export interface ExchangeRequest {
  readonly origin: string;
  /** With query. */
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Aborts the exchange, its response body included. */
  readonly signal: AbortSignal;
  /** Longest wait for the response's head, in milliseconds. */
  readonly headersTimeoutMs: number;
  /** Longest silence within the response, in milliseconds. */
  readonly idleTimeoutMs: number;
}

export interface ExchangeResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: ExchangeBody;
  /** Headers of the request. */
  readonly sent: Readonly<Record<string, string>>;
}

/** The body as it arrives. Read once, in either way; leaving the loop closes the exchange. */
export interface ExchangeBody extends AsyncIterable<Buffer> {
  /**
   * Pushes the body, or what a loop or another receiver has left of it: without a promise for each piece. Each receiver
   * is told once how the body ends.
   *
   * @param isPaused whether to wait for {@link resume} first. @default false
   */
  receive(receiver: BodyReceiver, options?: { readonly isPaused: boolean }): void;
  /** Goes on after {@link BodyReceiver.onData} asked for a pause. */
  resume(): void;
  /** Closes the exchange: the rest of the body is of no use. The receiver is told nothing more. */
  cancel(): void;
}

export interface BodyReceiver {
  /**
   * @returns whether to go on at once; if not, nothing comes before {@link ExchangeBody.resume}, and the upstream is
   *   paused once enough is waiting
   */
  onData(chunk: Buffer): boolean;
  onEnd(): void;
  /** @param error a {@link TransportError}, or the signal's reason */
  onError(error: unknown): void;
}

/** Unread bytes of a body after which the upstream is paused: about what one read of a socket brings. */
const HIGH_WATER = 64 * 1024;

/**
 * One HTTP exchange over a connection pool. Written on `dispatch`, because `fetch` costs ten times the CPU and web
 * streams as much again.
 *
 * @returns once the response's head is there
 * @throws {TransportError} when there is no response; the signal's reason when it aborted
 */
export function exchange(dispatcher: Dispatcher, request: ExchangeRequest): Promise<ExchangeResponse> {
  return new Promise((resolve, reject) => {
    if (request.signal.aborted) {
      reject(request.signal.reason);
      return;
    }
    const handler = new ExchangeHandler(request, resolve, reject);
    const { body = null } = request;
    dispatcher.dispatch(
      {
        origin: request.origin,
        path: request.path,
        method: request.method,
        headers:
          body instanceof ComposedBody
            ? { ...request.headers, 'content-length': String(body.byteLength) }
            : request.headers,
        // An iterable is taken at the pace of the connection.
        body: body as NonNullable<Dispatcher.DispatchOptions['body']> | null,
        headersTimeout: request.headersTimeoutMs,
        bodyTimeout: request.idleTimeoutMs,
      },
      handler,
    );
  });
}

/** The whole body as text, up to a limit. @throws {TransportError} when it is longer or breaks off */
export async function readText(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new TransportError('too-large', 'the answer is larger than this server accepts');
    chunks.push(chunk);
  }
  return (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8');
}

/** Receives undici's callbacks and is the response body at the same time. */
class ExchangeHandler implements Dispatcher.DispatchHandler, ExchangeBody, AsyncIterableIterator<Buffer> {
  readonly #signal: AbortSignal;
  readonly #sent: ExchangeResponse['sent'];
  readonly #resolve: (response: ExchangeResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onAbort: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #hasStarted = false;
  #chunks: Buffer[] = [];
  #unread = 0;
  #isOver = false;
  /** Not `undefined` once it has failed. */
  #error: unknown;
  #reader:
    | { resolve: (result: IteratorResult<Buffer>) => void; reject: (error: unknown) => void }
    | undefined;
  #receiver: BodyReceiver | undefined;
  /** The receiver wants nothing for now. */
  #isHeld = false;
  /** This receiver was told how the body ended. */
  #isTold = false;

  constructor(
    { signal, headers }: ExchangeRequest,
    resolve: (response: ExchangeResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#signal = signal;
    this.#sent = headers;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onAbort = () => {
      this.#chunks = [];
      // A receiver without room is told nevertheless: it may never have room again.
      this.#isHeld = false;
      this.#controller?.abort(abortError(signal));
      this.#fail(signal.reason);
    };
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) controller.abort(abortError(this.#signal));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 1xx answers come before the real one.
    if (status < 200) return;
    this.#hasStarted = true;
    this.#resolve({ status, headers: responseHeaders(headers), body: this, sent: this.#sent });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#receiver !== undefined && !this.#isHeld) {
      this.#isHeld = !this.#receiver.onData(chunk);
      return;
    }
    if (this.#reader !== undefined) {
      this.#reader.resolve({ value: chunk, done: false });
      this.#reader = undefined;
      return;
    }
    this.#chunks.push(chunk);
    this.#unread += chunk.length;
    if (this.#unread >= HIGH_WATER && !controller.paused) controller.pause();
  }

  onResponseEnd(): void {
    this.#finish();
    this.#reader?.resolve({ value: undefined, done: true });
    this.#reader = undefined;
    this.#drain();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    // What the request's own body throws is no failure of the transport.
    const failure = error instanceof GatewayError ? error : TransportError.from(error);
    this.#fail(this.#signal.aborted ? this.#signal.reason : failure);
  }

  next(): Promise<IteratorResult<Buffer>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#unread -= chunk.length;
      if (this.#controller?.paused === true && this.#unread < HIGH_WATER / 2) this.#controller.resume();
      return Promise.resolve({ value: chunk, done: false });
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** The reader has enough: the connection is given up, since the rest of the body is of no use. */
  return(): Promise<IteratorResult<Buffer>> {
    if (!this.#isOver) {
      this.#finish();
      this.#controller?.abort(new Error('the reader left'));
    }
    this.#chunks = [];
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  receive(receiver: BodyReceiver, { isPaused } = { isPaused: false }): void {
    this.#receiver = receiver;
    this.#isHeld = isPaused && !this.#signal.aborted;
    this.#isTold = false;
    this.#drain();
  }

  resume(): void {
    this.#isHeld = false;
    this.#drain();
  }

  cancel(): void {
    this.#receiver = undefined;
    if (!this.#isOver) this.#error = new TransportError('reset', 'the rest of the answer was given up');
    void this.return();
  }

  /** Gives the receiver what has been waiting, and the end if it has come. */
  #drain(): void {
    while (this.#receiver !== undefined && !this.#isHeld) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) break;
      this.#unread -= chunk.length;
      this.#isHeld = !this.#receiver.onData(chunk);
    }
    if (this.#receiver === undefined || this.#isHeld) return;
    if (!this.#isOver) {
      if (this.#controller?.paused === true) this.#controller.resume();
    } else if (!this.#isTold) {
      this.#isTold = true;
      if (this.#error === undefined) this.#receiver.onEnd();
      else this.#receiver.onError(this.#error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    this.#error = error;
    if (!this.#hasStarted) this.#reject(error);
    this.#reader?.reject(error);
    this.#reader = undefined;
    this.#drain();
  }

  #finish(): void {
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
