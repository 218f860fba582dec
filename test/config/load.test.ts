import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/interpolate.ts';
import { loadConfig } from '../../src/config/load.ts';
import { failure, temporaryFiles } from './temporary-files.ts';

const KEY = 'sixteen-letters!';

const files = temporaryFiles();
let cwd: string;
beforeEach(() => {
  cwd = files.folder();
});
const load = (text: string, env: Environment = {}) => files.load(text, env);

describe('without a file', () => {
  it('serves everything with the embedded model', () => {
    const config = loadConfig({ env: {}, cwd });
    expect(config).toEqual({
      server: {
        host: '127.0.0.1',
        port: 8080,
        max_body_bytes: 64 * 1024 * 1024,
        large_body_bytes: 64 * 1024 * 1024,
        max_header_bytes: 16_384,
        request_timeout_ms: 120_000,
        keep_alive_ms: 72_000,
        shutdown_grace_ms: 30_000,
      },
      auth: {
        routes: { vertex: ['open'], devapi: ['open'], plain: ['open'] },
        keys: [],
        local: { token_lifetime_s: 3600, project: 'parlance-local' },
        limits: { assumed_completion_tokens: 4096 },
        oidc: [],
      },
      storage: {},
      fetch: {
        max_bytes: 20 * 1024 * 1024,
        timeout_ms: 10_000,
        max_redirects: 5,
        max_concurrent: 16,
        memory_bytes: 48 * 1024 * 1024,
        cache_bytes: 16 * 1024 * 1024,
        cache_ttl_ms: 60_000,
        allow_private: false,
        allow: [],
        deny: [],
        bucket_rights: 'server',
      },
      compat: { unsupported: 'reject' },
      thoughts: { replay: true },
      signatures: { max_entries: 20_000, ttl_ms: 21_600_000 },
      usage: { mode: 'openai' },
      stream: { keepalive_ms: 15_000 },
      log: { level: 'info' },
      upstreams: {
        local: {
          kind: 'embedded',
          model: 'smollm2-135m-instruct',
          slots: 4,
          threads: Math.max(1, availableParallelism() - 1),
          image_side: 512,
          queue_size: 64,
          gpu: false,
          request_timeout_ms: 600_000,
          fallback: [],
        },
      },
      models: [{ match: '*', upstream: 'local' }],
      endpoints: { '*': { upstream: 'local' } },
      file: null,
      home: join(homedir(), '.parlance'),
      notices: [expect.stringContaining('embedded model smollm2-135m-instruct')],
    });
  });

  it('calls Gemini with the key of the environment', () => {
    const config = loadConfig({ env: { GEMINI_API_KEY: 'AIza-secret' }, cwd });
    expect(config.upstreams).toMatchObject({
      gemini: { kind: 'gemini', api_key: 'AIza-secret', api_version: 'v1beta' },
      local: { kind: 'embedded' },
    });
    expect(config.models).toEqual([
      { match: 'google/gemini-*', upstream: 'gemini' },
      { match: '*', upstream: 'local' },
    ]);
    expect(config.endpoints).toEqual({ '*': { upstream: 'local' } });
  });

  it('calls Vertex AI with Google credentials and a project', () => {
    const env = { GOOGLE_CLOUD_PROJECT: 'my-project', GOOGLE_CLOUD_LOCATION: 'eu' };
    const { upstreams } = loadConfig({ env, cwd, hasGoogleCredentials: true });
    expect(upstreams['vertex']).toMatchObject({ credentials: 'adc', project: 'my-project', location: 'eu' });
  });

  it.each<[Environment]>([
    [{ GEMINI_API_KEY: 'a key' }],
    [{ GOOGLE_API_KEY: 'schlüssel' }],
    [{ GOOGLE_CLOUD_PROJECT: 'My Project' }],
    [{ GOOGLE_CLOUD_PROJECT: 'my-project', GOOGLE_CLOUD_LOCATION: 'us/central' }],
  ])('refuses what cannot be used of %j', (env) => {
    const error = failure(() => loadConfig({ env, cwd, hasGoogleCredentials: true }));
    expect(error.problems).toEqual([
      { path: Object.keys(env).at(-1), message: expect.stringMatching(/ \(environment variable\)$/) },
    ]);
    expect(error.format()).not.toContain(Object.values(env).at(-1));
  });

  it('leaves an empty file to the embedded model', () => {
    const env = { GEMINI_API_KEY: 'AIza-secret' };
    expect(load('', env)).toMatchObject({ models: [{ match: '*', upstream: 'local' }], notices: [] });
  });
});

