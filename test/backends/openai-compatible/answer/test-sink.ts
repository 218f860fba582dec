import type { ByteSink } from '../../../../src/backends/relayed-answer.ts';

/** A client: what it got, and whether it has room. */
export class TestSink implements ByteSink {
  readonly writes: string[] = [];
  hasRoom = true;
  isEnded = false;
  readonly #waiting: (() => void)[] = [];

  get text(): string {
    return this.writes.join('');
  }

  /** Who waits for room. */
  get waiting(): number {
    return this.#waiting.length;
  }

  write(bytes: Buffer): boolean {
    if (this.isEnded) throw new Error('written behind the end');
    if (bytes.length === 0) throw new Error('an empty write');
    this.writes.push(bytes.toString('utf8'));
    return this.hasRoom;
  }

  onRoom(callback: () => void): void {
    this.#waiting.push(callback);
  }

  end(bytes: Buffer): void {
    if (bytes.length > 0) this.write(bytes);
    this.isEnded = true;
  }

  /** @param hasMore whether there is room for more than one write */
  makeRoom(hasMore = true): void {
    this.hasRoom = hasMore;
    for (const callback of this.#waiting.splice(0)) callback();
  }
}

/** Lets everything happen that is waiting in this turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
