import { createPrivateKey, createPublicKey } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAuthCommand } from '../../src/cli/commands/auth.ts';
import { type Outcome, runCommand } from './run-command.ts';

let root: string;
let home: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'parlance-auth-'));
  home = join(root, 'home');
});

afterEach(() => rmSync(root, { recursive: true }));

const run = (...args: string[]): Promise<Outcome> => runCommand(runAuthCommand, args, { home, cwd: root });

const read = (name: string): Record<string, string> =>
  JSON.parse(readFileSync(join(root, name), 'utf8')) as Record<string, string>;

/** What the server keeps. */
const kept = (): string[] => {
  const folder = join(home, 'local-google');
  return existsSync(folder) ? readdirSync(folder) : [];
};

describe('parlance auth', () => {
  it.each([[['--help']], [['-h']], [['local', '--help']]])('explains itself on %j', async (args) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: parlance auth local --out FILE/);
  });

  it.each<[string[], RegExp]>([
    [[], /needs to know what to do: local/],
    [['login'], /knows local, not "login"/],
    [['local'], /--out FILE/],
    [['local', '--out', ''], /--out FILE/],
    [['local', 'key.json'], /"key\.json" is too much/],
    [['local', '--out', 'k', '--colour'], /--colour/],
    [['local', '--out', 'k', '--project', 'X'], /"X" is no project id/],
    [['local', '--out', 'k', '--email', 'x'], /"x" is no e-mail address/],
    [['local', '--out', 'k', '--user'], /A user needs an address/],
    [['local', '--out', 'k', '--url', 'x'], /a server on this machine/],
    [['local', '--out', 'k', '--url', 'http://10.0.0.1:8080'], /a server on this machine/],
    [['local', '--out', 'k', '--url', 'http://localhost.evil.example'], /a server on this machine/],
    [['local', '--out', 'k', '--url', 'http://localhost:8080/v1'], /a server on this machine/],
    [['local', '--out', 'k', '--url', 'https://localhost'], /a server on this machine/],
  ])('does not understand %j', async (args, reason) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(stderr).toContain('Usage: parlance auth local');
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('parlance auth local', () => {
  it("writes a key file in Google's form, for its owner alone", async () => {
    const { exitCode } = await run('local', '--out', 'key.json');
    expect(exitCode).toBe(0);
    const file = read('key.json');
    expect(file).toEqual({
      type: 'service_account',
      project_id: 'parlance-local',
      private_key_id: expect.stringMatching(/^[0-9a-f]{40}$/),
      private_key: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----\n[^]+\n-----END PRIVATE KEY-----\n$/),
      client_email: 'local@parlance-local.iam.gserviceaccount.com',
      client_id: expect.stringMatching(/^\d{21}$/),
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      token_uri: 'http://127.0.0.1:8080/token',
      auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
      client_x509_cert_url:
        'https://www.googleapis.com/robot/v1/metadata/x509/local%40parlance-local.iam.gserviceaccount.com',
      universe_domain: 'googleapis.com',
    });
    expect(Object.keys(file)[0]).toBe('type');
    expect(createPrivateKey(file['private_key'] ?? '').asymmetricKeyDetails?.modulusLength).toBe(2048);
  });

  it.skipIf(process.platform === 'win32')('lets nobody else read anything', async () => {
    await run('local', '--out', 'key.json');
    const [name = ''] = kept();
    const places = ['key.json', 'home/local-google', `home/local-google/${name}`];
    const modes = places.map((place) => (statSync(join(root, place)).mode & 0o777).toString(8));
    expect(modes).toEqual(['600', '700', '600']);
  });

  it('registers the public half, and only that', async () => {
    await run('local', '--out', 'key.json');
    const { private_key_id: id = '', private_key: pem = '', client_email: email } = read('key.json');
    expect(kept()).toEqual([`key-${id}.json`]);
    const text = readFileSync(join(home, 'local-google', `key-${id}.json`), 'utf8');
    const publicKey = createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'pem' });
    expect(JSON.parse(text)).toEqual({ client_email: email, public_key: publicKey });
  });

  it('prints the variable to export alone, and what else can be done beside it', async () => {
    const { stdout, stderr } = await run('local', '--out', 'key.json', '--url', 'http://localhost:9000/');
    const path = join(root, 'key.json');
    expect(stdout).toBe(`export GOOGLE_APPLICATION_CREDENTIALS=${path}\n`);
    expect(stderr.trimEnd().split('\n').slice(1)).toEqual([
      `For gcloud: gcloud auth activate-service-account --key-file=${path}`,
      'Instead of both, without any file: export GCE_METADATA_HOST=localhost:9000 GCE_METADATA_ROOT=localhost:9000 GCE_METADATA_IP=localhost:9000',
    ]);
    expect(read('key.json')['token_uri']).toBe('http://localhost:9000/token');
  });

  it('prints no secret', async () => {
    const outputs = [
      await run('local', '--out', 'key.json'),
      await run('local', '--out', 'user.json', '--user', '--email', 'ann@example.com'),
    ];
    const text = outputs.map(({ stdout, stderr }) => stdout + stderr).join('');
    const { client_secret: secret = '', refresh_token: token = '' } = read('user.json');
    for (const hidden of ['PRIVATE', 'MII', secret, token]) expect(text).not.toContain(hidden);
  });

  it('quotes a path for the shell', async () => {
    mkdirSync(join(root, "it's here"));
    const { stdout } = await run('local', '--out', "it's here/$(key).json");
    expect(stdout).toBe(`export GOOGLE_APPLICATION_CREDENTIALS='${root}/it'\\''s here/$(key).json'\n`);
  });

  it('takes a project and an address', async () => {
    await run('local', '--out', 'a.json', '--project', 'my-project');
    expect(read('a.json')).toMatchObject({
      project_id: 'my-project',
      client_email: 'local@my-project.iam.gserviceaccount.com',
    });
    await run('local', '--out', 'b.json', '--email', 'robot@example.com');
    expect(read('b.json')).toMatchObject({ client_email: 'robot@example.com' });
  });

  it('leaves a file that is there as it is, and registers nothing', async () => {
    writeFileSync(join(root, 'key.json'), 'mine');
    const { exitCode, stdout, stderr } = await run('local', '--out', 'key.json');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('exists and was left as it is. Name another file, or replace it with --force.');
    expect(readFileSync(join(root, 'key.json'), 'utf8')).toBe('mine');
    expect(kept()).toEqual([]);
  });

  it('replaces it with --force, permissions included', async () => {
    writeFileSync(join(root, 'key.json'), 'mine');
    chmodSync(join(root, 'key.json'), 0o666);
    expect((await run('local', '--out', 'key.json', '--force')).exitCode).toBe(0);
    expect(read('key.json')['type']).toBe('service_account');
    const mode = statSync(join(root, 'key.json')).mode & 0o777;
    expect(process.platform === 'win32' ? 0o600 : mode).toBe(0o600);
    expect(readdirSync(root).toSorted()).toEqual(['home', 'key.json']);
  });

  it('does not write through a link', async () => {
    writeFileSync(join(root, 'target'), 'mine');
    symlinkSync(join(root, 'target'), join(root, 'key.json'));
    expect((await run('local', '--out', 'key.json')).exitCode).toBe(1);
    expect((await run('local', '--out', 'key.json', '--force')).exitCode).toBe(0);
    expect(readFileSync(join(root, 'target'), 'utf8')).toBe('mine');
  });

  it.each<[string, string[], RegExp]>([
    [
      'no folder',
      ['--out', 'no/key.json'],
      /no\/key\.json cannot be written: its folder does not exist\.\n$/,
    ],
    ['a folder in its place', ['--out', 'home', '--force'], /home cannot be written \(E/],
  ])('with %s fails and registers nothing', async (_, options, reason) => {
    mkdirSync(home);
    const { exitCode, stdout, stderr } = await run('local', ...options);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(kept()).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('refuses a home that others can write to', async () => {
    mkdirSync(join(home, 'local-google'), { recursive: true });
    chmodSync(join(home, 'local-google'), 0o777);
    const { exitCode, stderr } = await run('local', '--out', 'key.json');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`chmod 700 '${join(home, 'local-google')}'`);
    expect(readdirSync(root)).toEqual(['home']);
  });
});

