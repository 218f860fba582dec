import { describe, expect, it } from 'vitest';
import { SERVER_KIND_NAMES } from '../../src/translate/relay/server-kinds.ts';
import { failure, temporaryFiles } from './temporary-files.ts';

const files = temporaryFiles();
const load = (upstream: string, env = {}) =>
  files.load(`upstreams: { up: ${upstream} }`, env).upstreams['up'];
const PLACE = 'base_url: "http://a"';
const server = (keys: string) => `{ kind: vllm, ${PLACE}, ${keys} }`;

describe('a good model server', () => {
  it.each(SERVER_KIND_NAMES)('of kind %s has every default', (kind) => {
    expect(load(`{ kind: ${kind}, base_url: "http://10.0.0.5:8000" }`)).toEqual({
      kind,
      base_urls: ['http://10.0.0.5:8000/v1'],
      headers: {},
      fallback: [],
      connect_timeout_ms: 2000,
      first_byte_timeout_ms: 120_000,
      idle_timeout_ms: 120_000,
      request_timeout_ms: 600_000,
      retries: 2,
      max_connections: 1024,
      health: { interval_ms: 10_000, down_interval_ms: 1000, timeout_ms: 2000 },
      circuit: { failures: 5, open_ms: 1000, max_open_ms: 30_000 },
      slow_start_ms: 10_000,
      capabilities: {},
      structured_output: { check: 'auto', repairs: 1 },
    });
  });

  it('of kind ollama is on this machine unless it is said where', () => {
    expect(load('{ kind: ollama }')).toMatchObject({ base_urls: ['http://127.0.0.1:11434/v1'] });
    expect(load('{ kind: ollama, base_url: "http://h" }')).toMatchObject({ base_urls: ['http://h/v1'] });
  });

  it.each<[keys: string, expected: object]>([
    [
      'base_url: ["http://a", "${URL}", "http://a/x/"]',
      { base_urls: ['http://a/v1', 'http://b/v1', 'http://a/x'] },
    ],
    ['base_url: "${URL}"', { base_urls: ['http://b/v1'] }],
  ])('may have %s', (keys, expected) => {
    expect(load(`{ kind: vllm, ${keys} }`, { URL: 'http://b' })).toMatchObject(expected);
  });

  it.each<[keys: string, expected: object]>([
    ['model: gemma-2-9b-it', { model: 'gemma-2-9b-it' }],
    ['api_key: "${KEY}"', { api_key: 's3cret' }],
    [
      'headers: { x-team: search, X-Note: "two words", x-key: "${KEY}" }',
      { headers: { 'x-team': 'search', 'X-Note': 'two words', 'x-key': 's3cret' } },
    ],
    ['max_connections: 8, retries: "0"', { max_connections: 8, retries: 0 }],
    ['health: { interval_ms: 0 }', { health: { interval_ms: 0, down_interval_ms: 1000 } }],
    ['circuit: { failures: 1 }', { circuit: { failures: 1, open_ms: 1000 } }],
    ['circuit: { open_ms: 500, max_open_ms: 500 }', { circuit: { open_ms: 500, max_open_ms: 500 } }],
    ['slow_start_ms: 0', { slow_start_ms: 0 }],
    ['capabilities: { images: false, tools: "true" }', { capabilities: { images: false, tools: true } }],
    [
      'structured_output: { check: always, repairs: 3 }',
      { structured_output: { check: 'always', repairs: 3 } },
    ],
  ])('may have %s', (keys, expected) => {
    expect(load(server(keys), { KEY: 's3cret' })).toMatchObject(expected);
  });
});

/** A configuration with these lines, from line 4 and column 5 on, under an upstream of kind `vllm`. */
const withLines = (...lines: string[]) =>
  ['upstreams:', '  up:', '    kind: vllm', ...lines.map((line) => `    ${line}`)].join('\n');

