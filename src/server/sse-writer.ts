import type { ServerResponse } from 'node:http';

export interface SseWriterOptions {
  /** Silence after which a comment line is sent, in milliseconds; 0 for never. */
  readonly keepAliveMs: number;
  /** Aborted when the client leaves: writing then ends without error. */
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
        if (response.writable && !response.writableNeedDrain) response.write(KEEP_ALIVE);
      }, keepAliveMs);
    }
  }

  /** Sends events in one write. Resolves when the client has room for more, or has left. */
  async write(events: readonly object[]): Promise<void> {
    if (events.length === 0) return;
    await this.#send(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
  }

  /** Ends a complete stream. */
  async done(): Promise<void> {
    await this.#send('data: [DONE]\n\n');
    this.close();
  }

  /** Ends the response as it stands; without {@link done} a client knows that something is missing. */
  close(): void {
    clearInterval(this.#timer);
    this.#response.end();
  }

  async #send(text: string): Promise<void> {
    if (this.#signal.aborted || this.#response.destroyed) return;
    this.#timer?.refresh();
    if (this.#response.write(text)) return;
    await drained(this.#response, this.#signal);
  }
}

/** Waits for `drain`, or for the client to leave. */
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