describe('a good file', () => {
  it.each([
    ['an empty file', '', {}],
    ['a byte order mark', '\uFEFFserver: { port: 1 }', { server: { port: 1 } }],
    [
      'CRLF',
      'server:\r\n  port: 1\r\nlog:\r\n  level: warn\r\n',
      { server: { port: 1 }, log: { level: 'warn' } },
    ],
    ['JSON', '{"server": {"port": 1}}', { server: { port: 1 } }],
    ['JSON indented with tabs', '{\n\t"server": {\n\t\t"port": 1\n\t}\n}', { server: { port: 1 } }],
    [
      'an anchor and its alias',
      'upstreams:\n  a: &a { kind: embedded, slots: 2 }\n  b: *a\nmodels: []',
      { upstreams: { a: { slots: 2 }, b: { slots: 2 } } },
    ],
    ['a number from a variable', 'server: { port: "${P}" }', { server: { port: 9000 } }],
    ['an unquoted number from a variable', 'server:\n  port: ${P}', { server: { port: 9000 } }],
    [
      'a switch from a variable',
      'upstreams: { a: { kind: embedded, gpu: "${YES}" } }',
      { upstreams: { a: { gpu: true } } },
    ],
    [
      'a key from a variable',
      'auth: { mode: keys, keys: ["${KEY}"] }',
      { auth: { routes: { plain: ['keys'] }, keys: [KEY] } },
    ],
    ['an IPv6 host', 'server: { host: "::1" }', { server: { host: '::1' } }],
    ['0 to switch keep-alive off', 'stream: { keepalive_ms: 0 }', { stream: { keepalive_ms: 0 } }],
    ['a delivery of thoughts', 'thoughts: { delivery: both }', { thoughts: { delivery: 'both' } }],
    [
      'Google’s way to count',
      'usage: { mode: google }\ncompat: { unsupported: ignore }',
      { usage: { mode: 'google' }, compat: { unsupported: 'ignore' } },
    ],
    [
      'one word for Google’s way',
      'compat: google',
      { usage: { mode: 'google' }, compat: { unsupported: 'ignore' }, thoughts: { delivery: 'google' } },
    ],
    ['no replay of thoughts', 'thoughts: { replay: false }', { thoughts: { replay: false } }],
    [
      'limits of the signatures',
      'signatures: { max_entries: 5, ttl_ms: 1000 }',
      { signatures: { max_entries: 5, ttl_ms: 1000 } },
    ],
  ])('%s', (_, text, expected) => {
    expect(load(text, { P: '9000', YES: 'true', KEY })).toMatchObject(expected);
  });

  it.each([
    ['', ['*>local'], { '*': 'local' }],
    ['upstreams: { a: { kind: embedded } }', ['*>a'], { '*': 'a' }],
    ['upstreams: { a: { kind: embedded } }\nendpoints: {}', ['*>a'], {}],
    ['upstreams: { a: { kind: vertex } }', ['*>a'], {}],
    ['upstreams: { a: { kind: gemini, api_key: k } }', ['*>a'], {}],
    ['upstreams: { a: { kind: vllm, base_url: "http://h" } }', ['*>a'], { '*': 'a' }],
    ['upstreams: { a: { kind: embedded } }\nmodels: []', [], { '*': 'a' }],
    ['models: [{ match: x, upstream: local }]', ['x>local'], { '*': 'local' }],
    ['endpoints: { "0123": { upstream: local } }', ['*>local'], { '0123': 'local' }],
    [
      'upstreams: { a: { kind: embedded }, b: { kind: embedded } }\nmodels: [{ match: "google/*", upstream: b }, { match: "*", upstream: a }]',
      ['google/*>b', '*>a'],
      {},
    ],
  ])('%j routes models %j and endpoints %j', (text, models, endpoints) => {
    const config = load(text);
    expect(config.models.map(({ match, upstream }) => `${match}>${upstream}`)).toEqual(models);
    const targets = Object.entries(config.endpoints).map(([id, { upstream }]) => [id, upstream]);
    expect(Object.fromEntries(targets)).toEqual(endpoints);
  });

  it('is frozen at every depth', () => {
    const config = load('models: [{ match: x, upstream: local }]');
    for (const part of [
      config,
      config.server,
      config.upstreams,
      config.upstreams['local'],
      config.models[0],
      config.notices,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('leaves no default changed by an earlier configuration', () => {
    load('upstreams: { local: { kind: embedded, slots: 9, threads: 3 } }');
    expect(load('').upstreams['local']).toMatchObject({ slots: 4 });
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'has no endpoint or upstream %s',
    (name) => {
      const config = load('');
      expect(config.endpoints[name]).toBeUndefined();
      expect(config.upstreams[name]).toBeUndefined();
    },
  );

  it('may name an upstream `constructor`', () => {
    expect(load('upstreams: { constructor: { kind: embedded } }').models).toEqual([
      { match: '*', upstream: 'constructor' },
    ]);
  });
});

describe('which file is read', () => {
  it('prefers the given path, then PARLANCE_CONFIG, then parlance.yaml', () => {
    for (const [name, port] of [
      ['given.yaml', 1],
      ['named.yaml', 2],
      ['parlance.yaml', 3],
    ] as const) {
      writeFileSync(join(cwd, name), `server: { port: ${port} }`);
    }
    const env = { PARLANCE_CONFIG: 'named.yaml' };
    expect(loadConfig({ path: 'given.yaml', env, cwd })).toMatchObject({
      server: { port: 1 },
      file: join(cwd, 'given.yaml'),
    });
    expect(loadConfig({ env, cwd })).toMatchObject({ server: { port: 2 }, file: join(cwd, 'named.yaml') });
    expect(loadConfig({ env: { PARLANCE_CONFIG: '' }, cwd })).toMatchObject({ server: { port: 3 } });
    expect(loadConfig({ path: join(cwd, 'given.yaml'), env: {}, cwd: '/' }).server.port).toBe(1);
  });

  it.each([
    ['an absent file', 'absent.yaml', 'there is no such file'],
    ['a folder', 'folder', 'this is a folder'],
    ['a file below a file', 'text.yaml/x', 'this file cannot be read (ENOTDIR)'],
    ['a file in UTF-16', 'utf16.yaml', 'this file is not UTF-8 text'],
  ])('refuses %s', (_, name, message) => {
    mkdirSync(join(cwd, 'folder'));
    writeFileSync(join(cwd, 'text.yaml'), '');
    writeFileSync(join(cwd, 'utf16.yaml'), Buffer.from('\uFEFFlog: { level: info }', 'utf16le'));
    for (const error of [
      failure(() => loadConfig({ path: name, env: {}, cwd })),
      failure(() => loadConfig({ env: { PARLANCE_CONFIG: name }, cwd })),
    ]) {
      expect(error.format()).toContain(`  ${name}  ${message}`);
    }
  });

  it('refuses a parlance.yaml that is a folder', () => {
    mkdirSync(join(cwd, 'parlance.yaml'));
    expect(failure(() => loadConfig({ env: {}, cwd })).format()).toContain('parlance.yaml  this is a folder');
  });

  // Permissions do not hold back the superuser.
  it.skipIf(process.getuid?.() === 0)('refuses a file it may not read', () => {
    const file = join(cwd, 'parlance.yaml');
    writeFileSync(file, '');
    chmodSync(file, 0);
    expect(failure(() => loadConfig({ env: {}, cwd })).message).toContain('may not read this file');
  });
});

describe('the environment', () => {
  it.each<[env: Environment, expected: object]>([
    [{ PORT: '9' }, { server: { host: 'h', port: 9 } }],
    [{ PORT: '0' }, { server: { port: 0 } }],
    [{ HOST: '0.0.0.0' }, { server: { host: '0.0.0.0', port: 1 } }],
    [{ PARLANCE_LOG_LEVEL: 'debug' }, { log: { level: 'debug' } }],
    [
      { PORT: '', HOST: '', PARLANCE_LOG_LEVEL: '' },
      { server: { host: 'h', port: 1 }, log: { level: 'warn' } },
    ],
  ])('%j wins over the file', (env, expected) => {
    expect(load('server: { host: h, port: 1 }\nlog: { level: warn }', env)).toMatchObject(expected);
  });

  it.each([
    ['PORT', 'http'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', ' 80'],
    ['HOST', 'a b'],
    ['HOST', 'localhost:8080'],
    ['PARLANCE_LOG_LEVEL', 'loud'],
    ['HTTPS_PROXY', 'proxy.example.com:8080'],
    ['https_proxy', 'http://ann:s3cret and more@proxy:99999'],
    ['HTTP_PROXY', 'ann:s3cret@proxy'],
    ['http_proxy', 'ftp://ann:s3cret@proxy'],
  ])('%s=%j is refused', (name, value) => {
    const { problems, file } = failure(() => loadConfig({ env: { [name]: value }, cwd }));
    expect(file).toBeNull();
    expect(problems).toEqual([
      { path: name, message: expect.stringMatching(/^must be .* \(environment variable\)$/) },
    ]);
    expect(JSON.stringify(problems)).not.toContain('s3cret');
  });

  it.each([
    { HTTPS_PROXY: 'http://ann:s3cret@proxy:8080', HTTP_PROXY: '' },
    { https_proxy: 'socks5://proxy:1080', HTTPS_PROXY: 'not looked at' },
    { HTTPS_PROXY: 'HTTPS://proxy' },
  ])('%j is taken', (env) => {
    expect(loadConfig({ env, cwd }).home).toBe(join(homedir(), '.parlance'));
  });

  it.each([
    [undefined, join(homedir(), '.parlance')],
    ['', join(homedir(), '.parlance')],
    ['/var/lib/parlance', '/var/lib/parlance'],
  ])('PARLANCE_HOME=%j is the folder %s', (value, expected) => {
    expect(loadConfig({ env: { PARLANCE_HOME: value }, cwd }).home).toBe(expected);
  });

  it('takes a relative PARLANCE_HOME from the current folder', () => {
    expect(loadConfig({ env: { PARLANCE_HOME: 'state' }, cwd }).home).toBe(join(cwd, 'state'));
  });
});

describe('the documentation', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  const block = (language: string) => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)?.[1] ?? '';

  it('shows a complete example that works', () => {
    const { upstreams, models, auth } = load(block('yaml'), { PARLANCE_KEY: KEY });
    expect(upstreams['large']).toMatchObject({ model: join(cwd, 'models/my-model.gguf') });
    expect(upstreams['gemini']).toMatchObject({ project: 'my-project', location: 'europe-west4' });
    expect(models).toHaveLength(3);
    expect(auth).toMatchObject({ routes: { vertex: ['keys'] }, keys: [KEY] });
  });

  it('shows Gemini upstreams that work', () => {
    writeFileSync(join(cwd, 'service-account.json'), '{}');
    const { upstreams, models } = load(/```yaml\n(# gemini\.yaml[^]*?)```/.exec(page)?.[1] ?? '', {
      GEMINI_API_KEY: 'AIza-x',
    });
    expect(upstreams).toMatchObject({
      vertex: { credentials: join(cwd, 'service-account.json') },
      devapi: { api_key: 'AIza-x' },
    });
    expect(models).toHaveLength(2);
  });

  it('shows model servers that work', () => {
    const { upstreams, endpoints, models } = load(
      /```yaml\n(# servers\.yaml[^]*?)```/.exec(page)?.[1] ?? '',
      {
        GEMMA_KEY: 'k',
      },
    );
    expect(upstreams['gemma']).toMatchObject({
      base_urls: ['http://10.0.0.5:8000/v1', 'http://10.0.0.6:8000/v1'],
      fallback: [{ upstream: 'gemini', model: 'gemini-2.5-flash' }, { upstream: 'local' }],
    });
    expect(models).toHaveLength(2);
    expect(endpoints).toMatchObject({ '1234567890': { upstream: 'gemma' } });
  });

  it.each<[name: string, expected: object]>([
    ['keys', { routes: { vertex: ['keys'], plain: ['keys'] }, keys: [KEY] }],
    ['local', { routes: { vertex: ['local'] } }],
    ['google', { routes: { vertex: ['google'] }, google: { allow: { domains: ['example.com'] } } }],
    ['passthrough', { routes: { vertex: ['passthrough'] } }],
    ['limits', { limits: { requests_per_minute: 600, tokens_per_month: 50_000_000 } }],
    ['replicas', { routes: { vertex: ['keys'] }, limits: { requests_per_minute: 600 } }],
    ['routes', { routes: { vertex: ['local', 'keys'], devapi: ['passthrough'], plain: ['keys'] } }],
  ])('shows %s sign-in that works', (name, expected) => {
    const text = new RegExp(`\`\`\`yaml\n(# ${name}\\.yaml[^]*?)\`\`\``).exec(page)?.[1] ?? '';
    const env = {
      PARLANCE_KEY: KEY,
      GEMINI_API_KEY: 'AIza-x',
      DATABASE_URL: 'postgres://h/d',
      REDIS_URL: 'redis://h',
    };
    expect(load(text, env).auth).toMatchObject(expected);
  });

  it('shows a model family that works', () => {
    const { upstreams } = load(/```yaml\n(# thinking\.yaml[^]*?)```/.exec(page)?.[1] ?? '');
    expect(upstreams['vertex']).toMatchObject({ thinking: [{ control: 'budget', efforts: { none: 0 } }] });
  });

  it('shows the errors that its example would give with three mistakes', () => {
    const broken = block('yaml').replace('port:', 'prot:').replace('upstream: large', 'upstream: huge');
    expect(failure(() => load(broken)).format()).toBe(block('text'));
  });
});
