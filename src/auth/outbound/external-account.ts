import { readAwsSource } from './aws-subject-token.ts';
import type { Credential } from './credential.ts';
import type { CredentialMembers } from './credential-members.ts';
import { readExecutableSource } from './executable-subject-token.ts';
import { impersonate } from './impersonation.ts';
import { readFileSource, readUrlSource, type SubjectToken } from './subject-token.ts';
import { requestToken } from './token-request.ts';

const STS_URL = 'https://sts.googleapis.com/v1/token';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Seconds; the limits of the IAM Credentials API. */
const MIN_LIFETIME = 600;
const MAX_LIFETIME = 43_200;

/**
 * Workload identity federation: a token of another platform is exchanged for one of Google, which may then impersonate
 * a service account. RFC 8693.
 *
 * @throws {CredentialFault}
 */
export function readExternalAccount(members: CredentialMembers): Credential {
  const federated = readExchange(members);
  const url = members.optionalUrl('service_account_impersonation_url');
  if (url === undefined) return federated;
  const lifetime = members
    .optionalObject('service_account_impersonation')
    ?.optionalNumber('token_lifetime_seconds', MIN_LIFETIME, MAX_LIFETIME);
  return impersonate({ url, source: federated, lifetime });
}

function readExchange(members: CredentialMembers): Credential {
  const url = members.url('token_url', STS_URL);
  const audience = members.text('audience');
  const subjectTokenType = members.text('subject_token_type');
  const subjectToken = readSource(members, audience, subjectTokenType);
  const clientId = members.optionalText('client_id');
  const clientSecret = members.optionalText('client_secret') ?? '';
  // A client that names itself is billed to its own project, so the two exclude each other.
  const userProject =
    clientId === undefined ? members.optionalText('workforce_pool_user_project') : undefined;
  return {
    fetchToken: async (scopes, context) => {
      const token = await subjectToken(context);
      return requestToken(
        {
          url,
          headers:
            clientId === undefined ? {} : { authorization: basicAuthorization(clientId, clientSecret) },
          body: {
            grant_type: TOKEN_EXCHANGE_GRANT,
            audience,
            scope: scopes.join(' '),
            requested_token_type: ACCESS_TOKEN_TYPE,
            subject_token: token,
            subject_token_type: subjectTokenType,
            ...(userProject !== undefined && { options: JSON.stringify({ userProject }) }),
          },
          secrets: [token, clientSecret],
          advice:
            'Check the workload identity pool, its provider, and which identities the provider accepts.',
        },
        context,
      );
    },
  };
}

function readSource(members: CredentialMembers, audience: string, subjectTokenType: string): SubjectToken {
  const source = members.object('credential_source');
  if (source.has('environment_id')) return readAwsSource(source, audience);
  if (source.has('file')) return readFileSource(source);
  if (source.has('url')) return readUrlSource(source);
  const executable = source.optionalObject('executable');
  if (executable === undefined) {
    throw members.fault(
      'credential_source',
      'holds none of the sources this server knows: file, url, executable and AWS',
    );
  }
  const email = serviceAccountOf(members);
  return readExecutableSource(executable, {
    GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE: audience,
    GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE: subjectTokenType,
    ...(email !== undefined && { GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL: email }),
  });
}

function serviceAccountOf(members: CredentialMembers): string | undefined {
  const url = members.optionalUrl('service_account_impersonation_url');
  return /serviceAccounts\/([^/:]+):generateAccessToken$/.exec(url?.pathname ?? '')?.[1];
}

function basicAuthorization(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;
}
