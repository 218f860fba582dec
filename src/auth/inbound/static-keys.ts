import { HashedKey } from './hashed-key.ts';
import type { Principal } from './principal.ts';

/** Characters of a tenant's name that tell keys apart in a log. */
const SHOWN = 8;

/**
 * Keys that stand in the configuration. They are compared by their hashes, all of them and in constant time, so that
 * timing tells neither how much of a key is right nor which one matched.
 */
export class StaticKeys {
  readonly #known: readonly HashedKey[];

  constructor(keys: readonly string[]) {
    this.#known = keys.map((key) => new HashedKey(key));
  }

  /** Whose key this is; `undefined` when it is none of them. */
  find(credential: string): Principal | undefined {
    const key = new HashedKey(credential);
    let isKnown = false;
    for (const known of this.#known) isKnown = known.equals(key) || isKnown;
    if (!isKnown) return undefined;
    const { tenant } = key;
    return { kind: 'key', id: `key:${tenant.slice(0, SHOWN)}`, tenant };
  }
}
