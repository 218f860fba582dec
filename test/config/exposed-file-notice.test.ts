import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/interpolate.ts';
import { loadConfig } from '../../src/config/load.ts';
import { temporaryFiles } from './temporary-files.ts';

const files = temporaryFiles();

function write(name: string, text: string, mode: number): string {
  const path = join(files.folder(), name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** The notices about a configuration with this text in a file of this mode. */
function noticesOf(text: string, mode: number, env: Environment = {}): readonly string[] {
  write('parlance.yaml', text, mode);
  return loadConfig({ env: { HOME: files.folder(), ...env }, cwd: files.folder() }).notices;
}

const SERVER = 'kind: vllm, base_url: "http://127.0.0.1:8000"';

// Windows has no such bits; its home folders are private by themselves.
describe.skipIf(process.platform === 'win32')('a configuration file that others can read', () => {
  it.each([
    ['auth: { mode: keys, keys: [s3cret-of-a-client-00000000000000] }'],
    [`upstreams: { a: { ${SERVER}, api_key: s3cret } }`],
    ['upstreams: { a: { kind: gemini, api_key: s3cret } }'],
    ['upstreams: { a: { kind: vertex, project: p-1, access_token: s3cret } }'],
    ['upstreams: { a: { kind: vertex, api_key: s3cret } }'],
    [`upstreams: { a: { ${SERVER}, headers: { X-Api-Key: "s3cret" } } }`],
    [`upstreams: { a: { ${SERVER}, headers: { x-authorization: "Bearer s3cret" } } }`],
    ['auth: { mode: keys }\nstate: { database: "postgres://ann:s3cret@db/keys" }'],
    ['state: { redis: "redis://:s3cret@cache" }'],
  ])('is worth a notice where a secret stands in it: %s', (text) => {
    const [notice, ...others] = noticesOf(text, 0o644);
    const path = join(files.folder(), 'parlance.yaml');
    expect(notice).toContain(`Other users of this machine can read ${path} (mode 644)`);
    expect(notice).toContain(`chmod 600 '${path}'`);
    expect(notice).not.toContain('s3cret');
    expect(others).toEqual([]);
  });

  it.each([
    ['nothing secret', `upstreams: { a: { ${SERVER}, headers: { x-team: search } } }`],
    ['a variable', `upstreams: { a: { ${SERVER}, api_key: "\${KEY}" } }`],
    ['a database without a password', 'auth: { mode: keys }\nstate: { database: "postgres://ann@db/keys" }'],
    ['no file', ''],
  ])('may be read by all with %s', (_name, text) => {
    expect(noticesOf(text, 0o644, { KEY: 's3cret-of-the-environment' })).toEqual([]);
  });

  it.each([
    [0o600, false],
    [0o400, false],
    [0o640, true],
    [0o660, true],
    [0o604, true],
    [0o602, true],
    [0o666, true],
  ])('is one of mode %o: %s', (mode, isExposed) => {
    const notices = noticesOf(`upstreams: { a: { ${SERVER}, api_key: s3cret } }`, mode);
    expect(notices).toHaveLength(isExposed ? 1 : 0);
  });
});

describe.skipIf(process.platform === 'win32')('a credentials file that others can read', () => {
  const VERTEX = 'upstreams: { a: { kind: vertex, project: p-1 } }';

  it.each<[place: string, set: () => { path: string; text?: string; env?: Environment }]>([
    [
      'the configuration',
      () => ({
        path: write('key.json', '{}', 0o644),
        text: 'upstreams: { a: { kind: vertex, project: p-1, credentials: key.json } }',
      }),
    ],
    [
      'GOOGLE_APPLICATION_CREDENTIALS',
      () => {
        const path = write('named.json', '{}', 0o644);
        return { path, env: { GOOGLE_APPLICATION_CREDENTIALS: path } };
      },
    ],
    [
      'the place of gcloud',
      () => ({ path: write('.config/gcloud/application_default_credentials.json', '{}', 0o644) }),
    ],
  ])('is worth a notice, named by %s', (_place, set) => {
    const { path, text = VERTEX, env = {} } = set();
    expect(noticesOf(text, 0o600, env)).toEqual([
      expect.stringContaining(`Other users of this machine can read ${path} (mode 644)`),
    ]);
    chmodSync(path, 0o600);
    expect(noticesOf(text, 0o600, env)).toEqual([]);
  });

  it('is named once, however many upstreams use it', () => {
    const path = write('named.json', '{}', 0o644);
    const text =
      'upstreams: { a: { kind: vertex }, b: { kind: vertex } }\nmodels: [{ match: "*", upstream: a }]';
    expect(noticesOf(text, 0o600, { GOOGLE_APPLICATION_CREDENTIALS: path })).toHaveLength(1);
  });

  it.each([
    ['is not used', 'upstreams: { a: { kind: gemini, api_key: k } }'],
    ['is not used by an upstream with a key', 'upstreams: { a: { kind: vertex, api_key: k } }'],
  ])('is worth none where it %s', (_name, text) => {
    const path = write('named.json', '{}', 0o644);
    expect(noticesOf(text, 0o600, { GOOGLE_APPLICATION_CREDENTIALS: path })).toEqual([]);
  });

  it.each([
    ['is not there', '/no/such/file'],
    ['stands in the place of its path', '{"private_key": "s3cret"}'],
    ['is no name at all', `{"private_key": "${'s3cret'.repeat(1000)}"}`],
  ])('is worth none where it %s', (_name, named) => {
    expect(noticesOf(VERTEX, 0o600, { GOOGLE_APPLICATION_CREDENTIALS: named })).toEqual([]);
  });
});
