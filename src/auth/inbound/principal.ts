import type { CallerPolicy } from '../../caller-policy.ts';

/**
 * Who is calling, as the rest of the server knows it. Nothing in it is a secret, except where the client's own
 * credential is to go upstream.
 */
export interface Principal {
  readonly kind: 'anonymous' | 'key' | 'google' | 'oidc' | 'local';
  /** Names the caller for logs, limits and the ledger: a key's id, an e-mail address, a subject. */
  readonly id: string;
  /** Whom what is kept between requests belongs to. Principals of one tenant share it. */
  readonly tenant: string;
  /** What this caller may ask for; everything when absent. */
  readonly policy?: CallerPolicy;
  /** The Google access token that proves who it is; media may be fetched with its rights. */
  readonly accessToken?: string;
  /** What the client sent, where it is to go to the upstream and nowhere else. */
  readonly credential?: string;
}

/**
 * One way to know callers. Authenticators are asked in turn: the first that knows the credential decides.
 */
export interface Authenticator {
  /**
   * @returns who it is; `undefined` for a credential that is none of this kind
   * @throws {GatewayError} `invalid_api_key` for one that is of this kind and not valid, `permission_denied` for a valid one
   *   that may not call here, `upstream_credentials` or `overloaded` when it cannot be judged now
   */
  authenticate(credential: string, signal: AbortSignal): Promise<Principal | undefined>;
}
