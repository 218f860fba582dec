import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type CredentialFixture,
  credentialFixture,
  failureOf,
  never,
  START,
  tokenOf,
} from './credential-fixture.ts';
import { SUBJECT_TOKEN } from './token-server.ts';

const fixture = credentialFixture();

const ALLOWED = { GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: '1' };
const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token';
const RESPONSE = { version: 1, success: true, token_type: ID_TOKEN_TYPE, id_token: SUBJECT_TOKEN };

interface Setup {
  /** What the shell that stands for the program runs; it starts faster than Node.js. */
  readonly script: string;
  readonly executable?: Record<string, unknown>;
  readonly env?: NodeJS.ProcessEnv;
}

/** Credentials whose subject token a small program prints. */
function openExecutable(all: CredentialFixture, { script, executable = {}, env = ALLOWED }: Setup) {
  const path = all.write('a program.sh', script);
  return all.openFile(
    {
      type: 'external_account',
      audience: 'the-audience',
      subject_token_type: ID_TOKEN_TYPE,
      token_url: `${all.server.origin}/sts`,
      service_account_impersonation_url: `${all.server.origin}/v1/serviceAccounts/target@p.iam.gserviceaccount.com:generateAccessToken`,
      credential_source: {
        executable: { command: `sh "${path}" --flag`, ...executable },
      },
    },
    { env },
  );
}

const printing = (response: unknown): string => `echo '${JSON.stringify(response)}'`;

describe('a program that prints the subject token', () => {
  it.each([
    { name: 'id token', response: RESPONSE },
    {
      name: 'SAML response',
      response: {
        version: 1,
        success: true,
        token_type: 'urn:ietf:params:oauth:token-type:saml2',
        saml_response: SUBJECT_TOKEN,
      },
    },
  ])('is run for an $name', async ({ response }) => {
    const source = openExecutable(fixture(), { script: printing(response) });
    expect(await tokenOf(source)).toBe('ya29.2.impersonated');
  });

  it('is told what the token is for', async () => {
    const all = fixture();
    const seen = join(all.folder, 'seen');
    await tokenOf(
      openExecutable(all, { script: `echo "$@" > '${seen}'; env >> '${seen}'; ${printing(RESPONSE)}` }),
    );
    const [argv, ...variables] = readFileSync(seen, 'utf8').trim().split('\n');
    expect(argv).toBe('--flag');
    const env = Object.fromEntries(variables.map((line) => line.split('=', 2)));
    expect(env).toMatchObject({
      GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE: 'the-audience',
      GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE: ID_TOKEN_TYPE,
      GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE: '0',
      GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL: 'target@p.iam.gserviceaccount.com',
    });
    expect(env).not.toHaveProperty('GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE');
  });

  it.each([{}, { GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: 'true' }])(
    'is not run without permission: %j',
    async (env) => {
      const all = fixture();
      const trace = join(all.folder, 'trace');
      const script = `touch '${trace}'`;
      const { message } = await failureOf(openExecutable(all, { script, env }).headers(never));
      expect(message).toContain('Set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1 if you trust the file.');
      expect(existsSync(trace)).toBe(false);
    },
  );

  it.each([
    {
      name: 'fails',
      script: 'echo hunter2 >&2; exit 3',
      problem: 'failed (3). Run it by hand',
    },
    {
      name: 'prints no JSON',
      script: 'echo hunter2',
      problem: 'printed something that is not a JSON',
    },
    { name: 'has no token', script: printing({ ...RESPONSE, id_token: '' }), problem: 'has no "id_token"' },
    {
      name: 'reports an error',
      script: printing({ version: 1, success: false, code: '401', message: 'not signed in' }),
      problem: 'reports 401: not signed in.',
    },
    {
      name: 'prints an expired token',
      script: printing({ ...RESPONSE, expiration_time: START / 1000 }),
      problem: 'has expired already',
    },
  ])('that $name makes a clear failure', async ({ script, problem }) => {
    const { message } = await failureOf(openExecutable(fixture(), { script }).headers(never));
    expect(message).toContain(problem);
    expect(message).not.toContain('hunter2');
  });

  it('that does not end is ended with the fetch', async () => {
    const all = fixture();
    const source = openExecutable(all, { script: 'exec sleep 60' });
    const waiting = source.headers(never);
    source.close();
    await expect(waiting).rejects.toThrow('closed');
  });

  it('that is not there makes a clear failure', async () => {
    const source = openExecutable(fixture(), { script: '', executable: { command: '/missing/program' } });
    const { message } = await failureOf(source.headers(never));
    expect(message).toContain('/missing/program failed (ENOENT). Run it by hand to see why.');
  });

  it.each([
    { name: 'still holds', cached: { ...RESPONSE, expiration_time: START / 1000 + 1 }, isRun: false },
    { name: 'has expired', cached: { ...RESPONSE, expiration_time: START / 1000 }, isRun: true },
    { name: 'does not say when it expires', cached: RESPONSE, isRun: true },
    { name: 'failed', cached: { version: 1, success: false, code: '1', message: 'no' }, isRun: true },
    { name: 'is broken', cached: '{"version', isRun: true },
    { name: 'is not there', cached: undefined, isRun: true },
  ])('is run ($isRun) when its earlier response $name', async ({ cached, isRun }) => {
    const all = fixture();
    const outputFile = join(all.folder, 'output.json');
    if (cached !== undefined) all.write('output.json', cached);
    const trace = join(all.folder, 'trace');
    const script = `echo "$GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE" > '${trace}'; ${printing(RESPONSE)}`;
    const source = openExecutable(all, { script, executable: { output_file: outputFile } });
    expect(await tokenOf(source)).toBe('ya29.2.impersonated');
    expect(existsSync(trace) && readFileSync(trace, 'utf8').trim()).toBe(isRun && outputFile);
  });

  it.each([
    { executable: { command: '' }, problem: '"credential_source.executable.command" is missing' },
    { executable: { command: ' ' }, problem: '"credential_source.executable.command" names no program' },
    {
      executable: { timeout_millis: 100 },
      problem: '"credential_source.executable.timeout_millis" is not a whole number from 5000 to 120000',
    },
  ])('is refused when $problem', async ({ executable, problem }) => {
    const { message } = await failureOf(openExecutable(fixture(), { script: '', executable }).headers(never));
    expect(message).toContain(problem);
  });
});
