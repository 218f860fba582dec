import type { ServerResponse } from 'node:http';

export interface SseWriterOptions {
  /** Silence after which a comment line is sent, in milliseconds; 0 for never. */
  readonly keepAliveMs: number;
  /** Aborted when the answer has to end: writing then ends without error. */
  readonly signal: AbortSignal;
}

const KEEP_ALIVE = ': keep-alive\n\n';

/** Writes server-sent events at the pace of the client. Contract section 10.1. */
export class SseWriter {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, { keepAliveMs, signal }: SseWriterOptions) {
    this.#response = response;
    this.#signal = signal;
    if (keepAliveMs > 0) {
      this.#timer = setInterval(() => {
        if (!response.destroyed && !response.writableNeedDrain) response.write(KEEP_ALIVE);
      }, keepAliveMs);
    }
  }

  /** Sends events in one write. Resolves when the client has room for more, or the answer has to end. */
  async write(events: readonly object[]): Promise<void> {
    if (this.#signal.aborted || this.#response.destroyed) return;
    let text = '';
    for (const event of events) text += toEvent(event);
    if (text === '') return;
    this.#timer?.refresh();
    if (!this.#response.write(text)) await drained(this.#response, this.#signal);
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

  #end(text: string): void {
    clearInterval(this.#timer);
    if (!this.#response.destroyed) this.#response.end(text);
  }
}

function toEvent(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`;
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
