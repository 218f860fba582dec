import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { randomBase62 } from '../../ids.ts';
import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { accountNumber } from './account-names.ts';
import { createFile, LocalFolder, writeDraft } from './local-folder.ts';
import { generateRsaKeys } from './local-keys.ts';
import { LocalRegistry } from './local-registry.ts';
import { TOKEN_PATH } from './token-endpoint.ts';

export interface CredentialsFileOptions {
  /** Where the file goes. Its folder has to exist. */
  readonly path: string;
  /** Whether a file that is there may be replaced. */
  readonly replace: boolean;
  /** `PARLANCE_HOME` of the server that is to know these credentials. */
  readonly home: string;
  readonly project: string;
  readonly email: string;
  /** Origin of that server, such as `http://127.0.0.1:8080`. */
  readonly origin: string;
}

const GOOGLE = 'https://www.googleapis.com';
const UNIVERSE = 'googleapis.com';

/**
 * Creates a service account's key file, in the form of those of the Google Cloud console, and registers its public
 * half. The private half is in the file and nowhere else.
 *
 * @returns `false` when there is a file that may not be replaced
 * @throws {GatewayError} `internal_error` when it cannot be registered; the file system's errors when it cannot be written
 */
export async function createKeyFile(options: CredentialsFileOptions): Promise<boolean> {
  const { home, project, email, origin } = options;
  const { privateKey, publicKey } = await generateRsaKeys();
  const keyId = randomBytes(20).toString('hex');
  const registry = new LocalRegistry(new LocalFolder(home));
  await registry.addKey({ keyId, email, publicKey });
  const content = {
    type: 'service_account',
    project_id: project,
    private_key_id: keyId,
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    client_email: email,
    client_id: accountNumber(email),
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: `${origin}${TOKEN_PATH}`,
    auth_provider_x509_cert_url: `${GOOGLE}/oauth2/v1/certs`,
    client_x509_cert_url: `${GOOGLE}/robot/v1/metadata/x509/${encodeURIComponent(email)}`,
    universe_domain: UNIVERSE,
  };
  return handOver(content, options, () => registry.removeKey(keyId));
}

/**
 * Creates the file of a user who is signed in, as `gcloud auth application-default login` does, and registers the hash
 * of its refresh token. As {@link createKeyFile} otherwise.
 */
export async function createUserFile(options: CredentialsFileOptions): Promise<boolean> {
  const { home, project, email, origin } = options;
  const clientId = `${accountNumber(email)}.apps.googleusercontent.com`;
  const clientSecret = `GOCSPX-${randomBase62(28)}`;
  const refreshToken = `1//0parlance-${randomBase62(64)}`;
  const registry = new LocalRegistry(new LocalFolder(home));
  await registry.addUser(email, { clientId, clientSecret, refreshToken });
  const content = {
    account: email,
    client_id: clientId,
    client_secret: clientSecret,
    quota_project_id: project,
    refresh_token: refreshToken,
    token_uri: `${origin}${TOKEN_PATH}`,
    type: 'authorized_user',
    universe_domain: UNIVERSE,
  };
  return handOver(content, options, () => registry.removeUser(refreshToken));
}

/** Writes the file. Credentials that nobody got are forgotten. */
async function handOver(
  content: JsonObject,
  { path, replace }: CredentialsFileOptions,
  forget: () => Promise<void>,
): Promise<boolean> {
  const text = `${JSON.stringify(content, undefined, 2)}\n`;
  let written = false;
  try {
    if (replace) await replaceFile(path, text);
    written = replace || (await createFile(path, text));
    return written;
  } finally {
    if (!written) await forget();
  }
}

/** The new file has its own permissions, whatever those of the old one were. */
async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBase62(12)}.new`;
  try {
    await writeDraft(draft, text);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}
