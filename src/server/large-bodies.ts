import type { FastifyReply, FastifyRequest } from 'fastify';
import { MemoryBudget, type Share } from '../media/memory-budget.ts';
import { waitForClient } from './client-departure.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What a large body takes of the memory for those; given back at the latest when the response is over. */
    bodyShare?: Share;
  }
}

/** Smaller bodies are not worth waiting for each other, in bytes. */
export const LARGE_BODY = 1024 * 1024;

/**
 * Bounds the memory of large requests: a body is read only once there is room for it, and takes it until its answer
 * begins.
 */
export class LargeBodies {
  readonly #budget: MemoryBudget;

  /** @param bytes of all large bodies together; one that is larger comes alone */
  constructor(bytes: number) {
    this.#budget = new MemoryBudget(bytes);
  }

  /** @returns what to wait for before the body is read; `undefined` for one that is small, or whose length nobody told */
  admit(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    const isLarge = Number(length) > LARGE_BODY;
    if (!isLarge && encoding === undefined) return undefined;
    reply.raw.once('close', () => request.bodyShare?.release());
    return isLarge ? this.take(Number(length), request) : undefined;
  }

  /** Takes room for the body of an admitted request, as soon as there is some. @throws {GatewayError} when its client leaves */
  async take(bytes: number, request: FastifyRequest): Promise<void> {
    const wait = waitForClient(request.socket);
    try {
      request.bodyShare = await this.#budget.take(bytes, wait.signal);
    } finally {
      wait.release();
    }
    // Nobody will give it back any more.
    if (request.socket.destroyed) request.bodyShare.release();
  }
}
