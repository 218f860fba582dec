import type { CallerPolicy } from '../../caller-policy.ts';
import type { JWTPayload } from 'jose';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../../errors.ts';
import {
  type Account,
  AccountGate,
  type AccountRules,
  domainOf,
  readEmail,
  readSubject,
} from './account-rules.ts';
import { readGoogleAccount } from './google-account.ts';
import { checkTrustworthy, type EndpointContext } from './identity-endpoint.ts';
import { JwksCache } from './jwks-cache.ts';
import type { Principal } from './principal.ts';
import { discoverKeysUrl, discoveryUrl, fetchKeys } from './published-keys.ts';
import { checkExpiry, InvalidIdToken, verifyIdToken } from './verify-id-token.ts';

/** An issuer whose ID tokens are accepted. */
export interface IssuerOptions {
  /** Stands before the names of its callers, so that two issuers' are never the same; not for Google. */
  readonly name: string;
  /** `iss`, to the letter. */
  readonly issuer: string;
  /** Where its keys are. @default Google's for Google; else what `/.well-known/openid-configuration` says */
  readonly keysUrl?: URL;
  /** Values of `aud` that mean this server, at least one. */
  readonly audiences: readonly string[];
  readonly rules: AccountRules;
  /** Claims that must have one of these values, or hold one in a list: `{ groups: ['ai'] }`. All of them must. */
  readonly claims?: Readonly<Record<string, readonly string[]>>;
  /**
   * Refuse tokens without `jti`. It does not prevent replay, which no bearer token does; Google's ID tokens have none.
   * @default false
   */
  readonly requireJti?: boolean;
  /** What its callers may ask for. */
  readonly policy?: CallerPolicy;
}

export interface IssuerContext {
  readonly dispatcher: Dispatcher;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Longest wait for one answer, in milliseconds. */
  readonly timeoutMs: number;
  /** The issuer did not answer as it should. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

export const GOOGLE_ISSUER = 'https://accounts.google.com';
/** Google signs with either name. */
const GOOGLE_ISSUERS = [GOOGLE_ISSUER, 'accounts.google.com'];
const GOOGLE_KEYS_URL = 'https://www.googleapis.com/oauth2/v3/certs';

/** Judges the ID tokens of one issuer. */
export class IdTokenIssuer {
  /** Values of `iss` that mean this issuer. */
  readonly names: readonly string[];
  readonly #options: IssuerOptions;
  readonly #now: () => number;
  readonly #gate: AccountGate;
  readonly #keys: JwksCache;
  readonly #isGoogle: boolean;

  /** @throws {RangeError} without an audience or a rule who may call, or for a URL that cannot be trusted */
  constructor(options: IssuerOptions, context: IssuerContext) {
    if (options.audiences.length === 0) throw new RangeError('name at least one audience');
    this.#options = options;
    this.#now = context.now;
    this.#gate = new AccountGate(options.rules);
    this.#isGoogle = GOOGLE_ISSUERS.includes(options.issuer);
    this.names = this.#isGoogle ? GOOGLE_ISSUERS : [options.issuer];
    this.#keys = new JwksCache({
      fetch: keysOf(options, this.#isGoogle, context),
      now: context.now,
      issuer: options.issuer,
      onFailure: context.onFailure,
    });
  }

  /**
   * @param expiry `exp` of the token, not proved
   * @throws {GatewayError} the signal's reason when it aborted
   */
  async judge(token: string, expiry: unknown, signal: AbortSignal): Promise<Principal> {
    return this.#admit(await this.#verify(token, expiry, signal));
  }

  /** Gives up what is under way. */
  close(): void {
    this.#keys.close();
  }

  async #verify(token: string, expiry: unknown, signal: AbortSignal): Promise<JWTPayload> {
    const now = this.#now();
    const { audiences, requireJti = false } = this.#options;
    try {
      checkExpiry(expiry, now);
      return await verifyIdToken(token, {
        issuers: this.names,
        audiences,
        requireJti,
        now,
        findKey: (header) => this.#keys.find(header, signal),
      });
    } catch (error) {
      if (!(error instanceof InvalidIdToken)) throw error;
      throw new GatewayError(
        'invalid_api_key',
        `The ID token of ${this.#options.issuer} ${error.message}. Get a new one.`,
      );
    }
  }

  #admit(claims: JWTPayload): Principal {
    const { name, issuer, policy, claims: wanted = {} } = this.#options;
    const account = this.#isGoogle ? readGoogleAccount(claims) : readAccount(claims);
    const { email, subject } = account;
    if (subject === undefined) {
      throw new GatewayError(
        'invalid_api_key',
        `The ID token of ${issuer} has no "sub" of at most 255 visible ASCII characters.`,
      );
    }
    const missing = Object.keys(wanted).find((claim) => !holds(claims[claim], wanted[claim] ?? []));
    const refusal =
      missing === undefined
        ? this.#gate.refusal(account)
        : `The account ${email ?? subject} may not call here: "${missing}" of its token has none of the required values.`;
    if (refusal !== undefined) throw new GatewayError('permission_denied', refusal);
    const identity = this.#isGoogle
      ? ({ kind: 'google', id: email ?? subject, tenant: `google:${email ?? subject}` } as const)
      : ({ kind: 'oidc', id: `${name}:${email ?? subject}`, tenant: `oidc:${issuer}:${subject}` } as const);
    return { ...identity, ...(policy !== undefined && { policy }) };
  }
}

/** How the issuer's keys are had. @throws {RangeError} when they would come from where they cannot be trusted */
function keysOf(
  { issuer, keysUrl: givenUrl }: IssuerOptions,
  isGoogle: boolean,
  { dispatcher, timeoutMs }: IssuerContext,
): (signal: AbortSignal) => ReturnType<typeof fetchKeys> {
  const keysUrl = givenUrl ?? (isGoogle ? new URL(GOOGLE_KEYS_URL) : undefined);
  if (keysUrl === undefined) discoveryUrl(issuer);
  else checkTrustworthy(keysUrl);
  return async (signal) => {
    const context: EndpointContext = { dispatcher, timeoutMs, signal };
    return fetchKeys(keysUrl ?? (await discoverKeysUrl(issuer, context)), context);
  };
}

/** An account of an issuer that vouches for whole addresses. */
function readAccount({ email: address, email_verified: verified, sub }: JWTPayload): Account {
  const email = readEmail(address, verified);
  return { email, subject: readSubject(sub), domain: email === undefined ? undefined : domainOf(email) };
}

function holds(value: unknown, wanted: readonly string[]): boolean {
  return (Array.isArray(value) ? value : [value]).some((item) => wanted.includes(item as string));
}
