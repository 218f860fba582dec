import { CLOUD_PLATFORM_SCOPE, type Credential } from './credential.ts';
import { CredentialFault } from './credential-fault.ts';
import type { CredentialMembers } from './credential-members.ts';
import { checkToken, describeUrl, requestJson } from './token-request.ts';

/** Life of an impersonated token, in seconds: Google's default, and its limit for most organisations. */
const DEFAULT_LIFETIME = 3600;

export interface ImpersonationOptions {
  /** The whole `...:generateAccessToken` URL. */
  readonly url: URL;
  /** Who may act for the source. */
  readonly source: Credential;
  /** Service accounts between the source and the target. */
  readonly delegates?: readonly string[];
  /** Seconds. @default 3600 */
  readonly lifetime?: number | undefined;
}

/**
 * A file of type `impersonated_service_account`.
 *
 * @param source what its `source_credentials` hold
 * @throws {CredentialFault}
 */
export function readImpersonation(members: CredentialMembers, source: Credential): Credential {
  return impersonate({
    url: members.url('service_account_impersonation_url'),
    delegates: members.list('delegates'),
    source,
  });
}

/** A service account whose tokens are made on behalf of another identity, by the IAM Credentials API. */
export function impersonate({ url, source, delegates = [], lifetime }: ImpersonationOptions): Credential {
  return {
    fetchToken: async (scopes, context) => {
      const { value: sourceToken } = await source.fetchToken([CLOUD_PLATFORM_SCOPE], context);
      const json = await requestJson(
        {
          url,
          headers: { authorization: `Bearer ${sourceToken}` },
          body: JSON.stringify({ delegates, scope: scopes, lifetime: `${lifetime ?? DEFAULT_LIFETIME}s` }),
          secrets: [sourceToken],
          advice:
            'Give the source identity the role roles/iam.serviceAccountTokenCreator on that service account.',
        },
        context,
      );
      const expiresAt = Date.parse(String(json['expireTime']));
      if (Number.isNaN(expiresAt)) {
        throw new CredentialFault(`${describeUrl(url)} answered without a usable "expireTime".`);
      }
      return { value: checkToken(json['accessToken'], 'accessToken', url), expiresAt };
    },
  };
}
