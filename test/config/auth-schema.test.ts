import { describe, expect, it } from 'vitest';
import { failure, temporaryFiles } from './temporary-files.ts';

const KEY = 'sixteen-letters!';
const files = temporaryFiles();
const load = (text: string) => files.load(text, { KEY, MODE: 'keys' }).auth;

/** Modes on the routes of vertex, devapi and plain. */
const routes = (vertex: string[], devapi = vertex, plain = vertex) => ({ vertex, devapi, plain });

const ALLOW = 'allow: { domains: [example.com] }';

describe('who may call', () => {
  it.each<[text: string, expected: object]>([
    ['', routes(['open'])],
    ['auth: {}', routes(['open'])],
    ['auth: { mode: local }', routes(['local'])],
    ['auth: { mode: passthrough }', routes(['passthrough'])],
    ['auth: { mode: keys, keys: ["${KEY}"] }', routes(['keys'])],
    ['auth: { mode: "${MODE}", keys: ["${KEY}"] }', routes(['keys'])],
    ['auth: { mode: [keys, keys], keys: ["${KEY}"] }', routes(['keys'])],
    ['auth: { mode: [local, keys], keys: ["${KEY}"] }', routes(['local', 'keys'])],
    [
      `auth: { mode: [google, keys, local], keys: ["\${KEY}"], google: { ${ALLOW} } }`,
      routes(['google', 'keys', 'local']),
    ],
    ['auth: { routes: { devapi: passthrough } }', routes(['open'], ['passthrough'], ['open'])],
    [
      'auth: { mode: keys, keys: ["${KEY}"], routes: { vertex: [local, keys], devapi: passthrough } }',
      routes(['local', 'keys'], ['passthrough'], ['keys']),
    ],
    [
      'auth: { keys: ["${KEY}"], routes: { vertex: local, devapi: open, plain: keys } }',
      routes(['local'], ['open'], ['keys']),
    ],
  ])('%s', (text, expected) => {
    expect(load(text).routes).toEqual(expected);
  });

  it('is complete without a file that says it', () => {
    expect(load('')).toEqual({
      routes: routes(['open']),
      keys: [],
      limits: { assumed_completion_tokens: 4096 },
      local: { token_lifetime_s: 3600, project: 'parlance-local' },
      oidc: [],
    });
  });

  it('is complete with everything that can be said', () => {
    const text = `
auth:
  mode: [google, local, keys]
  keys: ["\${KEY}"]
  limits: { requests_per_minute: 1, tokens_per_minute: "2", concurrent_requests: 3, tokens_per_day: 4, tokens_per_month: 5, assumed_completion_tokens: 6 }
  local: { token_lifetime_s: 60, project: "example.com:my-project" }
  google:
    allow: { domains: [example.com], projects: [my-project, "123456789012"] }
    audiences: ["https://parlance.example.com"]
  oidc:
    - { issuer: "https://login.example.com/a/", audiences: [parlance], allow: { everyone: true } }
    - { issuer: "https://login.example.com/b", keys_url: "http://127.0.0.1:9000/keys", audiences: [a, b], allow: { subjects: [x] } }
`;
    expect(load(text)).toEqual({
      routes: routes(['google', 'local', 'keys']),
      keys: [KEY],
      limits: {
        requests_per_minute: 1,
        tokens_per_minute: 2,
        concurrent_requests: 3,
        tokens_per_day: 4,
        tokens_per_month: 5,
        assumed_completion_tokens: 6,
      },
      local: { token_lifetime_s: 60, project: 'example.com:my-project' },
      google: {
        allow: {
          everyone: false,
          domains: ['example.com'],
          emails: [],
          subjects: [],
          projects: ['my-project', '123456789012'],
        },
        audiences: ['https://parlance.example.com'],
      },
      oidc: [
        {
          issuer: 'https://login.example.com/a/',
          audiences: ['parlance'],
          allow: { everyone: true, domains: [], emails: [], subjects: [] },
        },
        {
          issuer: 'https://login.example.com/b',
          keys_url: 'http://127.0.0.1:9000/keys',
          audiences: ['a', 'b'],
          allow: { everyone: false, domains: [], emails: [], subjects: ['x'] },
        },
      ],
    });
  });

  it('is frozen at every depth', () => {
    const { routes: modes, local, oidc } = load('');
    for (const part of [modes, modes.vertex, local, oidc]) expect(Object.isFrozen(part)).toBe(true);
  });

  it('takes further issuers without Google', () => {
    const issuer = `{ issuer: "https://login.example.com", audiences: [a], ${ALLOW} }`;
    expect(load(`auth: { mode: google, oidc: [${issuer}] }`)).not.toHaveProperty('google');
  });
});

