import { HashedKey } from './hashed-key.ts';

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

/** The tenant of all clients without a key. */
export const ANONYMOUS = 'anonymous';

/**
 * Compares keys by their hashes, all of them and in constant time, so that timing tells neither how much of a key is
 * right nor which one matched.
 */
export class ApiKeys {
  readonly #known: readonly HashedKey[];

  constructor(keys: readonly string[]) {
    this.#known = keys.map((key) => new HashedKey(key));
  }

  has(key: HashedKey): boolean {
    let found = false;
    for (const known of this.#known) found = known.equals(key) || found;
    return found;
  }
}
