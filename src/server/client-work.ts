import type { Socket } from 'node:net';
import { GatewayError, toGatewayError } from '../errors.ts';
import { clientLeft } from './client-departure.ts';

/** Work for one client: ends when the client leaves or time is up. */
export class ClientWork {
  readonly #socket: Socket;
  readonly #controller = new AbortController();
  /** Who waits for the end. Not listeners of the signal: those cost a request several times as much. */
  readonly #waiting: ((reason: GatewayError) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param socket the client's connection. Not the response: one that waits behind others on its connection
   *   (pipelining) is never told that the connection has gone.
   */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.once('close', this.#leave);
    if (socket.destroyed) this.#leave();
  }

  /** Aborted with a {@link GatewayError}, `cancelled` or `timeout`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the work after this many milliseconds. */
  readonly setDeadline = (milliseconds: number): void => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#end(new GatewayError('timeout', `The answer took longer than ${milliseconds / 1000} seconds.`));
    }, milliseconds);
  };

  /**
   * What comes first: the outcome of `work`, or its end by the client or the clock. So a backend that takes no notice
   * of the signal cannot keep a client waiting, and one that stops quietly is not taken to be complete.
   */
  until<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason as GatewayError);
      else this.#waiting.push(reject);
      work.then(resolve, reject);
    });
  }

  /** Why the work failed. Once it was ended from outside, whatever it threw is only a consequence. */
  failure(thrown: unknown): GatewayError {
    const { signal } = this;
    return toGatewayError(signal.aborted ? signal.reason : thrown);
  }

  /** The failure of the work, after which nothing of it goes on. */
  fail(thrown: unknown): GatewayError {
    const failure = this.failure(thrown);
    this.#end(failure);
    return failure;
  }

  /** Lets go of the connection and the clock. */
  release(): void {
    clearTimeout(this.#timer);
    this.#socket.off('close', this.#leave);
  }

  readonly #leave = (): void => {
    this.#end(clientLeft());
  };

  #end(reason: GatewayError): void {
    if (this.signal.aborted) return;
    this.#controller.abort(reason);
    for (const reject of this.#waiting) reject(reason);
  }
}
