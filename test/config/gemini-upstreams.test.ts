import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failure, temporaryFiles } from './temporary-files.ts';

const files = temporaryFiles();
const load = (upstream: string) => files.load(`upstreams: { up: ${upstream} }`, {}).upstreams['up'];

const COMMON_DEFAULTS = {
  http2: true,
  max_connections: 256,
  connect_timeout_ms: 5000,
  first_byte_timeout_ms: 120_000,
  idle_timeout_ms: 120_000,
  request_timeout_ms: 600_000,
  retries: 2,
  malformed_retries: 1,
  emulate_n: true,
  schema: { mode: 'auto', max_ref_depth: 3 },
  function_ids: 'auto',
  fallback: [],
};

describe('a good upstream', () => {
  it('of kind vertex has every default', () => {
    expect(load('{ kind: vertex, project: my-project }')).toEqual({
      ...COMMON_DEFAULTS,
      kind: 'vertex',
      project: 'my-project',
      location: 'us-central1',
      credentials: 'adc',
      api_version: 'v1',
      global_fallback: true,
    });
  });

  it('of kind gemini has every default', () => {
    expect(load('{ kind: gemini, api_key: AIza-x }')).toEqual({
      ...COMMON_DEFAULTS,
      kind: 'gemini',
      api_key: 'AIza-x',
      api_version: 'v1beta',
    });
  });

  it.each([
    ['project: "123456789012"', { project: '123456789012' }],
    ['project: "example.com:my-project"', { project: 'example.com:my-project' }],
    ['location: europe-west4', { location: 'europe-west4' }],
    ['api_key: AQ.Ab8', { api_key: 'AQ.Ab8', location: 'global' }],
    ['api_version: v1beta1', { api_version: 'v1beta1' }],
    ['base_url: "https://gateway.example/google/"', { base_url: 'https://gateway.example/google/' }],
    ['base_url: "http://127.0.0.1:9000"', { base_url: 'http://127.0.0.1:9000' }],
    ['http2: "false", emulate_n: false', { http2: false, emulate_n: false }],
    ['retries: 0, malformed_retries: "5"', { retries: 0, malformed_retries: 5 }],
    ['schema: { mode: openapi }', { schema: { mode: 'openapi', max_ref_depth: 3 } }],
    ['schema: { max_ref_depth: 1 }', { schema: { mode: 'auto', max_ref_depth: 1 } }],
    ['function_ids: never', { function_ids: 'never' }],
    ['voice_map: { alloy: Puck, echo: Charon }', { voice_map: { alloy: 'Puck', echo: 'Charon' } }],
    ['global_fallback: false', { global_fallback: false }],
  ])('may have %s', (keys, expected) => {
    expect(load(`{ kind: vertex, ${keys} }`)).toMatchObject(expected);
  });

  it('finds a key file beside the configuration', () => {
    writeFileSync(join(files.folder(), 'key.json'), '{}');
    const credentials = join(files.folder(), 'key.json');
    expect(load('{ kind: vertex, credentials: ./key.json }')).toMatchObject({ credentials });
  });
});

describe('a bad upstream', () => {
  it('is found in its line', () => {
    const text =
      'upstreams:\n  up:\n    kind: vertex\n    credentials: adc\n    api_key: k\n  other: { kind: gemini }';
    const { problems } = failure(() => files.load(`${text}\nmodels: []`, {}));
    expect(problems.map(({ path, line, column }) => [path, line, column])).toEqual([
      ['upstreams.up.api_key', 5, 14],
    ]);
    const fixed = failure(() => files.load(text.replace('    credentials: adc\n', '') + '\nmodels: []', {}));
    expect(fixed.problems).toMatchObject([{ path: 'upstreams.other.api_key', line: 5, column: 3 }]);
  });

  it.each<[name: string, upstream: string, problems: string[]]>([
    [
      'two credentials',
      '{ kind: vertex, project: p, credentials: adc, access_token: t }',
      ['upstreams.up.access_token: `credentials`, `access_token` and `api_key` exclude each other'],
    ],
    [
      'three credentials',
      '{ kind: vertex, credentials: adc, access_token: t, api_key: k }',
      ['upstreams.up.access_token: `cred', 'upstreams.up.api_key: `cred'],
    ],
    [
      'a place for an express key',
      '{ kind: vertex, api_key: k, project: p, location: eu }',
      ['upstreams.up.project: has no meaning beside `api_key`', 'upstreams.up.location: has no meaning'],
    ],
    ['an access token alone', '{ kind: vertex, access_token: t }', ['upstreams.up.project: is missing']],
    ['no key', '{ kind: gemini }', ['upstreams.up.api_key: is missing; set GEMINI_API_KEY or']],
    ['an empty key', '{ kind: gemini, api_key: "" }', ['upstreams.up.api_key: must not be empty']],
    ['a key of two words', '{ kind: gemini, api_key: "a b" }', ['upstreams.up.api_key: must consist of']],
    [
      'an absent key file',
      '{ kind: vertex, credentials: none.json }',
      ['upstreams.up.credentials: is neither `adc` nor the path of a file'],
    ],
    [
      'a project for the Developer API',
      '{ kind: gemini, api_key: k, project: p }',
      ['upstreams.up.project: unknown key'],
    ],
    [
      'a key in camel case',
      '{ kind: vertex, baseUrl: "http://x" }',
      ['upstreams.up.baseUrl: unknown key; did you mean `base_url`?'],
    ],
    [
      'a version of the other API',
      '{ kind: vertex, api_version: v1beta }',
      ['upstreams.up.api_version: must be `v1` or `v1beta1`; did you mean `v1beta1`?'],
    ],
    ['too many retries', '{ kind: vertex, retries: 6 }', ['upstreams.up.retries: must be a whole number']],
    [
      'an unknown key of schema',
      '{ kind: vertex, schema: { depth: 1 } }',
      ['upstreams.up.schema.depth: unknown key; known are `mode`, `max_ref_depth`'],
    ],
    [
      'a voice without name',
      '{ kind: vertex, voice_map: { alloy: "" } }',
      ['upstreams.up.voice_map.alloy: must not be empty'],
    ],
    [
      'a project in capitals',
      '{ kind: vertex, project: My }',
      ['upstreams.up.project: must be a project id'],
    ],
    ['a project as number', '{ kind: vertex, project: 12 }', ['upstreams.up.project: must be text']],
    [
      'a location that leaves its place in the host',
      '{ kind: vertex, location: "evil.example/" }',
      ['upstreams.up.location: must be a location'],
    ],
  ])('%s', (_, upstream, problems) => {
    const found = failure(() => load(upstream)).problems.map(({ path, message }) => `${path}: ${message}`);
    expect(found.map((problem, index) => problem.slice(0, problems[index]?.length))).toEqual(problems);
  });

  it.each([
    'generativelanguage.googleapis.com',
    'ftp://example.com',
    'https://user:s3cret@example.com',
    'https://user@example.com',
    'https://example.com/?key=s3cret',
    'https://example.com/#s3cret',
    'https://',
    'file:///etc/passwd',
  ])('refuses the base URL %s, and does not repeat it', (url) => {
    const error = failure(() => load(`{ kind: vertex, base_url: "${url}" }`));
    expect(error.problems).toMatchObject([{ path: 'upstreams.up.base_url' }]);
    expect(error.format()).not.toContain('s3cret');
  });
});
