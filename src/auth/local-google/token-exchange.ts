import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { CLOUD_PLATFORM_SCOPE } from '../outbound/credential.ts';
import type { AccessGrant, AccessTokens } from './access-tokens.ts';
import type { IdTokens } from './id-tokens.ts';
import { type Form, parameterOf } from './local-http.ts';
import { OAuthError } from './oauth-error.ts';
import { readScopes } from './scopes.ts';

export interface TokenExchangeOptions {
  readonly accessTokens: AccessTokens;
  readonly idTokens: IdTokens;
}

const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
const ID_TOKEN_TYPES: ReadonlySet<string> = new Set([
  'urn:ietf:params:oauth:token-type:id_token',
  'urn:ietf:params:oauth:token-type:jwt',
]);

/** A provider of a workload or workforce identity pool. */
const PROVIDER = /^\/\/iam\.googleapis\.com\/(?:projects|locations)\//;

/**
 * Trades one token of the local sign-in for another. RFC 8693. The new one is good for no more, and lives no longer,
 * than the one it was made from.
 *
 * @throws {OAuthError} when the subject token is none of ours, expired, or meant for somebody else
 */
export async function exchangeToken(form: Form, options: TokenExchangeOptions): Promise<JsonObject> {
  const requested = form.get('requested_token_type') ?? ACCESS_TOKEN_TYPE;
  if (requested !== ACCESS_TOKEN_TYPE) {
    throw new OAuthError('invalid_request', `Only tokens of type ${ACCESS_TOKEN_TYPE} are given out.`);
  }
  const grant = await readSubject(form, options);
  const scope = form.get('scope') ?? '';
  const scopes = scope === '' ? grant.scopes : readScopes(scope);
  if (!scopes.every((wanted) => grant.scopes.includes(wanted))) {
    throw new OAuthError('invalid_scope', 'The subject token is not good for all of these scopes.');
  }
  const { value, expiresIn } = await options.accessTokens.issue(grant.email, scopes, grant.expiresAt);
  return {
    access_token: value,
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: 'Bearer',
    expires_in: expiresIn,
  };
}

async function readSubject(
  form: Form,
  { accessTokens, idTokens }: TokenExchangeOptions,
): Promise<AccessGrant> {
  const token = parameterOf(form, 'subject_token');
  const type = parameterOf(form, 'subject_token_type');
  if (type === ACCESS_TOKEN_TYPE) {
    const reading = await accessTokens.read(token);
    if (reading.state === 'valid') return reading.grant;
  } else if (ID_TOKEN_TYPES.has(type)) {
    const identity = await idTokens.read(token);
    if (identity !== undefined && isMeantForExchange(identity.audience, form.get('audience') ?? '')) {
      // An ID token speaks of no scopes: its bearer may have those it asks for.
      const scopes = readScopes(form.get('scope') || CLOUD_PLATFORM_SCOPE);
      return { email: identity.email, scopes, expiresAt: identity.expiresAt };
    }
  } else {
    throw new OAuthError('invalid_request', 'Tokens of this subject_token_type are not taken.');
  }
  throw new OAuthError(
    'invalid_grant',
    'The subject token is not one of this server, has expired, or is meant for another audience.',
  );
}

/**
 * An ID token is shown to whom it names as its audience. Whoever got one must not become its subject here, so only
 * those made for an identity pool count.
 */
function isMeantForExchange(tokenAudience: string, audience: string): boolean {
  return PROVIDER.test(audience) && (tokenAudience === audience || tokenAudience === `https:${audience}`);
}
