import { GatewayError } from '../../errors.ts';
import type { Authenticator, Principal } from '../inbound/principal.ts';
import { CLOUD_PLATFORM_SCOPE } from '../outbound/credential.ts';
import type { AccessTokens } from './access-tokens.ts';
import { type AccountJwt, readAccountJwt } from './account-jwt.ts';
import { type JsonWebToken, parseJwt } from './json-web-token.ts';
import type { LocalRegistry } from './local-registry.ts';
import { isLoopbackUrl } from './loopback.ts';
import { mayCall } from './scopes.ts';

export interface LocalTokensOptions {
  readonly registry: LocalRegistry;
  readonly accessTokens: AccessTokens;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The port of the server, for tokens made out to its own URL; `undefined` while it does not listen. */
  readonly port: () => number | undefined;
}

/** Hosts of Vertex AI: global, regional and multi-regional. Contract section 1.1. */
const VERTEX_AUDIENCE =
  /^https:\/\/(?:(?:[a-z0-9-]+-)?aiplatform|aiplatform\.[a-z0-9-]+\.rep)\.googleapis\.com\/?$/;

const RENEW =
  'Get a new one: run `gcloud auth print-access-token`, or in Python call `credentials.refresh(google.auth.transport.requests.Request())`.';

/**
 * Knows callers by what the local sign-in gave them: its access tokens, and JWTs that a registered service account
 * signed itself.
 */
export class LocalTokens implements Authenticator {
  readonly #options: LocalTokensOptions;

  constructor(options: LocalTokensOptions) {
    this.#options = options;
  }

  async authenticate(credential: string): Promise<Principal | undefined> {
    const reading = await this.#options.accessTokens.read(credential);
    switch (reading.state) {
      case 'foreign': {
        const jwt = parseJwt(credential);
        return jwt === undefined ? undefined : this.#authenticateAccount(jwt);
      }
      case 'forged':
        throw invalid('This access token was not given out by this server, or was changed on the way.');
      case 'expired':
        throw expired('This access token', reading.grant.expiresAt);
      case 'valid':
        assertScope(reading.grant.scopes);
        return principalOf(reading.grant.email);
    }
  }

  async #authenticateAccount(jwt: JsonWebToken): Promise<Principal | undefined> {
    const read = await readAccountJwt(jwt, this.#options.registry, this.#options.now());
    switch (read) {
      case 'unknown-key':
        return undefined;
      case 'signature':
        throw invalid('The signature of this JWT is not that of the service account it names.');
      case 'times':
        throw invalid('This JWT has no usable "iat" and "exp": it may live for an hour at most.');
      case 'expired':
        throw expired('This JWT', Number(jwt.claims['exp']));
      default:
        this.#assertPurpose(read);
        return principalOf(read.email);
    }
  }

  /** Google takes a JWT for an access token when it names its own account twice, and the API or the scope it is for. */
  #assertPurpose({ email, claims: { sub, aud, scope } }: AccountJwt): void {
    if (sub !== email) throw invalid('"sub" of this JWT has to be its "iss".');
    if (aud !== undefined) {
      if (typeof aud === 'string' && this.#isAudience(aud)) return;
      throw invalid('"aud" of this JWT is not this server: use "https://aiplatform.googleapis.com/".');
    }
    assertScope(typeof scope === 'string' ? scope.split(' ') : []);
  }

  #isAudience(audience: string): boolean {
    if (VERTEX_AUDIENCE.test(audience)) return true;
    const port = this.#options.port();
    const url = URL.parse(audience);
    if (url === null || port === undefined || url.pathname !== '/' || !isLoopbackUrl(url)) return false;
    return url.port === new URL(`${url.protocol}//localhost:${port}`).port;
  }
}

function principalOf(email: string): Principal {
  return { kind: 'local', id: email, tenant: `local:${email}` };
}

function assertScope(scopes: readonly string[]): void {
  if (mayCall(scopes)) return;
  throw new GatewayError(
    'permission_denied',
    `This access token has not the scope ${CLOUD_PLATFORM_SCOPE}, without which Vertex AI answers nothing. ` +
      `Ask for it: google.auth.default(scopes=["${CLOUD_PLATFORM_SCOPE}"]).`,
  );
}

function invalid(problem: string): GatewayError {
  return new GatewayError('invalid_api_key', `${problem} ${RENEW}`);
}

function expired(what: string, expiresAt: number): GatewayError {
  return invalid(`${what} expired at ${new Date(expiresAt * 1000).toISOString()}.`);
}
