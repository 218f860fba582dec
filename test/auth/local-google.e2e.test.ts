/** The local sign-in with the real clients: google-auth for Python and, where the machine has it, gcloud. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientMachine, createClientMachine } from '../support/client-machine.ts';
import { NO_PYTHON, PYTHON } from '../support/client-python.ts';
import { parseLines } from '../support/parse-lines.ts';
import { GCLOUD, NO_GCLOUD, QUIET_GCLOUD } from '../support/real-gcloud.ts';
import { CHAT_PATH, type LocalServer, startLocalServer } from './local-google/local-server.ts';

const execute = promisify(execFile);

const ROOT = resolve(import.meta.dirname, '../..');
const CALL_TWICE = join(import.meta.dirname, 'local-google/python/call_twice.py');
const PROVIDER =
  '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/local';

let home: string;
let server: LocalServer;
let machine: ClientMachine;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'parlance-sign-in-'));
  server = await startLocalServer({ home, project: 'machine-project' });
  // The metadata server is this one, so asking for it cannot lead anywhere else.
  machine = await createClientMachine({ env: { NO_GCE_CHECK: 'false', ...QUIET_GCLOUD } });
});

afterAll(async () => {
  await machine.remove();
  await server.close();
  await rm(home, { recursive: true });
});

/** Runs `parlance auth local`. @returns the path of the file */
async function createFile(name: string, ...options: string[]): Promise<string> {
  const path = join(home, name);
  const args = ['auth', 'local', '--out', path, '--url', server.origin, '--force', ...options];
  await execute(process.execPath, [join(ROOT, 'bin/parlance.js'), ...args], {
    env: { ...process.env, PARLANCE_HOME: home },
  });
  return path;
}

