import { describe, expect, it } from 'vitest';
import { failure, temporaryFiles } from './temporary-files.ts';

const files = temporaryFiles();

/** A configuration with these upstreams, one a line from line 2 on; each `fallback` begins in column 32. */
const withUpstreams = (upstreams: Record<string, string>) =>
  [
    'upstreams:',
    ...Object.entries(upstreams).map(
      ([name, fallback]) => `  ${name}: { kind: ollama, fallback: ${fallback} }`,
    ),
  ].join('\n');

describe('fallback', () => {
  it('is on every kind, and a list of groups once it is loaded', () => {
    const { upstreams } = files.load(
      `
upstreams:
  server: { kind: vllm, base_url: "http://a", fallback: [gemini, { upstream: local, model: small }] }
  gemini: { kind: gemini, api_key: k, fallback: [{ upstream: local }] }
  vertex: { kind: vertex, fallback: ["\${NAME}"] }
  local: { kind: embedded, fallback: [ollama] }
  ollama: { kind: ollama }
models: []
`,
      { NAME: 'local' },
    );
    const fallbacks = Object.entries(upstreams).map(([name, { fallback }]) => [name, fallback]);
    expect(Object.fromEntries(fallbacks)).toEqual({
      server: [{ upstream: 'gemini' }, { upstream: 'local', model: 'small' }],
      gemini: [{ upstream: 'local' }],
      vertex: [{ upstream: 'local' }],
      local: [{ upstream: 'ollama' }],
      ollama: [],
    });
  });

  it('may try other models of the same upstream', () => {
    const list = '[{ upstream: b, model: x }, { upstream: b, model: y }, b]';
    expect(files.load(withUpstreams({ a: list, b: '[]' }), {}).upstreams['a']?.fallback).toHaveLength(3);
  });

  it.each<[name: string, upstreams: Record<string, string>, problems: string[]]>([
    [
      'an unknown name',
      { a: '[gemini]', gemin: '[]' },
      ['2:33 upstreams.a.fallback[0]: there is no upstream `gemini`; did you mean `gemin`?'],
    ],
    [
      'an unknown name in a group',
      { a: '[b, { upstream: c, model: x }]', b: '[]' },
      ['2:48 upstreams.a.fallback[1].upstream: there is no upstream `c`; known are `a`, `b`'],
    ],
    [
      'a prototype',
      { a: '[constructor]' },
      ['2:33 upstreams.a.fallback[0]: there is no upstream `constructor`'],
    ],
    [
      'itself',
      { a: '[{ upstream: a, model: x }]' },
      ['2:45 upstreams.a.fallback[0].upstream: `a` is this upstream itself; remove it'],
    ],
    [
      'a name twice',
      { a: '[b, c, { upstream: b }]', b: '[]', c: '[]' },
      ['2:51 upstreams.a.fallback[2].upstream: `b` stands in this list already; remove one'],
    ],
    [
      'a circle of two',
      { a: '[b]', b: '[a]' },
      ['3:33 upstreams.b.fallback[0]: closes a circle, `a` -> `b` -> `a`; remove one of these fallbacks'],
    ],
    [
      'a circle of three, beside what is right',
      { a: '[b, d]', b: '[c]', c: '[d, { upstream: a }]', d: '[]' },
      ['4:48 upstreams.c.fallback[1].upstream: closes a circle, `a` -> `b` -> `c` -> `a`'],
    ],
    [
      'two circles',
      { a: '[b]', b: '[a]', c: '[d]', d: '[c]' },
      ['3:33 upstreams.b.fallback[0]: closes a circle', '5:33 upstreams.d.fallback[0]: closes a circle'],
    ],
    [
      'no list',
      { a: 'b', b: '[]' },
      ['1:1 upstreams: there are several', '2:32 upstreams.a.fallback: must be a list'],
    ],
    [
      'a number',
      { a: '[1]' },
      [
        '2:33 upstreams.a.fallback[0]: must be the name of an upstream, or `{ upstream: NAME, model: MODEL }`',
      ],
    ],
    [
      'a wrong group',
      { a: '[{ upstream: b, modle: x }, { model: y }]', b: '[]' },
      [
        '2:48 upstreams.a.fallback[0].modle: unknown key; did you mean `model`?',
        '2:60 upstreams.a.fallback[1].upstream: is missing',
      ],
    ],
    [
      'an empty model',
      { a: '[{ upstream: b, model: "" }]', b: '[]' },
      ['2:55 upstreams.a.fallback[0].model: must not be empty'],
    ],
  ])('refuses %s', (_, upstreams, problems) => {
    const found = failure(() => files.load(withUpstreams(upstreams), {})).problems.map(
      ({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`,
    );
    expect(found.map((problem, index) => problem.slice(0, problems[index]?.length))).toEqual(problems);
  });

  it('finds an alias of its own upstream', () => {
    const text = 'upstreams:\n  a: &a { kind: ollama, fallback: [b] }\n  b: *a\nmodels: []';
    expect(failure(() => files.load(text, {})).problems).toMatchObject([
      { path: 'upstreams.b.fallback[0]', line: 2, message: expect.stringContaining('itself') },
    ]);
  });
});

describe('one upstream with its fallbacks', () => {
  it.each<[upstreams: string, models: string[], endpoints: object]>([
    ['a: { kind: ollama }', ['*>a'], { '*': { upstream: 'a' } }],
    ['a: { kind: ollama, fallback: [b] }, b: { kind: embedded }', ['*>a'], { '*': { upstream: 'a' } }],
    [
      'c: { kind: gemini, api_key: k }, b: { kind: embedded, fallback: [c] }, a: { kind: ollama, fallback: [b] }',
      ['*>a'],
      { '*': { upstream: 'a' } },
    ],
    ['a: { kind: vertex, fallback: [b] }, b: { kind: ollama }', ['*>a'], {}],
  ])('%s serves models %j and endpoints %j', (upstreams, models, endpoints) => {
    const config = files.load(`upstreams: { ${upstreams} }`, {});
    expect(config.models.map(({ match, upstream }) => `${match}>${upstream}`)).toEqual(models);
    expect({ ...config.endpoints }).toEqual(endpoints);
  });

  it('leaves several that are no fallbacks to the file', () => {
    const upstreams = 'a: { kind: ollama, fallback: [c] }, b: { kind: ollama }, c: { kind: ollama }';
    expect(failure(() => files.load(`upstreams: { ${upstreams} }`, {})).problems).toMatchObject([
      { path: 'upstreams', message: expect.stringContaining('there are several upstreams') },
    ]);
    expect(files.load(`upstreams: { ${upstreams} }\nmodels: []`, {})).toMatchObject({
      models: [],
      endpoints: {},
    });
  });
});