describe('a bad model server', () => {
  it.each<[name: string, lines: string[], problems: string[]]>([
    ['no place', [], ['2:3 base_url: is missing: say where the server is, such as `base_url: "http://']],
    ['an empty place', ['base_url:'], ['4:5 base_url: has no value']],
    ['no replica', ['base_url: []'], ['4:5 base_url: name at least one server']],
    ['a number', ['base_url: 8000'], ['4:15 base_url: must be a URL in quotes, or a list of them']],
    [
      'a number in a list',
      ['base_url: [8000]'],
      ['4:5 base_url: must be a URL in quotes, or a list of them'],
    ],
    [
      'wrong replicas',
      ['base_url:', '- "http://a"', '- "b:80"', '- "http://c?d"'],
      [
        '6:7 base_url[1]: must be an `https://` or `http://` URL without user name',
        '7:7 base_url[2]: must be an `https://` or `http://` URL without user name',
      ],
    ],
    [
      'a replica twice',
      ['base_url:', '- "http://a"', '- "http://a:80/v1/"', '- "http://a/x"', '- "http://A"'],
      ['6:7 base_url[1]: is the same as a URL above', '8:7 base_url[3]: is the same as a URL above'],
    ],
    [
      'a misspelt key',
      ['base_ulr: "http://a"'],
      ['2:3 base_url: is missing', '4:5 base_ulr: unknown key; did you mean `base_url`?'],
    ],
    ['a key of another kind', [PLACE, 'slots: 2'], ['5:5 slots: unknown key']],
    ['an empty model', [PLACE, 'model: ""'], ['5:12 model: must not be empty']],
    ['an empty key', [PLACE, 'api_key: ""'], ['5:14 api_key: must not be empty']],
    ['a key of two words', [PLACE, 'api_key: "a b"'], ['5:14 api_key: must consist of visible ASCII']],
    ['a word for a group', [PLACE, 'capabilities: images'], ['5:19 capabilities: must be a group of keys']],
    [
      'an unknown capability',
      [PLACE, 'capabilities:', '  image: true'],
      ['6:7 capabilities.image: unknown key; did you mean `images`?'],
    ],
    [
      'a limit below what it limits',
      [PLACE, 'circuit: { open_ms: 60000 }'],
      ['5:5 circuit.max_open_ms: must be at least `open_ms`, which is 60000'],
    ],
    ['no failure', [PLACE, 'circuit:', '  failures: 0'], ['6:17 circuit.failures: must be a whole number']],
    [
      'a probe without end',
      [PLACE, 'health:', '  timeout_ms: 0'],
      ['6:19 health.timeout_ms: must be a whole'],
    ],
    [
      'a word for a check',
      [PLACE, 'structured_output:', '  check: on', '  repairs: 4'],
      [
        '6:14 structured_output.check: must be `auto` or `always` or `never`',
        '7:16 structured_output.repairs: must be a whole number from 0 to 3',
      ],
    ],
    [
      'a header twice',
      [PLACE, 'headers:', '  x-team: a', '  X-Team: b'],
      ['7:15 headers.X-Team: is given twice, since capitals'],
    ],
    [
      'a header that is no text',
      [PLACE, 'headers:', '  x-team: 1'],
      ['6:15 headers.x-team: must be text; put it in quotes'],
    ],
    ['a list of headers', [PLACE, 'headers: [a]'], ['5:5 headers: must be a group of keys']],
  ])('%s', (_, lines, problems) => {
    const found = failure(() => files.load(withLines(...lines), {})).problems.map(
      ({ path, message, line, column }) =>
        `${line}:${column} ${path.replace('upstreams.up.', '')}: ${message}`,
    );
    expect(found.map((problem, index) => problem.slice(0, problems[index]?.length))).toEqual(problems);
  });

  it.each([
    ['"a b"', 'letters, digits'],
    ['"x:y"', 'letters, digits'],
    ['""', 'letters, digits'],
    ['schlüssel', 'letters, digits'],
    ['Authorization', 'made of `api_key`'],
    ['Host', 'set by Parlance'],
    ['content-length', 'set by Parlance'],
    ['Content-Type', 'set by Parlance'],
    ['transfer-encoding', 'set by Parlance'],
    ['connection', 'set by Parlance'],
    ['expect', 'set by Parlance'],
  ])('refuses the header name %s', (name, message) => {
    const { problems } = failure(() => files.load(withLines(PLACE, 'headers:', `  ${name}: a`), {}));
    expect(problems).toEqual([
      expect.objectContaining({ line: 6, column: 7, message: expect.stringContaining(message) }),
    ]);
  });

  it.each(['""', '" s3cret"', '"s3cret "', '"s3cret\\nx: y"', '"s3cr\\tet"', '"sch\u00fcssel"'])(
    'refuses the header value %s, and does not repeat it',
    (value) => {
      const error = failure(() => load(server(`headers: { x-a: ${value} }`)));
      expect(error.problems).toEqual([
        expect.objectContaining({
          path: 'upstreams.up.headers.x-a',
          message: expect.stringMatching(/^must /),
        }),
      ]);
      expect(error.format()).not.toContain('s3cr');
    },
  );

  it.each([
    '10.0.0.5:8000',
    'ftp://example.com',
    'https://user:s3cret@example.com',
    'https://example.com/?key=s3cret',
    'https://example.com/#s3cret',
    'http://',
  ])('refuses the base URL %s, and does not repeat it', (url) => {
    for (const written of [`"${url}"`, `["http://a", "${url}"]`]) {
      const error = failure(() => load(`{ kind: openai, base_url: ${written} }`));
      expect(error.problems).toEqual([
        expect.objectContaining({
          message: expect.stringMatching(/^must be an `https:\/\/` or `http:\/\/` URL/),
        }),
      ]);
      expect(error.format()).not.toContain('s3cret');
    }
  });
});
