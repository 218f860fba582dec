import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { MemoryBudget, type Share } from '../media/memory-budget.ts';
import { clientLeft, waitForClient } from './client-departure.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What a large body takes of the memory for those; given back at the latest when the response is over. */
    bodyShare?: Share;
  }
}

export interface LargeBodiesOptions {
  /** Of all large bodies together. One that is larger comes alone. */
  readonly bytes: number;
  /** Longest wait for room, in milliseconds. */
  readonly maxWaitMs: number;
  /** How often it is looked at whether a body comes fast enough, in milliseconds. @default 10000 */
  readonly lookEveryMs?: number;
}

/** Smaller bodies are not worth waiting for each other, in bytes. */
export const LARGE_BODY = 1024 * 1024;

/** A body that comes more slowly loses its room to others that wait, in bytes a second. */
const MIN_RATE = 32 * 1024;

const RETRY_AFTER_SECONDS = 5;

/**
 * Bounds the memory of large requests: a body is read only once there is room for it, and takes it until its answer
 * begins.
 */
export class LargeBodies {
  readonly #budget: MemoryBudget;
  readonly #maxWaitMs: number;
  readonly #lookEveryMs: number;

  constructor({ bytes, maxWaitMs, lookEveryMs = 10_000 }: LargeBodiesOptions) {
    this.#budget = new MemoryBudget(bytes);
    this.#maxWaitMs = maxWaitMs;
    this.#lookEveryMs = lookEveryMs;
  }

  /** @returns what to wait for before the body is read; `undefined` for one that is small, or whose length nobody told */
  admit(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    const isLarge = Number(length) > LARGE_BODY;
    if (!isLarge && encoding === undefined) return undefined;
    reply.raw.once('close', () => request.bodyShare?.release());
    return isLarge ? this.take(Number(length), request) : undefined;
  }

  /**
   * Takes room for the body of an admitted request, as soon as there is some.
   *
   * @throws {GatewayError} when its client leaves, and `overloaded` when there is none in time
   */
  async take(bytes: number, request: FastifyRequest): Promise<void> {
    const wait = waitForClient(request.socket);
    const limit = AbortSignal.timeout(this.#maxWaitMs);
    try {
      request.bodyShare = await this.#budget.take(bytes, AbortSignal.any([wait.signal, limit]));
    } catch (error) {
      throw error === limit.reason ? noRoom() : error;
    } finally {
      wait.release();
    }
    if (!request.socket.destroyed) return;
    // Nobody will give it back any more.
    request.bodyShare.release();
    throw clientLeft();
  }

  /**
   * Looks after a body that has room: a client that hardly sends would keep it from all others.
   *
   * @param received tells how much of it has come, in bytes
   * @param cut called once, with {GatewayError} `request_timeout`
   * @returns what ends the watch
   */
  watch(received: () => number, cut: (error: GatewayError) => void): () => void {
    let before = received();
    const timer = setInterval(() => {
      const now = received();
      const isSlow = now - before < (MIN_RATE * this.#lookEveryMs) / 1000;
      before = now;
      if (isSlow && this.#budget.isWanted) cut(tooSlow());
    }, this.#lookEveryMs);
    return () => clearInterval(timer);
  }
}

function noRoom(): GatewayError {
  return new GatewayError(
    'overloaded',
    'The server holds as many large requests as it has memory for (server.large_body_bytes). Send the request again later.',
    { retryAfterSeconds: RETRY_AFTER_SECONDS },
  );
}

function tooSlow(): GatewayError {
  return new GatewayError(
    'request_timeout',
    `The body came at less than ${MIN_RATE / 1024} KiB a second while other large requests waited for its room.`,
  );
}
