import type { Socket } from 'node:net';

interface PacedStream {
  readonly socket: Socket;
  readonly write: (piece: number) => void;
  readonly pieces: number;
  readonly everyMs: number;
  next: number;
  dueAt: number;
}

/** The golden ratio: multiples of it, without their whole part, lie evenly between 0 and 1. */
const GOLDEN = 0.618_033_988_75;

/**
 * Sends pieces of many streams at a fixed pace. The streams are spread over the period, as those of independent
 * clients are: in step, all their pieces would come as one burst.
 */
export class PacedPump {
  readonly #running = new Set<PacedStream>();
  #started = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param write sends the piece of that number */
  start(
    socket: Socket,
    { pieces, everyMs, write }: { pieces: number; everyMs: number; write: (piece: number) => void },
  ): void {
    const phase = (this.#started++ * GOLDEN) % 1;
    const dueAt = performance.now() + phase * everyMs;
    this.#running.add({ socket, write, pieces, everyMs, next: 0, dueAt });
    this.#timer ??= setInterval(this.#turn, 1);
  }

  readonly #turn = (): void => {
    const now = performance.now();
    for (const stream of this.#running) {
      if (stream.dueAt > now) continue;
      stream.write(stream.next++);
      stream.dueAt += stream.everyMs;
      if (stream.next === stream.pieces || stream.socket.destroyed) this.#running.delete(stream);
    }
    if (this.#running.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  };
}
