import type { Dispatcher } from 'undici';
import { GatewayError } from '../../errors.ts';
import { IdTokenIssuer, type IssuerOptions } from './id-token-issuer.ts';
import { isCanonical, MAX_CREDENTIAL_LENGTH, readJwt } from './jwt-parts.ts';
import type { Authenticator, Principal } from './principal.ts';

export interface IdTokensOptions {
  readonly issuers: readonly IssuerOptions[];
  readonly dispatcher: Dispatcher;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Longest wait for one answer of an issuer, in milliseconds. @default 5000 */
  readonly timeoutMs?: number;
  /** An issuer did not answer as it should. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * ID tokens of Google and of any other OpenID Connect issuer. They are verified here, with the keys their issuer
 * publishes; the issuer does not hear of the calls.
 */
export class IdTokens implements Authenticator {
  readonly #issuers = new Map<unknown, IdTokenIssuer>();

  /** @throws {RangeError} for an issuer that is there twice or not fully described */
  constructor({ issuers, timeoutMs = 5000, ...context }: IdTokensOptions) {
    for (const options of issuers) {
      const issuer = new IdTokenIssuer(options, { ...context, timeoutMs });
      for (const name of issuer.names) {
        if (this.#issuers.has(name)) throw new RangeError(`the issuer ${name} is there twice`);
        this.#issuers.set(name, issuer);
      }
    }
  }

  /** Only tokens that name one of the issuers are of this kind, whether they are genuine or not. */
  async authenticate(credential: string, signal: AbortSignal): Promise<Principal | undefined> {
    signal.throwIfAborted();
    if (credential.length > MAX_CREDENTIAL_LENGTH) return refuseLong(credential);
    const jwt = readJwt(credential);
    const issuer = this.#issuers.get(jwt?.claims['iss']);
    if (jwt === undefined || issuer === undefined) return undefined;
    if (!isCanonical(credential)) {
      throw new GatewayError('invalid_api_key', 'The ID token is damaged: it is not in base64url.');
    }
    return issuer.judge(credential, jwt.claims['exp'], signal);
  }

  /** Gives up what is under way. */
  close(): void {
    for (const issuer of new Set(this.#issuers.values())) issuer.close();
  }
}

/** Nobody knows whose it is: to look would be the work that the limit is there to save. */
function refuseLong(credential: string): undefined {
  if (!/^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(credential)) return undefined;
  throw new GatewayError('invalid_api_key', `The JWT is larger than ${MAX_CREDENTIAL_LENGTH / 1024} KiB.`);
}
