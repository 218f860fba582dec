import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { GOOGLE_TOKEN_URL } from '../outbound/service-account.ts';
import type { AccessTokens } from './access-tokens.ts';
import { type AccountJwt, type AccountJwtProblem, readAccountJwt } from './account-jwt.ts';
import type { IdTokens } from './id-tokens.ts';
import { parseJwt } from './json-web-token.ts';
import { type Form, parameterOf } from './local-http.ts';
import type { LocalRegistry } from './local-registry.ts';
import { isLoopbackUrl } from './loopback.ts';
import { OAuthError } from './oauth-error.ts';
import { DEFAULT_SCOPES, readScopes } from './scopes.ts';
import { exchangeToken } from './token-exchange.ts';

export interface TokenEndpointOptions {
  readonly registry: LocalRegistry;
  readonly accessTokens: AccessTokens;
  readonly idTokens: IdTokens;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Where our own token URL has its path. */
export const TOKEN_PATH = '/token';

const PROBLEMS: Readonly<Record<AccountJwtProblem, string>> = {
  'unknown-key':
    'Invalid JWT Signature. This server does not know the key of that service account: create a key file with "parlance auth local --out FILE", with the PARLANCE_HOME of the server.',
  signature: 'Invalid JWT Signature.',
  times: timesText(),
  expired: timesText(),
};

function timesText(): string {
  return 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.';
}

/** What stands at `https://oauth2.googleapis.com/token`, for local accounts. RFC 6749 section 3.2. */
export class TokenEndpoint {
  readonly #options: TokenEndpointOptions;

  constructor(options: TokenEndpointOptions) {
    this.#options = options;
  }

  /**
   * @param host the host the request came for
   * @throws {OAuthError} when the grant is refused
   */
  async grant(form: Form, host: URL): Promise<JsonObject> {
    switch (parameterOf(form, 'grant_type')) {
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
        return this.#grantToAccount(form, host);
      case 'refresh_token':
        return this.#grantToUser(form);
      case 'urn:ietf:params:oauth:grant-type:token-exchange':
        return exchangeToken(form, this.#options);
      default:
        throw new OAuthError('unsupported_grant_type', 'Invalid grant_type.');
    }
  }

  /**
   * RFC 7523. An assertion may be used again while it lives, as Google allows: clients send the same one when they
   * repeat a request whose answer was lost, and whoever has it could as well keep the token it is traded for. It never
   * leaves this machine, and within its hour it gives nothing but tokens for the account that signed it.
   */
  async #grantToAccount(form: Form, host: URL): Promise<JsonObject> {
    const { accessTokens, idTokens } = this.#options;
    const { email, claims } = await this.#readAssertion(parameterOf(form, 'assertion'));
    if (!isTokenAudience(claims['aud'], host)) {
      throw new OAuthError(
        'invalid_grant',
        `Invalid JWT: Failed audience check. The right audience is ${GOOGLE_TOKEN_URL}`,
      );
    }
    // Speaking for somebody else takes a delegation by the domain's administrator, and there is none here.
    if (claims['sub'] !== undefined && claims['sub'] !== email) {
      throw new OAuthError(
        'unauthorized_client',
        'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.',
        401,
      );
    }
    const { target_audience: audience, scope } = claims;
    if (typeof audience === 'string' && audience !== '') {
      return { id_token: await idTokens.issue(email, audience) };
    }
    const scopes = readScopes(typeof scope === 'string' ? scope : '');
    const { value, expiresIn } = await accessTokens.issue(email, scopes);
    return { access_token: value, expires_in: expiresIn, token_type: 'Bearer' };
  }

  async #readAssertion(assertion: string): Promise<AccountJwt> {
    const jwt = parseJwt(assertion);
    if (jwt === undefined) throw new OAuthError('invalid_grant', 'Invalid JWT: it cannot be parsed.');
    const read = await readAccountJwt(jwt, this.#options.registry, this.#options.now());
    if (typeof read === 'string') throw new OAuthError('invalid_grant', PROBLEMS[read]);
    return read;
  }

  /** RFC 6749 section 6. */
  async #grantToUser(form: Form): Promise<JsonObject> {
    const { registry, accessTokens, idTokens } = this.#options;
    const user = await registry.findUser({
      refreshToken: parameterOf(form, 'refresh_token'),
      clientId: parameterOf(form, 'client_id'),
      clientSecret: parameterOf(form, 'client_secret'),
    });
    if (user === undefined) throw new OAuthError('invalid_grant', 'Token has been expired or revoked.');
    const scope = form.get('scope') ?? '';
    const scopes = scope === '' ? DEFAULT_SCOPES : readScopes(scope);
    const { value, expiresIn } = await accessTokens.issue(user.email, scopes);
    return {
      access_token: value,
      expires_in: expiresIn,
      scope: scopes.join(' '),
      token_type: 'Bearer',
      ...(scopes.includes('openid') && { id_token: await idTokens.issue(user.email, user.clientId) }),
    };
  }
}

/** Python signs for Google's URL whatever the key file says; gcloud for the `token_uri` of the file. */
function isTokenAudience(audience: unknown, host: URL): boolean {
  if (audience === GOOGLE_TOKEN_URL) return true;
  const url = typeof audience === 'string' ? URL.parse(audience) : null;
  return url !== null && url.pathname === TOKEN_PATH && isLoopbackUrl(url) && url.port === host.port;
}
