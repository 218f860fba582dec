import type { CallerPolicy } from '../../caller-policy.ts';
import { GatewayError } from '../../errors.ts';
import type { Authenticator, Principal } from './principal.ts';

/** A key that was given out, as far as it matters for who calls. */
export interface IssuedKey {
  readonly id: string;
  readonly policy: CallerPolicy;
  readonly expiresAt: Date | undefined;
}

/** Knows the keys that were given out. */
export interface KeyFinder {
  /**
   * @returns `undefined` when there is no such key
   * @throws {GatewayError} `overloaded` when that cannot be found out now
   */
  find(
    key: string,
  ): Promise<{ readonly status: 'valid' | 'expired' | 'revoked'; readonly key: IssuedKey } | undefined>;
}

/** Knows callers by the keys of `parlance keys create`. */
export class IssuedKeys implements Authenticator {
  readonly #keys: KeyFinder;

  constructor(keys: KeyFinder) {
    this.#keys = keys;
  }

  async authenticate(credential: string): Promise<Principal | undefined> {
    const found = await this.#keys.find(credential);
    if (found === undefined) return undefined;
    const { status, key } = found;
    if (status !== 'valid') throw new GatewayError('invalid_api_key', describeEnd(status, key));
    return { kind: 'key', id: key.id, tenant: `key:${key.id}`, policy: key.policy };
  }
}

function describeEnd(status: 'expired' | 'revoked', { id, expiresAt }: IssuedKey): string {
  const end =
    status === 'revoked' ? 'has been revoked' : `expired at ${expiresAt?.toISOString() ?? 'an earlier time'}`;
  return `The API key ${id} ${end}. Ask who runs this server for a new one.`;
}