describe('parlance auth local --user', () => {
  it('writes the file of a signed-in user', async () => {
    const { exitCode, stdout } = await run(
      'local',
      '--out',
      'ann.json',
      '--user',
      '--email',
      'ann@example.com',
    );
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      `export CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE=${join(root, 'ann.json')} CLOUDSDK_AUTH_TOKEN_HOST=http://127.0.0.1:8080/token\n`,
    );
    expect(read('ann.json')).toEqual({
      account: 'ann@example.com',
      client_id: expect.stringMatching(/^\d{21}\.apps\.googleusercontent\.com$/),
      client_secret: expect.stringMatching(/^GOCSPX-\w{28}$/),
      quota_project_id: 'parlance-local',
      refresh_token: expect.stringMatching(/^1\/\/0parlance-\w{64}$/),
      token_uri: 'http://127.0.0.1:8080/token',
      type: 'authorized_user',
      universe_domain: 'googleapis.com',
    });
    expect(kept()).toEqual([expect.stringMatching(/^user-[0-9a-f]{64}\.json$/)]);
  });

  it('forgets the user when the file cannot be written', async () => {
    writeFileSync(join(root, 'ann.json'), 'mine');
    const { exitCode } = await run('local', '--out', 'ann.json', '--user', '--email', 'ann@example.com');
    expect(exitCode).toBe(1);
    expect(kept()).toEqual([]);
  });
});
