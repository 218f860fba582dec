/** Answers of many megabytes, sent as fast as they are read. */
import type { Socket } from 'node:net';
import { completionText, framedPiece, LAST_EVENTS, numberedPiece } from './relay-fixtures.ts';
import { httpChunk, LAST_CHUNK } from './stand-in.ts';

/** Stands for the content in an answer that is cut open around it. */
const PLACEHOLDER = 'the content';
/** Pieces in one write. */
const BLOCK = 64;
/** Of one answer, before others have theirs. */
const WRITES_IN_A_TURN = 8;

/** How much of the large answers that are under way the receivers have taken. */
export interface HandedOut {
  readonly answers: number;
  readonly bytes: number;
}

export class LargeAnswers {
  /** Each with the bytes its socket had written before. */
  readonly #running = new Map<Socket, number>();

  /** @param writes the answer; the next is taken once the socket has room */
  start(socket: Socket, writes: Iterator<string, void>): void {
    const end = (): void => {
      this.#running.delete(socket);
      socket.off('drain', write);
    };
    const write = (): void => {
      for (let left = WRITES_IN_A_TURN; left > 0 && !socket.destroyed; left--) {
        const { value, done } = writes.next();
        if (done === true) {
          end();
          return;
        }
        if (!socket.write(value)) return;
      }
      setImmediate(write);
    };
    this.#running.set(socket, socket.bytesWritten);
    socket.on('drain', write);
    socket.once('close', end);
    write();
  }

  handedOut(): HandedOut {
    let bytes = 0;
    // `bytesWritten` counts what still waits in this process.
    for (const [socket, before] of this.#running)
      bytes += socket.bytesWritten - socket.writableLength - before;
    return { answers: this.#running.size, bytes };
  }
}

/** The writes of a stream of numbered pieces. @param bytes of its events, at least */
export function* largeStream(head: string, bytes: number): Generator<string, void> {
  const [before = '', after = ''] = framedPiece(PLACEHOLDER).split(PLACEHOLDER);
  const pieces = Math.ceil(bytes / (before.length + numberedPiece(0, 0).length + after.length));
  yield head;
  for (let start = 0; start < pieces; start += BLOCK) {
    let events = '';
    for (let number = start; number < Math.min(start + BLOCK, pieces); number++) {
      events += before + numberedPiece(number, 0) + after;
    }
    yield httpChunk(events);
  }
  yield `${httpChunk(LAST_EVENTS)}${LAST_CHUNK}`;
}

/** The writes of one body whose content is numbered pieces. @param bytes of the content, at least */
export function* largeCompletion(bytes: number): Generator<string, void> {
  const pieceLength = numberedPiece(0, 0).length;
  const pieces = Math.ceil(bytes / pieceLength);
  const [before = '', after = ''] = completionText(PLACEHOLDER).split(PLACEHOLDER);
  const length = before.length + pieces * pieceLength + after.length;
  yield `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${before}`;
  for (let start = 0; start < pieces; start += BLOCK) {
    let content = '';
    for (let number = start; number < Math.min(start + BLOCK, pieces); number++) {
      content += numberedPiece(number, 0);
    }
    yield content;
  }
  yield after;
}
