import { createHash, timingSafeEqual } from 'node:crypto';

/** Where a client may put its key. Contract section 1.3. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly 'x-goog-api-key'?: string | undefined;
  readonly 'api-key'?: string | undefined;
  /** `?key=` of the URL. */
  readonly queryKey?: string | undefined;
}

const BEARER = /^Bearer +(\S+)$/i;

/** The key a client presents: the first place that holds one, in the order of {@link Credentials}. */
export function readClientKey(credentials: Credentials): string | undefined {
  const bearer = BEARER.exec(credentials.authorization ?? '')?.[1];
  const places = [bearer, credentials['x-goog-api-key'], credentials['api-key'], credentials.queryKey];
  return places.find((key) => key !== undefined && key !== '');
}

/**
 * Compares keys by their hashes, all of them and in constant time, so that timing tells neither how much of a key is
 * right nor which one matched.
 */
export class ApiKeys {
  readonly #hashes: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.#hashes = keys.map(hash);
  }

  has(key: string): boolean {
    const candidate = hash(key);
    let found = false;
    for (const known of this.#hashes) found = timingSafeEqual(known, candidate) || found;
    return found;
  }
}

/**
 * Whom a key stands for, as a name that does not give the key away: its hash. Clients without a key share one name.
 */
export function tenantOf(key: string | undefined): string {
  return key === undefined ? 'anonymous' : hash(key).toString('base64url');
}

function hash(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
