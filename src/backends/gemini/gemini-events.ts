import { fromGeminiError } from '../../translate/error/from-gemini-error.ts';
import { fromGeminiOutcome } from '../../translate/error/from-gemini-outcome.ts';
import type { ChatEventBatch, ToolCallStart } from '../../translate/events/chat-event.ts';
import type { GeminiDecoder } from '../../translate/events/decode-gemini.ts';
import { toGatewayFailure } from '../../upstream/to-gateway-failure.ts';
import { TransportError } from '../../upstream/transport-error.ts';
import { parseErrorText, readGoogleError } from '../../wire/gemini/error.ts';
import { type FrameReader, parseFrame } from './read-frames.ts';

export interface GeminiEventsOptions {
  readonly frames: FrameReader;
  /** Whether the body says it is JSON: then text outside of messages is one, too. */
  readonly isJson: boolean;
  readonly decoder: GeminiDecoder;
  /** Sees every call as it begins, and may change it. */
  readonly keepCall: (event: ToolCallStart) => ToolCallStart;
  /** Makes of a failure what may be shown of it. */
  readonly explain: (failure: unknown) => unknown;
}

/**
 * The events of an answer as its bytes arrive: one batch for each message of the upstream.
 *
 * An iterator written by hand. Every async generator between the socket and the client costs three turns of the
 * microtask queue for each message, and this one stands for three of them. What one read of the socket completes is
 * decoded at once, so that only the read itself is waited for.
 */
export class GeminiEvents implements AsyncIterableIterator<ChatEventBatch, void, void> {
  readonly #body: AsyncIterator<Buffer>;
  readonly #options: GeminiEventsOptions;
  #batches: ChatEventBatch[] = [];
  /** Of {@link #batches}, those that were handed out. */
  #taken = 0;
  #sawMessage = false;
  #isOver = false;
  /** Thrown once what came before it has been handed out. */
  #failure: { readonly error: unknown } | undefined;

  constructor(body: AsyncIterable<Buffer>, options: GeminiEventsOptions) {
    this.#body = body[Symbol.asyncIterator]();
    this.#options = options;
  }

  /**
   * Resolves when the answer has begun, with its first output, or is over.
   *
   * @throws {GatewayError} as {@link next} does: a message without output may still turn out to be a failure
   * @throws {TransportError} when the answer breaks off before its first output
   */
  async untilOutput(): Promise<void> {
    const { decoder } = this.#options;
    while (!decoder.hasOutput && !this.#isOver) await this.#read();
    if (!decoder.hasOutput && this.#failure !== undefined) throw this.#takeFailure();
  }

  /** @throws {GatewayError} for an error among the messages, framed or bare, and for an answer that breaks off or is none */
  next(): Promise<IteratorResult<ChatEventBatch, void>> {
    const ready = this.#take();
    if (ready !== undefined) return Promise.resolve(ready);
    return this.#isOver ? this.#last() : this.#read().then(this.#afterRead);
  }

  async return(): Promise<IteratorResult<ChatEventBatch, void>> {
    this.#batches = [];
    this.#failure = undefined;
    if (!this.#isOver) this.#leave();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #afterRead = ():
    | IteratorResult<ChatEventBatch, void>
    | Promise<IteratorResult<ChatEventBatch, void>> => this.#take() ?? this.next();

  #take(): IteratorResult<ChatEventBatch, void> | undefined {
    const batch = this.#batches[this.#taken];
    if (batch === undefined) return undefined;
    this.#taken++;
    return { value: batch, done: false };
  }

  async #last(): Promise<IteratorResult<ChatEventBatch, void>> {
    if (this.#failure !== undefined) throw toGatewayFailure(this.#takeFailure(), 'Gemini');
    return { value: undefined, done: true };
  }

  #takeFailure(): unknown {
    const error = this.#failure?.error;
    this.#failure = undefined;
    return this.#options.explain(error);
  }

  /** Waits for one read of the body, and decodes what it brings. Never rejects. */
  #read(): Promise<void> {
    return this.#body.next().then(this.#receive, this.#breakOff);
  }

  readonly #receive = (chunk: IteratorResult<Buffer>): void => {
    this.#batches = this.#taken === this.#batches.length ? [] : this.#batches.slice(this.#taken);
    this.#taken = 0;
    try {
      if (chunk.done === true) this.#end();
      else for (const text of this.#options.frames.push(chunk.value)) this.#decode(text);
    } catch (error) {
      this.#failure = { error };
      // The rest of the body is of no use.
      if (!this.#isOver) this.#leave();
    }
  };

  #end(): void {
    this.#isOver = true;
    const { frames, isJson } = this.#options;
    const { last, loose } = frames.end();
    if (last !== undefined) this.#decode(last);
    if (loose.trim() !== '') {
      // A failure in the middle of a stream is written as bare JSON, without a frame. Contract section 10.7. And where
      // nothing is framed, something else than Gemini has answered.
      if (readGoogleError(parseErrorText(loose)) !== undefined || (!isJson && !this.#sawMessage)) {
        throw fromGeminiError({ status: 200, body: loose });
      }
      if (isJson) this.#decode(loose);
    }
    this.#close(true);
  }

  /** Cut after the last finish reason, nothing is missing. */
  readonly #breakOff = (error: unknown): void => {
    this.#isOver = true;
    if (error instanceof TransportError && this.#options.decoder.sawFinish) {
      try {
        this.#close(false);
      } catch (failure) {
        this.#failure = { error: failure };
      }
    } else {
      this.#failure = { error };
    }
  };

  #close(isWhole: boolean): void {
    const { decoder } = this.#options;
    const closing = decoder.end(isWhole);
    const failure = decoder.outcome === undefined ? undefined : fromGeminiOutcome(decoder.outcome);
    if (failure !== undefined) throw failure;
    if (closing.length > 0) this.#batches.push(closing);
  }

  #decode(text: string): void {
    this.#sawMessage = true;
    const events = this.#options.decoder.push(parseFrame(text));
    if (events.length === 0) return;
    for (let at = 0; at < events.length; at++) {
      const event = events[at];
      if (event?.type === 'tool-call-start') events[at] = this.#options.keepCall(event);
    }
    this.#batches.push(events);
  }

  #leave(): void {
    this.#isOver = true;
    // Not waited for: a body lets go of its connection at once, or never.
    void this.#body.return?.();
  }
}
