import type { ServerResponse } from 'node:http';
import { KEEP_ALIVE, toEvent } from './sse-event.ts';

export interface SseWriterOptions {
  /** Silence after which a comment line is sent, in milliseconds; 0 for never. */
  readonly keepAliveMs: number;
  /** Aborted when the answer has to end: writing then ends without error. */
  readonly signal: AbortSignal;
}

/** Unwritten text that is not held back any longer, in UTF-16 code units. */
const MAX_UNWRITTEN = 65_536;

/**
 * Writes server-sent events at the pace of the client. Contract section 10.1.
 *
 * What is written within one turn of the event loop goes out together, at the turn's end: an upstream often sends
 * several messages at once, and a write costs several times what making an event costs.
 */
export class SseWriter {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  readonly #timer: NodeJS.Timeout | undefined;
  #unwritten = '';
  #isScheduled = false;

  /** Sends the head of the response with the first events, or at the end of this turn without any. */
  constructor(response: ServerResponse, { keepAliveMs, signal }: SseWriterOptions) {
    this.#response = response;
    this.#signal = signal;
    this.#schedule();
    if (keepAliveMs > 0) {
      this.#timer = setInterval(() => {
        if (!response.destroyed && !response.writableNeedDrain) response.write(KEEP_ALIVE);
      }, keepAliveMs);
    }
  }

  /** Sends events. @returns what to wait for when the client has no room for more; ends with the answer, too */
  write(events: readonly object[]): Promise<void> | undefined {
    if (this.#signal.aborted || this.#response.destroyed) return undefined;
    for (const event of events) this.#unwritten += toEvent(event);
    if (this.#unwritten.length >= MAX_UNWRITTEN) this.#flush();
    else this.#schedule();
    return this.#response.writableNeedDrain ? drained(this.#response, this.#signal) : undefined;
  }

  /** Ends a complete stream. */
  done(): void {
    this.#end('data: [DONE]\n\n');
  }

  /** Ends a broken stream with a last event; without {@link done} a client knows that something is missing. */
  fail(event: object): void {
    // A client that does not read would never come to this event, and would hold the connection open for it.
    if (this.#response.writableNeedDrain) this.#response.destroy();
    this.#end(toEvent(event));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return;
    if (this.#unwritten === '') {
      response.flushHeaders();
      return;
    }
    this.#timer?.refresh();
    response.write(this.#unwritten);
    this.#unwritten = '';
  };

  #end(text: string): void {
    clearInterval(this.#timer);
    if (!this.#response.destroyed) this.#response.end(this.#unwritten + text);
    this.#unwritten = '';
  }
}

/** Waits for `drain`, or for the end of the answer. */
function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      response.off('drain', over);
      response.off('close', over);
      signal.removeEventListener('abort', over);
      resolve();
    };
    response.once('drain', over);
    response.once('close', over);
    signal.addEventListener('abort', over, { once: true });
  });
}