/** Who calls, as the server sees it. */
async function callerOf(token: string): Promise<unknown> {
  const response = await fetch(`${server.origin}${CHAT_PATH}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  return ((await response.json()) as { caller?: { id: string } }).caller?.id;
}

const metadata = (): Record<string, string> => ({
  GCE_METADATA_HOST: server.address,
  GCE_METADATA_ROOT: server.address,
  GCE_METADATA_IP: server.address,
});

const tokenHost = (): Record<string, string> => ({ CLOUDSDK_AUTH_TOKEN_HOST: `${server.origin}/token` });

/** The file of an account of a workload identity pool, whose own token is one the metadata server gave. */
async function createExternalFile(): Promise<string> {
  const url = `${server.origin}/computeMetadata/v1/instance/service-accounts/default/identity?audience=https:${PROVIDER}`;
  const subject = await fetch(url, { headers: { 'metadata-flavor': 'Google' } });
  const subjectFile = join(home, 'subject.jwt');
  await writeFile(subjectFile, await subject.text());
  const path = join(home, 'external.json');
  const content = {
    type: 'external_account',
    audience: PROVIDER,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    token_url: `${server.origin}/token`,
    token_info_url: `${server.origin}/introspect`,
    credential_source: { file: subjectFile },
  };
  await writeFile(path, JSON.stringify(content));
  return path;
}

/** One way to sign in, and whom it makes of the caller. */
const way = (
  name: string,
  caller: string,
  env: () => Promise<Record<string, string>>,
): { name: string; caller: string; env: typeof env } => ({ name, caller, env });

describe.skipIf(NO_PYTHON !== '')(`google-auth${NO_PYTHON}`, () => {
  it.each([
    way('the key file', 'local@key-project.iam.gserviceaccount.com', async () => ({
      GOOGLE_APPLICATION_CREDENTIALS: await createFile('key.json', '--project', 'key-project'),
    })),
    way('the metadata server', 'local@machine-project.iam.gserviceaccount.com', async () => metadata()),
    way('an external account', 'local@machine-project.iam.gserviceaccount.com', async () => ({
      GOOGLE_APPLICATION_CREDENTIALS: await createExternalFile(),
      GOOGLE_CLOUD_PROJECT: 'machine-project',
    })),
  ])('signs in with $name', async ({ caller, env }) => {
    const { exitCode, stdout, stderr } = await machine.run(
      PYTHON,
      [CALL_TWICE, `${server.origin}${CHAT_PATH}`, '0'],
      await env(),
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [first, old, second] = parseLines(stdout) as Record<string, unknown>[];
    expect(first).toMatchObject({ status: 200, caller: { id: caller, tenant: `local:${caller}` } });
    expect(first?.['project']).toBe(caller.includes('key') ? 'key-project' : 'machine-project');
    expect(old).toMatchObject({ status: 200 });
    expect(second).toMatchObject({ status: 200, renewed: false });
  });

  it('gets a new token when the old one has expired', async () => {
    const brief = await startLocalServer({ home, lifetimeSeconds: 2 });
    try {
      const { exitCode, stdout } = await machine.run(
        PYTHON,
        [CALL_TWICE, `${brief.origin}${CHAT_PATH}`, '3'],
        {
          GCE_METADATA_HOST: brief.address,
          GCE_METADATA_IP: brief.address,
        },
      );
      expect(exitCode).toBe(0);
      const [first, old, second] = parseLines(stdout) as Record<string, unknown>[];
      expect(first).toMatchObject({ status: 200 });
      expect(old).toMatchObject({ status: 401, message: expect.stringContaining('expired at') });
      expect(second).toMatchObject({ status: 200, renewed: true });
    } finally {
      await brief.close();
    }
  });

  it('says what is wrong when the server does not know the key', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'parlance-sign-in-'));
    const other = await startLocalServer({ home: elsewhere });
    try {
      const path = await createFile('unknown.json', '--url', other.origin);
      const { exitCode, stderr } = await machine.run(PYTHON, [CALL_TWICE, other.origin, '0'], {
        GOOGLE_APPLICATION_CREDENTIALS: path,
      });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        /RefreshError: .*invalid_grant: Invalid JWT Signature\. This server does not know/,
      );
    } finally {
      await other.close();
      await rm(elsewhere, { recursive: true });
    }
  });
});

describe.skipIf(NO_GCLOUD !== '')(`gcloud auth print-access-token${NO_GCLOUD}`, () => {
  const ACCOUNT = 'local@cli-project.iam.gserviceaccount.com';
  const MACHINE = 'local@machine-project.iam.gserviceaccount.com';
  let keyFile: string;
  let folders = 0;

  beforeAll(async () => {
    keyFile = await createFile('cli.json', '--project', 'cli-project');
  });

  /** One user of gcloud, who has never used it before. @returns what runs a command and gives what it prints */
  function freshUser(env: Readonly<Record<string, string>> = {}): (...args: string[]) => Promise<string> {
    folders += 1;
    const config = join(home, `gcloud-${folders}`);
    return async (...args) => {
      const run = await machine.run(GCLOUD, args, { CLOUDSDK_CONFIG: config, ...env });
      if (run.exitCode !== 0) throw new Error(run.stderr);
      return run.stdout.trim();
    };
  }

  it.each(['activate-service-account --key-file', 'login --cred-file'])(
    'works after auth %s',
    async (command) => {
      const run = freshUser();
      await run('auth', ...`${command}=${keyFile}`.split(' '));
      const token = await run('auth', 'print-access-token');
      expect(token).toMatch(/^ya29\./);
      expect(await callerOf(token)).toBe(ACCOUNT);
      const asked = server.requests.length;
      // It keeps the token until that expires.
      expect(await run('auth', 'print-access-token')).toBe(token);
      expect(server.requests).toHaveLength(asked);
    },
  );

  it('works with the key file in a variable', async () => {
    const run = freshUser({ CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE: keyFile, ...tokenHost() });
    expect(await callerOf(await run('auth', 'print-access-token'))).toBe(ACCOUNT);
  });

  it('works with a user file in a variable', async () => {
    const path = await createFile('ann.json', '--user', '--email', 'ann@example.com');
    const run = freshUser({ CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE: path, ...tokenHost() });
    expect(await callerOf(await run('auth', 'print-access-token'))).toBe('ann@example.com');
  });

  it('works with the metadata server, and knows its project', async () => {
    const run = freshUser({ ...metadata(), CLOUDSDK_CORE_CHECK_GCE_METADATA: 'true' });
    expect(await callerOf(await run('auth', 'print-access-token'))).toBe(MACHINE);
    expect(await run('config', 'get', 'project')).toBe('machine-project');
  });

  it('works with a JWT the account signs itself', async () => {
    const run = freshUser({
      CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE: keyFile,
      CLOUDSDK_AUTH_SERVICE_ACCOUNT_USE_SELF_SIGNED_JWT: 'true',
      CLOUDSDK_AUTH_SERVICE_ACCOUNT_DISABLE_ID_TOKEN_REFRESH: 'true',
    });
    const asked = server.requests.length;
    const token = await run('auth', 'print-access-token');
    expect(token.split('.')).toHaveLength(3);
    expect(server.requests).toHaveLength(asked);
    expect(await callerOf(token)).toBe(ACCOUNT);
  });

  it('works with an external account', async () => {
    const run = freshUser();
    await run('auth', 'login', `--cred-file=${await createExternalFile()}`);
    expect(await callerOf(await run('auth', 'print-access-token'))).toBe(MACHINE);
  });

  it('works for another account', async () => {
    const run = freshUser({ CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: `${server.origin}/` });
    await createFile('other.json', '--project', 'other-project');
    const other = 'local@other-project.iam.gserviceaccount.com';
    await run('auth', 'activate-service-account', `--key-file=${keyFile}`);
    const token = await run('auth', 'print-access-token', `--impersonate-service-account=${other}`);
    expect(await callerOf(token)).toBe(other);
  });

  it('works for application default credentials', async () => {
    const run = freshUser({ GOOGLE_APPLICATION_CREDENTIALS: keyFile, ...tokenHost() });
    expect(await callerOf(await run('auth', 'application-default', 'print-access-token'))).toBe(ACCOUNT);
  });
});

describe('several servers with one home', () => {
  it('sign with the same keys, even when they start at once for the first time', async () => {
    const shared = await mkdtemp(join(tmpdir(), 'parlance-sign-in-'));
    const moduleUrl = new URL('../../src/auth/local-google/create-local-sign-in.ts', import.meta.url).href;
    const script = `
      const { createLocalSignIn } = await import(${JSON.stringify(moduleUrl)});
      const { google } = createLocalSignIn({ home: process.argv[1], port: () => 1 });
      const headers = { host: 'localhost', 'metadata-flavor': 'Google' };
      const path = '/computeMetadata/v1/instance/service-accounts/default/token';
      const { body } = await google.handle({ method: 'GET', path, query: new URLSearchParams(), headers, body: '' });
      process.stdout.write(JSON.parse(body).access_token);`;
    try {
      const args = ['--input-type=module', '--eval', script, shared];
      const runs = await Promise.all(Array.from({ length: 4 }, () => execute(process.execPath, args)));
      const last = await startLocalServer({ home: shared });
      try {
        const statuses = await Promise.all(
          runs.map(async ({ stdout }) => {
            const response = await fetch(`${last.origin}${CHAT_PATH}`, {
              headers: { authorization: `Bearer ${stdout}` },
            });
            return response.status;
          }),
        );
        expect(statuses).toEqual([200, 200, 200, 200]);
        expect(await readdir(join(shared, 'local-google'))).toEqual(['signing-keys.json']);
      } finally {
        await last.close();
      }
    } finally {
      await rm(shared, { recursive: true });
    }
  });
});
