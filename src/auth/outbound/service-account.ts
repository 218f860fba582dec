import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { Credential } from './credential.ts';
import type { CredentialMembers } from './credential-members.ts';
import { requestToken } from './token-request.ts';

export const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token';

const JWT_BEARER_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Longest life of an assertion that Google accepts, in seconds. */
const ASSERTION_LIFETIME = 3600;

/**
 * A service account with its key. It signs an assertion and trades it for a token at the file's own `token_uri`.
 * RFC 7523.
 *
 * @throws {CredentialFault}
 */
export function readServiceAccount(members: CredentialMembers): Credential {
  const email = members.text('client_email');
  const keyId = members.optionalText('private_key_id');
  const key = readKey(members);
  const url = members.url('token_uri', GOOGLE_TOKEN_URL);
  const project = members.optionalText('project_id');
  return {
    fetchToken: (scopes, context) => {
      const issuedAt = Math.floor(context.now() / 1000);
      const assertion = signAssertion(key, keyId, {
        iss: email,
        scope: scopes.join(' '),
        aud: url.href,
        iat: issuedAt,
        exp: issuedAt + ASSERTION_LIFETIME,
      });
      return requestToken(
        {
          url,
          body: { grant_type: JWT_BEARER_GRANT, assertion },
          secrets: [assertion],
          advice: `Check that this key of ${email} still exists and that the clock of this machine is right.`,
        },
        context,
      );
    },
    findProject: async () => project,
  };
}

function readKey(members: CredentialMembers): KeyObject {
  const pem = members.text('private_key');
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The error of the cryptographic library may quote the key.
    throw members.fault('private_key', 'is not a private key in PEM form');
  }
  if (key.asymmetricKeyType !== 'rsa') throw members.fault('private_key', 'is not an RSA key');
  return key;
}

/** A JWT signed with RS256. RFC 7515 section 3.1, RFC 7518 section 3.3. */
function signAssertion(key: KeyObject, keyId: string | undefined, claims: object): string {
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) };
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
