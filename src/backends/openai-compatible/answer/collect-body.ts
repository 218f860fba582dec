import type { ExchangeBody } from '../../../upstream/exchange.ts';

/** A body, or as much of it as was to be collected. */
export interface CollectedBody {
  readonly bytes: Buffer;
  /** Whether this is all. If not, the upstream is paused, and the rest goes to the next receiver. */
  readonly isWhole: boolean;
}

/**
 * Collects a body until it is complete or longer than `limit` bytes.
 *
 * @throws {TransportError} when it breaks off
 */
export function collectBody(body: ExchangeBody, limit: number): Promise<CollectedBody> {
  const { promise, resolve, reject } = Promise.withResolvers<CollectedBody>();
  const chunks: Buffer[] = [];
  let length = 0;
  const join = (): Buffer => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  body.receive({
    onData: (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= limit) return true;
      resolve({ bytes: join(), isWhole: false });
      return false;
    },
    onEnd: () => {
      resolve({ bytes: join(), isWhole: true });
    },
    onError: reject,
  });
  return promise;
}
