import type { ServerResponse } from 'node:http';
import type { ByteSink } from '../backends/relayed-answer.ts';
import { KEEP_ALIVE, toEvent } from './sse-event.ts';

export interface RelayWriterOptions {
  readonly format: 'json' | 'event-stream';
  /** Silence in a stream after which a comment line is sent, in milliseconds; 0 for never. */
  readonly keepAliveMs: number;
}

/** Passes the bytes of an answer on as they come. */
export class RelayWriter implements ByteSink {
  readonly #response: ServerResponse;
  readonly #isStream: boolean;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, { format, keepAliveMs }: RelayWriterOptions) {
    this.#response = response;
    this.#isStream = format === 'event-stream';
    if (this.#isStream && keepAliveMs > 0) {
      this.#timer = setInterval(() => {
        if (!response.destroyed && !response.writableNeedDrain) response.write(KEEP_ALIVE);
      }, keepAliveMs);
    }
  }

  write(bytes: Buffer): boolean {
    // Nobody listens: the abort that follows ends the answer.
    if (this.#response.destroyed || this.#response.writableEnded) return true;
    this.#timer?.refresh();
    return this.#response.write(bytes);
  }

  onRoom(callback: () => void): void {
    this.#response.once('drain', callback);
  }

  end(bytes: Buffer): void {
    clearInterval(this.#timer);
    if (!this.#response.destroyed && !this.#response.writableEnded) this.#response.end(bytes);
  }

  /** Ends a broken answer so that nobody takes it for complete: a stream with a last event, JSON by cutting it off. */
  fail(error: object): void {
    clearInterval(this.#timer);
    if (!this.#isStream || this.#response.writableNeedDrain) this.#response.destroy();
    else if (!this.#response.destroyed) this.#response.end(toEvent(error));
  }
}
