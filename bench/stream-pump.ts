import type { Socket } from 'node:net';

/**
 * Writes prepared pieces of many streams. Without a delay every running stream sends one piece a turn of the event
 * loop, so that streams interleave.
 */
export class StreamPump {
  readonly #writes: readonly Buffer[];
  readonly #running = new Set<{ socket: Socket; next: number }>();
  #isTurning = false;

  /** @param writes the pieces of each stream, framing included; one write each */
  constructor(writes: readonly Buffer[]) {
    this.#writes = writes;
  }

  /** @param delay milliseconds between two pieces */
  start(socket: Socket, delay: number): void {
    const stream = { socket, next: 0 };
    if (delay > 0) {
      this.#send(stream);
      const timer = setInterval(() => {
        if (!this.#send(stream)) clearInterval(timer);
      }, delay);
      return;
    }
    this.#running.add(stream);
    if (!this.#isTurning) setImmediate(this.#turn);
    this.#isTurning = true;
  }

  /** @returns whether there is more to send */
  #send(stream: { socket: Socket; next: number }): boolean {
    const write = this.#writes[stream.next++];
    if (write === undefined || stream.socket.destroyed) return false;
    stream.socket.write(write);
    return stream.next < this.#writes.length;
  }

  readonly #turn = (): void => {
    for (const stream of this.#running) if (!this.#send(stream)) this.#running.delete(stream);
    this.#isTurning = this.#running.size > 0;
    if (this.#isTurning) setImmediate(this.#turn);
  };
}
