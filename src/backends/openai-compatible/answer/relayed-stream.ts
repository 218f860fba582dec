import { TransportError } from '../../../upstream/transport-error.ts';
import type { ExchangeBody } from '../../../upstream/exchange.ts';
import { toGatewayFailure } from '../../../upstream/to-gateway-failure.ts';
import type { TokenUsage } from '../../../wire/openai/response.ts';
import type { ByteSink, FlowingAnswer } from '../../relayed-answer.ts';
import { DONE, type StreamEditor } from './stream-editor.ts';

const NOTHING = Buffer.alloc(0);

export interface RelayedStreamOptions {
  /** The upstream's name, for errors. */
  readonly upstream: string;
  readonly editor: StreamEditor;
  /** Asked before the answer is declared complete. @throws {GatewayError} when it must not be */
  readonly verify?: (() => Promise<void>) | undefined;
  /** Makes of a failure what may be shown of it. */
  readonly explain: (failure: unknown) => unknown;
  /** Told that the server is at work. */
  readonly onStir?: (() => void) | undefined;
  /** Told once how the stream ended: nothing, or what broke it. */
  readonly onOver: (failure?: unknown) => void;
}

/** @param failure what came behind the bytes, if anything was wrong with it */
type Take = (edited: Buffer, failure?: unknown) => void;

/**
 * A model server's stream on its way to a client. Bytes are pushed from socket to socket, without a promise for each
 * piece, and the server is paused while the client has no room.
 *
 * What one read of the server's socket brings, often many chunks, is edited and written in one piece at the end of the
 * same turn: a write costs several times what its bytes do.
 */
export class RelayedStream implements FlowingAnswer {
  readonly format = 'event-stream';
  readonly #body: ExchangeBody;
  readonly #options: RelayedStreamOptions;
  /** Came in this turn. */
  #pieces: Buffer[] = [];
  /** Edited before anybody took it. */
  #first: Buffer = NOTHING;
  /** Who takes what has been edited: also pieces that came before it was there. */
  #take: Take = () => {};
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
    const { promise, resolve, reject } = Promise.withResolvers<RelayedStream>();
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      body.cancel();
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(new TransportError('timeout', `no event within ${firstByteMs / 1000} seconds`));
    }, firstByteMs);
    const { editor } = options;
    stream.#gather((edited, failure) => {
      stream.#first = stream.#first.length === 0 ? edited : Buffer.concat([stream.#first, edited]);
      // As long as nothing was sent, it is an HTTP error, and others may be asked.
      if (failure !== undefined) fail(failure);
      else if (editor.hasBegun || editor.isDone) {
        clearTimeout(timer);
        resolve(stream);
      }
    });
    return promise;
  }

  usage(): TokenUsage | undefined {
    return this.#options.editor.usage();
  }

  async flow(sink: ByteSink): Promise<void> {
    const { verify } = this.#options;
    try {
      let last = await this.#pump(sink);
      if (verify !== undefined) {
        if (last.length > 0) sink.write(last);
        last = NOTHING;
        await verify();
      }
      this.#finish();
      sink.end(Buffer.concat([last, DONE]));
    } catch (error) {
      this.#body.cancel();
      this.#finish(error);
      throw toGatewayFailure(error, `The upstream ${this.#options.upstream}`);
    }
  }

  /** Resolves, with what is left to be written, when all but `[DONE]` was handed over. */
  #pump(sink: ByteSink): Promise<Buffer> {
    const { editor } = this.#options;
    if (editor.isDone) return Promise.resolve(this.#first);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    let hasRoom = true;
    const goOn = (): void => {
      hasRoom = true;
      this.#body.resume();
    };
    const take: Take = (bytes, failure) => {
      if (editor.isDone) {
        // The client may never have room again, and the server's end is still to be taken.
        this.#body.resume();
        resolve(bytes);
        return;
      }
      if (bytes.length > 0 && !sink.write(bytes)) {
        hasRoom = false;
        sink.onRoom(goOn);
      }
      if (failure !== undefined) reject(failure);
    };
    take(this.#first);
    this.#gather(take, () => hasRoom);
    return promise;
  }

  /**
   * Edits what comes, a turn's worth at a time, until `[DONE]` or until it fails.
   *
   * @param take is given what came before a failure together with it
   */
  #gather(take: Take, hasRoom: () => boolean = () => true): void {
    const { editor, explain } = this.#options;
    this.#take = take;
    const edit = (finish?: () => Buffer): void => {
      const pieces = this.#pieces;
      this.#pieces = [];
      let edited = editor.push(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
      let { failure } = editor;
      if (finish !== undefined && failure === undefined && !editor.isDone) {
        try {
          edited = Buffer.concat([edited, finish()]);
        } catch (error) {
          failure = error;
        }
      }
      this.#take(edited, failure === undefined ? undefined : explain(failure));
    };
    const flush = (): void => {
      if (this.#pieces.length > 0) edit();
    };
    this.#body.receive(
      {
        onData: (chunk) => {
          if (editor.isDone) {
            // Nothing is to come behind [DONE], and who sends it may go on for ever.
            this.#body.cancel();
            return true;
          }
          if (this.#pieces.push(chunk) === 1) {
            this.#options.onStir?.();
            process.nextTick(flush);
          }
          return hasRoom();
        },
        onEnd: () => {
          edit(() => editor.end());
        },
        onError: (error) => {
          edit(() => {
            // Cut after the last chunk, nothing is missing.
            if (error instanceof TransportError && editor.isComplete()) return editor.complete();
            throw error;
          });
        },
      },
      { isPaused: !hasRoom() },
    );
  }

  #finish(failure?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onOver(failure);
  }
}
