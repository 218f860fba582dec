import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { configJsonSchema, configReference, staleFiles } from '../../scripts/generate-config-schema.ts';

/** The key rows of the reference, as `key | value | default`. */
const rows = configReference(configJsonSchema())
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

describe('the generated files', () => {
  it('are up to date; else run node scripts/generate-config-schema.ts', async () => {
    expect(await staleFiles()).toEqual([]);
  });

  it('explain every key', () => {
    expect(rows.length).toBeGreaterThan(25);
    const incomplete = rows.filter(([key, value, , meaning]) => !key || !value || !meaning);
    expect(incomplete).toEqual([]);
  });

  it.each([
    ['`server.port`', '0 to 65535', '`8080`'],
    ['`server.max_body_bytes`', '1024 to 268435456', '`67108864`'],
    ['`upstreams.NAME.kind`', '`embedded`', 'required'],
    ['`upstreams.NAME.kind`', '`vertex`', 'required'],
    ['`upstreams.NAME.kind`', '`vllm`, `tgi`, `sglang`, `llamacpp`, `ollama`, `openai`', 'required'],
    ['`upstreams.NAME.base_url`', 'text, or list of text', ''],
    ['`upstreams.NAME.headers.NAME`', 'text', ''],
    ['`upstreams.NAME.fallback[].upstream`', 'text', 'required'],
    ['`upstreams.NAME.health.interval_ms`', '0 to 3600000', '`10000`'],
    ['`upstreams.NAME.capabilities.images`', '`true`, `false`', ''],
    ['`upstreams.NAME.api_version`', '`v1`, `v1beta`, `v1alpha`', '`v1beta`'],
    ['`upstreams.NAME.schema.max_ref_depth`', '1 to 10', '`3`'],
    ['`upstreams.NAME.http2`', '`true`, `false`', '`true`'],
    ['`thoughts.replay`', '`true`, `false`', '`true`'],
    ['`upstreams.NAME.gpu`', '`true`, `false`', '`false`'],
    ['`upstreams.NAME.threads`', '1 to 1024', ''],
    ['`models[].match`', 'text', 'required'],
    ['`auth.keys`', 'list of text', '`[]`'],
    ['`state.usage_days`', '32 to 3660', '`400`'],
    ['`auth.local.token_lifetime_s`', '1 to 86400', '`3600`'],
    ['`auth.google.allow.everyone`', '`true`, `false`', '`false`'],
    ['`auth.oidc[].issuer`', 'text', 'required'],
    ['`auth.oidc[].allow.domains`', 'list of text', '`[]`'],
  ])('describe %s', (...expected) => {
    expect(rows.map((row) => row.slice(0, 3))).toContainEqual(expected);
  });
});

describe('the JSON Schema', () => {
  const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(configJsonSchema());

  it.each<[isValid: boolean, config: object]>([
    [true, {}],
    [true, { server: { port: 1 }, auth: { mode: ['keys'], keys: ['${KEY}'] } }],
    [true, { server: { port: '${PORT}' } }],
    [true, { upstreams: { a: { kind: 'embedded', gpu: '${GPU}', context_size: 8192 } } }],
    [true, { models: [{ match: '*', upstream: 'a' }], endpoints: { '*': { upstream: 'a' } } }],
    [true, { upstreams: { a: { kind: 'vertex', project: '${P}', retries: '${R}', http2: false } } }],
    [true, { upstreams: { a: { kind: 'gemini', voice_map: { alloy: 'Puck' }, schema: {} } } }],
    [true, { upstreams: { a: { kind: 'vllm', base_url: 'http://h', headers: { 'x-a': '${A}' } } } }],
    [true, { upstreams: { a: { kind: 'tgi', base_url: ['http://h', '${H}'], fallback: ['b'] } } }],
    [true, { upstreams: { a: { kind: 'ollama', fallback: [{ upstream: 'b', model: 'm' }] } } }],
    [true, { upstreams: { a: { kind: 'embedded', fallback: ['${B}'] } } }],
    [true, { compat: 'google' }],
    [true, { compat: { unsupported: 'ignore' } }],
    [false, { compat: 'vertex' }],
    [false, { upstreams: { a: { kind: 'gemini', project: 'p' } } }],
    [false, { upstreams: { a: { kind: 'vertex', slots: 1 } } }],
    [false, { sever: {} }],
    [false, { storage: { bucket: 1 } }],
    [false, { server: { port: 65_536 } }],
    [false, { server: { port: 'http' } }],
    [true, { auth: { mode: 'local', routes: { plain: ['local', 'keys'] } } }],
    [true, { auth: { mode: 'google', google: { allow: { everyone: '${ALL}' } } } }],
    [false, { auth: { mode: 'locl' } }],
    [false, { auth: { routes: { vertx: 'keys' } } }],
    [false, { auth: { oidc: [{ audiences: ['a'] }] } }],
    [false, { auth: { oidc: [{ issuer: 'https://a', audiences: ['a'], allow: { projects: ['p'] } }] } }],
    [false, { upstreams: { a: { kind: 'vllm' } } }],
    [false, { upstreams: { a: { kind: 'ollama', fallback: [{ model: 'm' }] } } }],
    [false, { upstreams: { a: { kind: 'ollama', base_url: 1 } } }],
    [false, { upstreams: { 'a b': { kind: 'embedded' } } }],
    [false, { endpoints: { openapi: { upstream: 'a' } } }],
    [false, { models: [{ match: '*' }] }],
  ])('says %s to %j', (isValid, config) => {
    expect(validate(config)).toBe(isValid);
  });
});