describe('a mistake', () => {
  it.each<[name: string, text: string, problems: string[]]>([
    [
      'open beside another mode',
      `auth: { mode: [keys, open], keys: ["${KEY}"] }`,
      ['1:9 mode: `open` lets everybody in, so it stands alone: write it without a list, or remove it'],
    ],
    [
      'passthrough beside another mode',
      'auth:\n  routes:\n    devapi: [passthrough, local]',
      ['3:5 routes.devapi: `passthrough` takes any credential'],
    ],
    ['open in a list', 'auth: { mode: [open] }', ['1:9 mode: `open` lets everybody in, so it stands alone']],
    [
      'unknown mode',
      'auth: { mode: gogle }',
      ['1:15 mode: must be `open` or `local` or `keys` or `google` or `passthrough`; did you mean `google`?'],
    ],
    [
      'unknown mode in a list',
      'auth: { mode: [keys, lokal] }',
      ['1:9 mode: must be `local` or `keys` or `google`; did you mean `local`?'],
    ],
    ['no mode in a list', 'auth: { routes: { plain: [] } }', ['1:19 routes.plain: must be `local` or']],
    ["name of an object's own", 'auth: { mode: [constructor] }', ['1:9 mode: must be `local` or']],
    ['number as mode', 'auth: { mode: 1 }', ['1:15 mode: must be `open` or `local`']],
    [
      'unknown family',
      'auth: { routes: { vertx: keys } }',
      ['1:19 routes.vertx: unknown key; did you mean `vertex`?'],
    ],
    ['one mode for routes', 'auth: { routes: keys }', ['1:17 routes: must be a group of keys']],
    [
      'keys without keys mode',
      `auth:\n  mode: local\n  keys: [${KEY}]`,
      ['3:3 keys: has no effect, because no auth mode is `keys`; write `mode: keys`, or remove `keys`'],
    ],
    [
      'keys without a family left that uses them',
      `auth:\n  mode: keys\n  routes: { vertex: local, devapi: local, plain: local }\n  keys: [${KEY}]`,
      ['4:3 keys: has no effect'],
    ],
    [
      'groups without their modes',
      `auth:\n  local: { project: my-project }\n  google: { ${ALLOW} }\n  oidc:\n    - { issuer: "https://a", audiences: [a], ${ALLOW} }`,
      [
        '2:3 local: has no effect, because no auth mode is `local`',
        '3:3 google: has no effect, because no auth mode is `google`',
        '4:3 oidc: has no effect, because no auth mode is `google`',
      ],
    ],
    ['an empty group without its mode', 'auth: { local: {} }', ['1:9 local: has no effect']],
    [
      'google mode without anybody',
      'auth:\n  mode: google',
      ['1:1 google: auth mode `google` needs to know who may call: write `google: { allow:'],
    ],
    [
      'an issuer twice',
      `auth:\n  mode: google\n  oidc:\n    - { issuer: "https://a", audiences: [a], ${ALLOW} }\n    - { issuer: "https://a", audiences: [b], ${ALLOW} }`,
      ['5:17 oidc[1].issuer: stands in this list already; remove one'],
    ],
    [
      'a life of no time',
      'auth: { mode: local, local: { token_lifetime_s: 0 } }',
      ['1:49 local.token_lifetime_s: must be a whole number from 1 to 86400'],
    ],
    [
      'a life of more than a day',
      'auth: { mode: local, local: { token_lifetime_s: 86401 } }',
      ['1:49 local.token_lifetime_s: must be a whole number from 1 to 86400'],
    ],
    [
      'no project id',
      'auth: { mode: local, local: { project: My_Project } }',
      ['1:40 local.project: must be a project id: 6 to 30 lower-case letters'],
    ],
  ])('%s', (_, text, expected) => {
    const found = failure(() => load(text)).problems.map(
      ({ line, column, path, message }) => `${line}:${column} ${path.replace('auth.', '')}: ${message}`,
    );
    expect(found.map((problem, index) => problem.slice(0, expected[index]?.length))).toEqual(expected);
  });
});
