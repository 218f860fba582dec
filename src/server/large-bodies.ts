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
const LARGE_BODY = 1024 * 1024;

/**
 * Bounds the memory of large requests: a body is read only once there is room for it, and takes it until its answer
 * begins. Until then it is there several times over, as bytes, as text and as what is sent on.
 */
export class LargeBodies {
  readonly #budget: MemoryBudget;

  /** @param bytes of all large bodies together; one that is larger comes alone */
  constructor(bytes: number) {
    this.#budget = new MemoryBudget(bytes);
  }

  /** @returns what to wait for before the body is read; `undefined` for one that is small, or whose length nobody told */
  admit(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const length = Number(request.headers['content-length']);
    return length > LARGE_BODY ? this.#wait(length, request, reply) : undefined;
  }

  async #wait(length: number, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const wait = waitForClient(request.socket);
    try {
      const share = await this.#budget.take(length, wait.signal);
      request.bodyShare = share;
      reply.raw.once('close', () => {
        share.release();
      });
      // It may have been closed meanwhile.
      if (reply.raw.closed) share.release();
    } finally {
      wait.release();
    }
  }
}
