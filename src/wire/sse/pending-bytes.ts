import { GatewayError } from '../../errors.ts';

/**
 * Bytes of a piece of text whose end has not arrived. Every byte is copied once when it is held and once when the
 * piece is complete, so that a long piece in small chunks takes linear time.
 */
export class PendingBytes {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #chunks: Uint8Array[] = [];
  #length = 0;

  /** Bytes held so far. */
  get length(): number {
    return this.#length;
  }

  hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // A copy: the caller may use its buffer again.
    this.#chunks.push(bytes.slice());
    this.#length += bytes.length;
  }

  /** The held bytes and the last ones as text. Nothing is held afterwards. */
  take(last: Uint8Array): string {
    if (this.#length === 0) return this.#decoder.decode(last);
    const whole = new Uint8Array(this.#length + last.length);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    whole.set(last, at);
    this.#chunks = [];
    this.#length = 0;
    return this.#decoder.decode(whole);
  }
}

/** @throws {GatewayError} `bad_upstream_response` when `bytes` is more than `limit` */
export function checkMessageSize(bytes: number, limit: number): void {
  if (bytes <= limit) return;
  throw new GatewayError(
    'bad_upstream_response',
    `The upstream sent a stream message of more than ${limit} bytes.`,
  );
}
