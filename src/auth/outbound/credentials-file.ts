import { readFile } from 'node:fs/promises';
import { parseJson } from '../../wire/json-text/parse-json.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { readAuthorizedUser } from './authorized-user.ts';
import type { Credential } from './credential.ts';
import { CredentialFault } from './credential-fault.ts';
import { CredentialMembers } from './credential-members.ts';
import { readExternalAccount } from './external-account.ts';
import { readImpersonation } from './impersonation.ts';
import { readServiceAccount } from './service-account.ts';

export interface CredentialsFile {
  readonly credential: Credential;
  /** Project that calls are billed to. */
  readonly quotaProject: string | undefined;
}

/** Reads a credentials file of gcloud or of the Google Cloud console. @throws {CredentialFault} */
export async function readCredentialsFile(path: string): Promise<CredentialsFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unreadable(error.code);
  });
  const json = parseJson(text);
  if (!isJsonObject(json)) {
    throw new CredentialFault('The file is not a JSON object. Create it anew, or name another one.');
  }
  const members = new CredentialMembers(json);
  return { credential: readCredential(members), quotaProject: members.optionalText('quota_project_id') };
}

function unreadable(code: string | undefined): CredentialFault {
  if (code === 'ENOENT') return new CredentialFault('There is no such file. Correct the path.');
  if (code === 'EISDIR') return new CredentialFault('This is a folder, not a file. Name the file in it.');
  return new CredentialFault(
    `The file cannot be read (${code}). Let the user that runs this server read it.`,
  );
}

function readCredential(members: CredentialMembers): Credential {
  const type = members.text('type');
  switch (type) {
    case 'service_account':
      return readServiceAccount(members);
    case 'authorized_user':
      return readAuthorizedUser(members);
    case 'external_account':
      return readExternalAccount(members);
    case 'impersonated_service_account':
      return readImpersonation(members, readCredential(members.object('source_credentials')));
    default:
      throw members.fault(
        'type',
        'is none that this server knows: service_account, authorized_user, external_account and impersonated_service_account',
      );
  }
}
