import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { clientLeft } from './client-departure.ts';
import { LARGE_BODY, type LargeBodies } from './large-bodies.ts';

export interface BodyRules {
  /** In bytes. */
  readonly maxBytes: number;
  readonly largeBodies: LargeBodies;
}

/**
 * Reads the body of an admitted request, a large one into one piece of memory from the beginning. One whose length
 * nobody told waits for room when it turns out to be large.
 *
 * @param done called once; with {GatewayError} `request_too_large`, or when {@link LargeBodies} has no room or takes it
 *   away, or with what the connection failed of
 */
export function readBody(
  request: FastifyRequest,
  stream: Readable,
  { maxBytes, largeBodies }: BodyRules,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  const body = new BodyBytes();
  let isOver = false;
  let endWatch: (() => void) | undefined;
  const finish = (error: Error | null, bytes?: Buffer): void => {
    if (isOver) return;
    isOver = true;
    endWatch?.();
    stream.off('data', take).off('end', end).off('error', finish).off('close', leave);
    // What else comes of it is dropped.
    if (error !== null) stream.resume();
    done(error, bytes);
  };
  const hold = (bytes: number): void => {
    if (isOver) return;
    body.hold(bytes);
    endWatch = largeBodies.watch(() => body.length, finish);
  };
  const take = (piece: Buffer): void => {
    if (body.length + piece.length > maxBytes) {
      finish(tooLarge(maxBytes));
      return;
    }
    body.add(piece);
    if (body.length <= LARGE_BODY || body.isHeld) return;
    stream.pause();
    void holdRest();
  };
  const holdRest = async (): Promise<void> => {
    try {
      await largeBodies.take(maxBytes, request);
      hold(maxBytes);
      stream.resume();
    } catch (error) {
      finish(error as Error);
    }
  };
  const end = (): void => {
    request.bodyShare?.shrink(body.length);
    finish(null, body.whole());
  };
  const leave = (): void => finish(clientLeft());
  const stated = Number(request.headers['content-length']);
  if (stated > LARGE_BODY) hold(stated);
  stream.on('data', take).on('end', end).on('error', finish).on('close', leave);
  if (stream.destroyed) leave();
}

export function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError(
    'request_too_large',
    `The body is larger than the ${maxBytes} bytes this server accepts.`,
  );
}

/**
 * Gives the memory of a piece back, unless it is a part of something. V8 would do so too, but late: to it a buffer is as
 * small as the object that stands for it, and a large body comes in hundreds of pieces.
 */
function giveBack({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** The bytes of a body as they come. */
class BodyBytes {
  #pieces: Buffer[] = [];
  #held: Buffer | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Takes the memory for all of it. What is never written to costs none. */
  hold(bytes: number): void {
    // A resizable buffer has pages of its own, which go back to the system with it; malloc would keep them.
    this.#held = Buffer.from(new ArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes);
    let at = 0;
    for (const piece of this.#pieces) at += piece.copy(this.#held, at);
    this.#pieces = [];
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#held === undefined) this.#pieces.push(piece);
    else {
      piece.copy(this.#held, this.#length - piece.length);
      giveBack(piece);
    }
  }

  whole(): Buffer {
    return this.#held?.subarray(0, this.#length) ?? Buffer.concat(this.#pieces, this.#length);
  }
}
