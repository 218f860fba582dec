import { TransportError } from '../../../upstream/transport-error.ts';
import type { ExchangeBody } from '../../../upstream/exchange.ts';
import { toGatewayFailure } from '../../../upstream/to-gateway-failure.ts';
import type { TokenUsage } from '../../../wire/openai/response.ts';
import type { ByteSink, FlowingAnswer } from '../../relayed-answer.ts';
import { DONE, type StreamEditor } from './stream-editor.ts';

export interface RelayedStreamOptions {
  /** The upstream's name, for errors. */
  readonly upstream: string;
  readonly editor: StreamEditor;
  /** Asked before the answer is declared complete. @throws {GatewayError} when it must not be */
  readonly verify?: (() => Promise<void>) | undefined;
  /** Told once how the stream ended: nothing, or what broke it. */
  readonly onOver: (failure?: unknown) => void;
}

/**
 * A model server's stream on its way to a client. Bytes are pushed from socket to socket, without a promise for each
 * piece, and the server is paused while the client has no room.
 */
export class RelayedStream implements FlowingAnswer {
  readonly format = 'event-stream';
  readonly #body: ExchangeBody;
  readonly #options: RelayedStreamOptions;
  /** What came before anybody took it. */
  readonly #first: Buffer[] = [];
  #isOver = false;

  private constructor(body: ExchangeBody, options: RelayedStreamOptions) {
    this.#body = body;
    this.#options = options;
  }

  /**
   * Waits until the answer has begun, with its first chunk.
   *
   * @param firstByteMs longest wait, in milliseconds
   * @throws {GatewayError} when it is an error, or no answer
   * @throws {TransportError} when it breaks off, or does not begin in time
   */
  static begin(
    body: ExchangeBody,
    { firstByteMs, ...options }: RelayedStreamOptions & { readonly firstByteMs: number },
  ): Promise<RelayedStream> {
    const stream = new RelayedStream(body, options);
    const { editor } = options;
    const { promise, resolve, reject } = Promise.withResolvers<RelayedStream>();
    const timer = setTimeout(() => {
      body.cancel();
      reject(new TransportError('timeout', `no event within ${firstByteMs / 1000} seconds`));
    }, firstByteMs);
    const fail = (error: unknown): void => {
      body.cancel();
      reject(error);
    };
    body.receive({
      onData: (chunk) => {
        try {
          stream.#first.push(editor.push(chunk));
        } catch (error) {
          fail(error);
          return true;
        }
        if (!editor.hasBegun && !editor.isDone) return true;
        resolve(stream);
        return false;
      },
      onEnd: () => {
        try {
          stream.#first.push(editor.end());
          resolve(stream);
        } catch (error) {
          fail(error);
        }
      },
      onError: reject,
    });
    return promise.finally(() => {
      clearTimeout(timer);
    });
  }

  usage(): TokenUsage | undefined {
    return this.#options.editor.usage();
  }

  async flow(sink: ByteSink): Promise<void> {
    try {
      await this.#pump(sink);
      await this.#options.verify?.();
      sink.write(DONE);
      this.#finish();
    } catch (error) {
      this.#body.cancel();
      this.#finish(error);
      throw toGatewayFailure(error, `The upstream ${this.#options.upstream}`);
    }
  }

  /** Resolves when all but `[DONE]` was handed over. */
  #pump(sink: ByteSink): Promise<void> {
    const { editor } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const goOn = (): void => {
      this.#body.resume();
    };
    const write = (bytes: Buffer): boolean => {
      if (bytes.length === 0 || sink.write(bytes)) return true;
      sink.onRoom(goOn);
      return false;
    };
    // What is waiting already goes first, in one write.
    const hasRoom = write(Buffer.concat(this.#first));
    if (editor.isDone) resolve();
    this.#body.receive(
      {
        onData: (chunk) => {
          if (editor.isDone) return true;
          try {
            const room = write(editor.push(chunk));
            if (!editor.isDone) return room;
            resolve();
          } catch (error) {
            reject(error);
          }
          return true;
        },
        onEnd: () => {
          try {
            write(editor.end());
            resolve();
          } catch (error) {
            reject(error);
          }
        },
        onError: (error) => {
          // Cut after the last chunk, nothing is missing.
          if (error instanceof TransportError && editor.isComplete()) resolve();
          else reject(error);
        },
      },
      { isPaused: !hasRoom },
    );
    return promise;
  }

  #finish(failure?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onOver(failure);
  }
}
