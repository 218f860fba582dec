import { hash, timingSafeEqual } from 'node:crypto';

/** What is kept of a key while its request runs: enough to know it again, and no more. */
export class HashedKey {
  readonly #hash: Buffer;

  constructor(key: string) {
    this.#hash = hash('sha256', key, 'buffer');
  }

  /** Whom the key stands for, as a name that does not give the key away. */
  get tenant(): string {
    return this.#hash.toString('base64url');
  }

  /** In constant time. */
  equals(other: HashedKey): boolean {
    return timingSafeEqual(this.#hash, other.#hash);
  }
}
