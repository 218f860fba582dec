import type { CallerPolicy } from '../../caller-policy.ts';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../../errors.ts';
import { AccountGate, type AccountRules } from './account-rules.ts';
import { type GoogleTokenFacts, introspectGoogleToken } from './google-introspection.ts';
import { checkTrustworthy } from './identity-endpoint.ts';
import { IntrospectionCache } from './introspection-cache.ts';
import { MAX_CREDENTIAL_LENGTH, readJwt } from './jwt-parts.ts';
import type { Authenticator, Principal } from './principal.ts';

export interface GoogleAccessTokensOptions {
  readonly dispatcher: Dispatcher;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Who may call. `subjects` are `sub` of people and unique ids of service accounts. */
  readonly rules: AccountRules;
  /** OAuth clients (`azp`, `aud`) whose tokens are accepted. @default all */
  readonly audiences?: readonly string[];
  /** The token must have one of these. @default cloud-platform, generative-language */
  readonly scopes?: readonly string[];
  /** What its callers may ask for. */
  readonly policy?: CallerPolicy;
  /**
   * How credentials begin that Google is asked about; `['']` for any that is no JWT. Others would be somebody else's
   * secrets, and are not Google's to see. @default ['ya29.']
   */
  readonly tokenPrefixes?: readonly string[];
  /** @default Google's */
  readonly tokeninfoUrl?: URL;
  /** Names the organisation of an account, which tokeninfo does not. @default Google's */
  readonly userinfoUrl?: URL;
  /** Longest wait for one answer, in milliseconds. @default 5000 */
  readonly timeoutMs?: number;
  /** Tokens that are remembered as valid, and as many as not valid. @default 10000 */
  readonly maxTokens?: number;
  /** Google did not answer as it should. */
  readonly onFailure?: (error: unknown) => void;
}

const TOKENINFO_URL = 'https://oauth2.googleapis.com/tokeninfo';
const USERINFO_URL = 'https://openidconnect.googleapis.com/v1/userinfo';
const SCOPES = [
  'https://www.googleapis.com/auth/cloud-platform',
  'https://www.googleapis.com/auth/generative-language',
];

/** All of Google's access tokens begin like this. */
const GOOGLE_PREFIX = 'ya29.';
/** RFC 6750 section 2.1. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/;

/**
 * Google's access tokens, such as `gcloud auth print-access-token` prints. They are opaque: only Google can tell what
 * is in them. Contract section 1.3.
 */
export class GoogleAccessTokens implements Authenticator {
  readonly #options: GoogleAccessTokensOptions;
  readonly #prefixes: readonly string[];
  readonly #scopes: readonly string[];
  readonly #gate: AccountGate;
  readonly #cache: IntrospectionCache<GoogleTokenFacts>;

  /** @throws {RangeError} without a rule who may call, or for a URL that cannot be trusted */
  constructor(options: GoogleAccessTokensOptions) {
    const { dispatcher, now, rules, timeoutMs = 5000, maxTokens = 10_000, onFailure } = options;
    this.#options = options;
    this.#prefixes = options.tokenPrefixes ?? [GOOGLE_PREFIX];
    this.#scopes = options.scopes ?? SCOPES;
    this.#gate = new AccountGate(rules);
    const introspection = {
      tokeninfoUrl: checkTrustworthy(options.tokeninfoUrl ?? new URL(TOKENINFO_URL)),
      userinfoUrl: checkTrustworthy(options.userinfoUrl ?? new URL(USERINFO_URL)),
      now,
      needsDomain: this.#gate.dependsOnDomain.bind(this.#gate),
    };
    this.#cache = new IntrospectionCache({
      introspect: (token, signal) =>
        introspectGoogleToken(token, introspection, { dispatcher, timeoutMs, signal }),
      now,
      issuer: `Google's token service (${introspection.tokeninfoUrl.host})`,
      maxTokens,
      onFailure,
    });
  }

  /** Tokens remembered. */
  get size(): number {
    return this.#cache.size;
  }

  async authenticate(credential: string, signal: AbortSignal): Promise<Principal | undefined> {
    if (!this.#prefixes.some((prefix) => credential.startsWith(prefix))) return undefined;
    const isGoogles = credential.startsWith(GOOGLE_PREFIX);
    if (!isGoogles && readJwt(credential) !== undefined) return undefined;
    const isSane = credential.length <= MAX_CREDENTIAL_LENGTH && BEARER_TOKEN.test(credential);
    const facts = isSane ? await this.#cache.get(credential, signal) : undefined;
    if (facts !== undefined) return { ...this.#admit(facts), accessToken: credential };
    if (!isGoogles) return undefined;
    throw new GatewayError(
      'invalid_api_key',
      'Google does not know this access token, or it has expired. Get a new one, for example with "gcloud auth print-access-token".',
    );
  }

  /** Gives up what is under way. */
  close(): void {
    this.#cache.close();
  }

  #admit({ account, audiences, scopes }: GoogleTokenFacts): Principal {
    const { policy, audiences: allowed } = this.#options;
    if (!this.#scopes.some((scope) => scopes.includes(scope))) {
      throw denied(`The Google access token has none of the scopes ${this.#scopes.join(', ')}.`);
    }
    if (allowed !== undefined && !audiences.some((audience) => allowed.includes(audience))) {
      throw denied(
        'The Google access token was issued to an OAuth client that is not allowed here ("audiences").',
      );
    }
    const refusal = this.#gate.refusal(account);
    if (refusal !== undefined) throw denied(refusal);
    const id = account.email ?? account.subject;
    if (id === undefined) {
      throw denied(
        'The Google access token does not show whose it is. Ask for the scope https://www.googleapis.com/auth/userinfo.email as well.',
      );
    }
    return { kind: 'google', id, tenant: `google:${id}`, ...(policy !== undefined && { policy }) };
  }
}

function denied(message: string): GatewayError {
  return new GatewayError('permission_denied', message);
}
