import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/interpolate.ts';
import { attempt, failure, temporaryFiles } from './temporary-files.ts';

const files = temporaryFiles();

/** Each problem as `line:column path: message`. */
function problemsOf(text: string, env: Environment = {}): string[] {
  return failure(() => files.load(text, env)).problems.map(
    ({ line, column, path, message }) => `${line ?? '-'}:${column ?? '-'} ${path}: ${message}`,
  );
}

/** As much of each problem as is expected; the rest of a message is advice. */
const beginnings = (problems: readonly string[], expected: readonly string[]) =>
  problems.map((problem, index) => problem.slice(0, expected[index]?.length));

describe('a bad file', () => {
  it.each<[name: string, text: string, problems: string[]]>([
    [
      'unknown top-level key',
      'log: { level: info }\nupstrems: {}',
      ['2:1 upstrems: unknown key; did you mean `upstreams`?'],
    ],
    [
      'unknown nested key',
      'server:\n  port: 1\n  prot: 2',
      ['3:3 server.prot: unknown key; did you mean `port`?'],
    ],
    ['unknown key like nothing', 'banana: 1', ['1:1 banana: unknown key; known are `server`, `auth`']],
    [
      'merge key',
      'x: &x { port: 1 }\nserver:\n  <<: *x',
      ['1:1 x: unknown key', '3:3 server["<<"]: unknown key'],
    ],
    [
      'a folder that is not there',
      'storage: { "gs://pictures": ./none }',
      ['1:29 storage["gs://pictures"]: is not the path of a folder that can be r'],
    ],
    [
      'a bucket without scheme',
      'storage: { pictures: . }',
      ['1:12 storage.pictures: must be a bucket such as `gs://my-bucket`'],
    ],
    [
      'a host with a port',
      'fetch: { allow: ["a.b:80"] }',
      ['1:18 fetch.allow[0]: must be a host name such as'],
    ],
    [
      'rights of nobody known',
      'fetch: { bucket_rights: callers }',
      ['1:25 fetch.bucket_rights: must be `server` or `caller`'],
    ],
    [
      'word for compat',
      'compat: googel',
      ['1:9 compat: must be `openai` or `google`, or a group of keys; did you mean `google`?'],
    ],
    ['number for compat', 'compat: 1', ['1:9 compat: must be a group of keys']],
    [
      'mistakes beside a word for compat',
      'compat: google\nusage:\nthoughts: [1]',
      ['2:1 usage: has no value', '3:1 thoughts: must be a group of keys'],
    ],
    ['wrong number', 'server:\n  port: 65536', ['2:9 server.port: must be a whole number from 0 to 65535']],
    [
      'text for a number',
      'server: { port: http }',
      ['1:17 server.port: must be a whole number from 0 to 65535'],
    ],
    ['fraction', 'stream: { keepalive_ms: 1.5 }', ['1:25 stream.keepalive_ms: must be a whole number']],
    [
      'negative number, once',
      'stream: { keepalive_ms: -1.5 }',
      ['1:25 stream.keepalive_ms: must be a whole number'],
    ],
    [
      'wrong word',
      'compat: { unsupported: rejects }',
      ['1:24 compat.unsupported: must be `reject` or `ignore`; did you mean `reject`?'],
    ],
    ['number for a word', 'log: { level: 30 }', ['1:15 log.level: must be `trace` or `debug`']],
    [
      'YAML 1.1 switch',
      'upstreams: { a: { kind: embedded, gpu: yes } }',
      ['1:40 upstreams.a.gpu: must be `true` or `false`'],
    ],
    ['list for a group', 'server:\n  - port: 1', ['1:1 server: must be a group of keys']],
    ['group for a list', 'models: { match: a }', ['1:1 models: must be a list']],
    ['list at the root', '- server', ['1:1 : must be a group of keys']],
    ['text at the root', 'server', ['1:1 : must be a group of keys']],
    [
      'empty section',
      'server:\nlog: { level: info }',
      ['1:1 server: has no value; give it one, or remove the key'],
    ],
    ['empty value', 'auth:\n  mode:\n', ['2:3 auth.mode: has no value']],
    [
      'host with port',
      'server: { host: "localhost:80" }',
      ['1:17 server.host: must be a host name or an IP address'],
    ],
    ['empty host', 'server: { host: "" }', ['1:17 server.host: must be a host name']],
    ['host with brackets', 'server: { host: "[::1]" }', ['1:17 server.host: must be a host name']],
    [
      'http model',
      'upstreams: { a: { kind: embedded, model: "http://x/y.gguf" } }',
      ['1:42 upstreams.a.model: must be a catalogue name'],
    ],
    ['no kind', 'upstreams:\n  a:\n    slots: 1', ['2:3 upstreams.a.kind: is missing']],
    [
      'unknown kind',
      'upstreams:\n  a: { kind: embeded }',
      [
        '2:14 upstreams.a.kind: must be `embedded` or `vertex` or `gemini` or `vllm` or `tgi` or `sglang` or `llamacpp` or `ollama` or `openai`; did you mean `embedded`?',
      ],
    ],
    ['upstream without content', 'upstreams:\n  a:', ['2:3 upstreams.a: has no value']],
    [
      'upstream name',
      'upstreams:\n  "a b": { kind: embedded }',
      ['2:3 upstreams["a b"]: an upstream name has'],
    ],
    ['no upstream', 'upstreams: {}', ['1:1 upstreams: name at least one upstream']],
    [
      'endpoint id',
      'endpoints:\n  openapi: { upstream: local }',
      ['2:3 endpoints.openapi: an endpoint id has'],
    ],
    [
      'incomplete route',
      'models:\n  - match: a\n  - upstream: local',
      ['2:5 models[0].upstream: is missing', '3:5 models[1].match: is missing'],
    ],
    [
      'unknown upstream of a model',
      'models:\n  - { match: a, upstream: locl }',
      ['2:27 models[0].upstream: there is no upstream `locl`; did you mean `local`?'],
    ],
    [
      'prototype as upstream',
      'models: [{ match: a, upstream: constructor }]',
      ['1:32 models[0].upstream: there is no upstream `constructor`'],
    ],
    [
      'unknown upstream of an endpoint',
      'endpoints:\n  "1": { upstream: x }',
      ['2:20 endpoints.1.upstream: there is no upstream `x`'],
    ],
    [
      'several upstreams without models',
      'log: { level: info }\nupstreams:\n  a: { kind: embedded }\n  b: { kind: embedded }',
      ['2:1 upstreams: there are several upstreams'],
    ],
    [
      'number as key',
      'auth:\n  mode: keys\n  keys:\n    - 1234567890123456',
      ['4:7 auth.keys[0]: must be text; put it in quotes'],
    ],
    [
      'key with a space',
      'auth: { mode: keys, keys: ["sixteen letters!"] }',
      ['1:28 auth.keys[0]: must consist of visible ASCII'],
    ],
    [
      'missing variable',
      'log: { level: info }\nauth:\n  mode: keys\n  keys: ["${NOT_SET}"]',
      ['4:11 auth.keys[0]: environment variable NOT_SET is not set'],
    ],
    [
      'missing variable in the middle',
      'upstreams:\n  a:\n    kind: embedded\n    model: >-\n      /models/\n      ${NOT_SET}',
      ['6:7 upstreams.a.model: environment variable NOT_SET is not set'],
    ],
    [
      'malformed reference',
      'server: { host: "${A-B}" }',
      ['1:18 server.host: `${` must be followed by a variable name'],
    ],
    [
      'missing variable of an unknown key',
      'typo: ${NOT_SET}',
      ['1:1 typo: unknown key', '1:7 typo: environment variable NOT_SET'],
    ],
    [
      'chat template',
      'upstreams:\n  a:\n    kind: embedded\n    chat_template: none.jinja',
      ['4:20 upstreams.a.chat_template: is neither a Jinja template'],
    ],
    ['prototype at the root', '__proto__: { server: 1 }', ['1:1 __proto__: this name cannot be used']],
    [
      'prototype as a name',
      'upstreams:\n  a: { kind: embedded }\n  __proto__: { kind: embedded }',
      ['3:3 upstreams.__proto__: this name cannot be used'],
    ],
    [
      'key given twice',
      'server:\n  port: 1\n  port: 2\nbanana: 1',
      ['3:3 server.port: is given twice', '4:1 banana: unknown key'],
    ],
    ['tab', 'server:\n\tport: 1', ['2:1 : a tab indents this line']],
    [
      'unquoted variable in braces',
      'log: { level: info }\nserver: { port: ${PORT} }',
      ['2:18 : YAML does not expect this here'],
    ],
    ['open bracket', 'models: [', ['1:10 : YAML: Flow sequence']],
    ['open quote', 'server:\n  host: "x', ['2:11 : YAML: Missing closing']],
    [
      'two documents',
      'log: { level: info }\n---\nlog: { level: warn }',
      ['2:1 : a second document starts here'],
    ],
    ['tag', 'server: { host: !!binary hi }', ['1:17 : tags such as `!!binary` are not supported']],
    ['list as a key', '? [a]\n: b', ['1:3 : a key must be text']],
    ['undefined alias', 'server: *nothing', ['1:9 server: there is no anchor of this name above']],
    ['endless alias', 'server: &s [*s]', ['1:1 server: must be a group of keys']],
    ['deep nesting', '['.repeat(20_000), ['1:']],
  ])('%s', (_, text, problems) => {
    expect(beginnings(problemsOf(text), problems)).toEqual(problems);
  });

  it('never prints a key', () => {
    const error = failure(() =>
      files.load('auth: { mode: keys, keys: [s3cret, "s3cret s3cret s3cret", "${K}"] }', { K: 's3cret' }),
    );
    expect(error.problems).toHaveLength(3);
    expect(error.format() + error.message + JSON.stringify(error)).not.toContain('s3cret');
  });

  it('reports everything at once, in the order of the file', () => {
    const text = `
log: { level: loud }
auth: { mode: locl }
upstreams:
  a: { kind: vlm }
  b: { kind: embedded, slots: 0, colour: red }
models:
  - { match: "*", upstream: c }
  - { match: 5, upstream: b }
server: { port: "\${NOT_SET}" }
`;
    const expected = [
      '2:15 log.level:',
      '3:15 auth.mode:',
      '5:14 upstreams.a.kind:',
      '6:31 upstreams.b.slots:',
      '6:34 upstreams.b.colour:',
      '8:29 models[0].upstream:',
      '9:14 models[1].match:',
      '10:18 server.port: environment variable NOT_SET',
      '-:- HOST:',
      '-:- PORT:',
      '-:- PARLANCE_LOG_LEVEL: must be `trace`',
    ];
    expect(
      beginnings(problemsOf(text, { PORT: 'x', HOST: 'a b', PARLANCE_LOG_LEVEL: 'inf' }), expected),
    ).toEqual(expected);
  });

  it('stops an alias bomb', () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(9)}]`,
    );
    const text = ['a0: &a0 [x]', ...levels].join('\n');
    expect(problemsOf(text)).toEqual([expect.stringMatching(/^1:1 : aliases .* repeat too much/)]);
  });

  it('answers any text with a configuration or a ConfigError inside the file', () => {
    const piece = fc.constantFrom(
      'server',
      'port',
      'auth',
      'mode',
      'keys',
      'upstreams',
      'models',
      'a',
      '1',
      'null',
      ': ',
      ':\n  ',
      '\n',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '&a ',
      '*a',
      '!!str ',
      '${A}',
      '${B}',
      '$',
      '#',
      ', ',
      '|',
      '>',
      '?',
      '\t',
      '\r\n',
      '__proto__',
      '<<',
      '---\n',
      '%',
      'é',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
        const text = pieces.join('');
        const lineCount = text.split('\n').length;
        // Throws for anything but a ConfigError, which fails the property.
        const lines =
          attempt(() => files.load(text, { A: 'x' }))?.problems.map(({ line }) => line ?? 0) ?? [];
        expect(lines.filter((line) => line < 1 || line > lineCount)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
