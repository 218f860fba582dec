import type { GenerationEnd, GeneratedToken } from './protocol.ts';

/** What one generation yields, in order: `started` once, tokens, `finished` once. */
export type GenerationEvent =
  | { type: 'started'; promptTokens: number; cachedTokens: number }
  | { type: 'tokens'; tokens: GeneratedToken[] }
  | { type: 'finished'; reason: GenerationEnd; generatedTokens: number; thoughtTokens: number };

/** Unread token messages after which the engine is told to wait, and after which it may go on. */
const HIGH_WATER = 64;
const LOW_WATER = 16;

/**
 * The events of one generation, from the messages of the engine to an async iterator. Reading slowly pauses the
 * engine; leaving the loop cancels it.
 */
export class JobStream implements AsyncIterableIterator<GenerationEvent> {
  readonly #control: (order: 'pause' | 'resume' | 'cancel') => void;
  #queue: GenerationEvent[] = [];
  #reader:
    | { resolve: (result: IteratorResult<GenerationEvent>) => void; reject: (error: unknown) => void }
    | undefined;
  #error: unknown;
  #isOver = false;
  #isPaused = false;

  constructor(control: (order: 'pause' | 'resume' | 'cancel') => void) {
    this.#control = control;
  }

  push(event: GenerationEvent): void {
    if (this.#isOver) return;
    if (event.type === 'finished') this.#isOver = true;
    if (this.#reader !== undefined) {
      this.#reader.resolve({ value: event, done: false });
      this.#reader = undefined;
      return;
    }
    this.#queue.push(event);
    if (!this.#isPaused && this.#queue.length >= HIGH_WATER) {
      this.#isPaused = true;
      this.#control('pause');
    }
  }

  /** Ends the stream with an error, after what was already received. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#reader !== undefined) {
      this.#reader.reject(error);
      this.#reader = undefined;
      return;
    }
    this.#error = error;
  }

  next(): Promise<IteratorResult<GenerationEvent>> {
    const event = this.#queue.shift();
    if (event !== undefined) {
      if (this.#isPaused && this.#queue.length <= LOW_WATER) {
        this.#isPaused = false;
        this.#control('resume');
      }
      return Promise.resolve({ value: event, done: false });
    }
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      return Promise.reject(error);
    }
    if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<GenerationEvent>> {
    this.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Stops the generation; a pending read ends. */
  cancel(): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#control('cancel');
    }
    this.#queue = [];
    this.#reader?.resolve({ value: undefined, done: true });
    this.#reader = undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
