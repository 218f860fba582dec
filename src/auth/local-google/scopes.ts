import { CLOUD_PLATFORM_SCOPE } from '../outbound/credential.ts';
import { OAuthError } from './oauth-error.ts';

/** One of them lets Vertex AI's Chat Completions be called, as its discovery document says. */
const CALLING_SCOPES: readonly string[] = [CLOUD_PLATFORM_SCOPE, `${CLOUD_PLATFORM_SCOPE}.read-only`];

const EMAIL_SCOPES: readonly string[] = ['https://www.googleapis.com/auth/userinfo.email', 'email', 'openid'];

/** What an access token is good for when its client did not say. */
export const DEFAULT_SCOPES: readonly string[] = [
  CLOUD_PLATFORM_SCOPE,
  'https://www.googleapis.com/auth/userinfo.email',
  'openid',
];

/** RFC 6749 section 3.3. None of these characters grows when it is written as JSON. */
const SCOPE = /^[\u0021\u0023-\u005B\u005D-\u007E]+$/;

/** Scopes stand in the token, which has to stay under 2,048 characters. */
const MAX_SCOPES_LENGTH = 1000;

/**
 * A list of scopes as a client writes it.
 *
 * @throws {OAuthError} `invalid_scope` when there is none, or more than fit into a token
 */
export function readScopes(text: string, separator: string | RegExp = ' '): readonly string[] {
  const scopes = [...new Set(text.split(separator).filter((scope) => scope !== ''))];
  if (scopes.length === 0 || !scopes.every((scope) => SCOPE.test(scope))) {
    throw new OAuthError('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
  }
  if (scopes.join(' ').length > MAX_SCOPES_LENGTH) {
    throw new OAuthError('invalid_scope', `Too many scopes: more than ${MAX_SCOPES_LENGTH} characters.`);
  }
  return scopes;
}

export function mayCall(scopes: readonly string[]): boolean {
  return CALLING_SCOPES.some((scope) => scopes.includes(scope));
}

export function maySeeEmail(scopes: readonly string[]): boolean {
  return EMAIL_SCOPES.some((scope) => scopes.includes(scope));
}
