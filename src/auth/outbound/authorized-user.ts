import type { Credential } from './credential.ts';
import type { CredentialMembers } from './credential-members.ts';
import { GOOGLE_TOKEN_URL } from './service-account.ts';
import { requestToken } from './token-request.ts';

/**
 * A person who signed in with gcloud. The scopes were fixed then, so none are asked for. RFC 6749 section 6.
 *
 * @throws {CredentialFault}
 */
export function readAuthorizedUser(members: CredentialMembers): Credential {
  const url = members.url('token_uri', GOOGLE_TOKEN_URL);
  const clientId = members.text('client_id');
  const clientSecret = members.text('client_secret');
  const refreshToken = members.text('refresh_token');
  return {
    fetchToken: (_scopes, context) =>
      requestToken(
        {
          url,
          body: {
            grant_type: 'refresh_token',
            client_id: clientId,
            client_secret: clientSecret,
            refresh_token: refreshToken,
          },
          secrets: [clientSecret, refreshToken],
          advice: 'Sign in again with `gcloud auth application-default login`.',
        },
        context,
      ),
  };
}
