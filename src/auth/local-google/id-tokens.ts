import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { accountNumber } from './account-names.ts';
import { isSignedBy, parseJwt, signJwt } from './json-web-token.ts';
import type { LocalKeys } from './local-keys.ts';

/** Who an ID token speaks of, and to whom. */
export interface Identity {
  readonly email: string;
  readonly audience: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface IdTokensOptions {
  readonly keys: LocalKeys;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Life of a token. */
  readonly lifetimeSeconds: number;
}

/** Google's name for itself in ID tokens. That ours are not Google's is told by the key. */
const ISSUER = 'https://accounts.google.com';

/** ID tokens of the local sign-in: RS256, with a key of its own. OpenID Connect Core section 2. */
export class IdTokens {
  readonly #options: IdTokensOptions;

  constructor(options: IdTokensOptions) {
    this.#options = options;
  }

  async issue(email: string, audience: string): Promise<string> {
    const { keys, now, lifetimeSeconds } = this.#options;
    const { keyId, privateKey } = (await keys.get()).idTokenKey;
    const issuedAt = Math.floor(now() / 1000);
    const subject = accountNumber(email);
    const claims = {
      aud: audience,
      azp: subject,
      email,
      email_verified: true,
      exp: issuedAt + lifetimeSeconds,
      iat: issuedAt,
      iss: ISSUER,
      sub: subject,
    };
    return signJwt(claims, keyId, privateKey);
  }

  /** @returns `undefined` for a token that is not ours, was changed, or has expired */
  async read(token: string): Promise<Identity | undefined> {
    const jwt = parseJwt(token);
    if (jwt === undefined) return undefined;
    const { keyId, publicKey } = (await this.#options.keys.get()).idTokenKey;
    if (jwt.header['kid'] !== keyId || !isSignedBy(jwt, publicKey)) return undefined;
    const { email, aud, exp } = jwt.claims;
    if (typeof email !== 'string' || typeof aud !== 'string' || typeof exp !== 'number') return undefined;
    return this.#options.now() < exp * 1000 ? { email, audience: aud, expiresAt: exp } : undefined;
  }

  /** The keys to check ID tokens with. RFC 7517 section 5. */
  async keySet(): Promise<JsonObject> {
    const { keyId, publicKey } = (await this.#options.keys.get()).idTokenKey;
    const { n, e } = publicKey.export({ format: 'jwk' });
    return { keys: [{ kty: 'RSA', alg: 'RS256', use: 'sig', kid: keyId, n, e }] };
  }
}
