import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { accountNumber } from './account-names.ts';
import type { AccessTokens } from './access-tokens.ts';
import { OAuthError } from './oauth-error.ts';
import { maySeeEmail } from './scopes.ts';

/** The pool that local accounts seem to come from. */
const POOL = 'principal://iam.googleapis.com/locations/global/workforcePools/parlance-local/subject/';

/** What Google's `tokeninfo` tells about an access token. @throws {OAuthError} `invalid_token` */
export async function tellTokenInfo(
  token: string,
  accessTokens: AccessTokens,
  now: number,
): Promise<JsonObject> {
  const reading = await accessTokens.read(token);
  if (reading.state !== 'valid') throw new OAuthError('invalid_token', 'Invalid Value');
  const { email, scopes, expiresAt } = reading.grant;
  const client = accountNumber(email);
  return {
    azp: client,
    aud: client,
    scope: scopes.join(' '),
    exp: String(expiresAt),
    expires_in: String(Math.ceil(expiresAt - now / 1000)),
    ...(maySeeEmail(scopes) && { email, email_verified: 'true' }),
    access_type: 'online',
  };
}

/** Token introspection. RFC 7662 section 2.2. */
export async function introspect(token: string, accessTokens: AccessTokens): Promise<JsonObject> {
  const reading = await accessTokens.read(token);
  if (reading.state !== 'valid') return { active: false };
  const { email, scopes, expiresAt } = reading.grant;
  return {
    active: true,
    client_id: accountNumber(email),
    exp: expiresAt,
    iss: 'https://sts.googleapis.com/',
    scope: scopes.join(' '),
    sub: accountNumber(email),
    username: `${POOL}${email}`,
  };
}
