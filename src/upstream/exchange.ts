import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { TransportError } from './transport-error.ts';

export interface ExchangeRequest {
  readonly origin: string;
  /** With query. */
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Aborts the exchange, its response body included. */
  readonly signal: AbortSignal;
  /** Longest wait for the response's head, in milliseconds. */
  readonly headersTimeoutMs: number;
  /** Longest silence within the response, in milliseconds. */
  readonly idleTimeoutMs: number;
}

export interface ExchangeResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as it arrives. Read once; leaving the loop closes the exchange. */
  readonly body: AsyncIterable<Buffer>;
}

/** Unread bytes of a body after which the upstream is paused. */
const HIGH_WATER = 256 * 1024;

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
    const handler = new ExchangeHandler(request.signal, resolve, reject);
    dispatcher.dispatch(
      {
        origin: request.origin,
        path: request.path,
        method: request.method,
        headers: request.headers,
        body: request.body ?? null,
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
class ExchangeHandler implements Dispatcher.DispatchHandler, AsyncIterableIterator<Buffer> {
  readonly #signal: AbortSignal;
  readonly #resolve: (response: ExchangeResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onAbort: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #hasStarted = false;
  #chunks: Buffer[] = [];
  #unread = 0;
  #isOver = false;
  #error: unknown;
  #reader:
    | { resolve: (result: IteratorResult<Buffer>) => void; reject: (error: unknown) => void }
    | undefined;

  constructor(
    signal: AbortSignal,
    resolve: (response: ExchangeResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onAbort = () => {
      this.#controller?.abort(abortError(signal));
      this.#chunks = [];
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
    this.#resolve({ status, headers, body: this });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
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
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(this.#signal.aborted ? this.#signal.reason : TransportError.from(error));
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

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    this.#error = error;
    if (!this.#hasStarted) this.#reject(error);
    this.#reader?.reject(error);
    this.#reader = undefined;
  }

  #finish(): void {
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
