import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { receiptOf } from '../../src/cli/commands/explain-receipt.ts';
import { runExplainCommand } from '../../src/cli/commands/explain.ts';
import type { ChatCompletionRequest } from '../../src/wire/openai/request.ts';

const root = mkdtempSync(join(tmpdir(), 'parlance-explain-'));
afterAll(() => rmSync(root, { recursive: true }));

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(root, 'case-'));
});

const CONFIG = `
upstreams:
  vertex: { kind: vertex, project: my-project, location: eu, access_token: ya29.S3CRET }
  adc: { kind: vertex }
  express: { kind: vertex, api_key: S3CRET-EXPRESS }
  devapi: { kind: gemini, api_key: S3CRET-KEY, base_url: "http://127.0.0.1:9/proxy" }
  local: { kind: embedded }
  seeing: { kind: embedded, model: smolvlm-256m-instruct }
  llama:
    kind: ollama
    base_url: ["http://10.0.0.5:11434", "http://10.0.0.6:11434"]
    capabilities: { tools: false }
  gemma: { kind: vllm, base_url: "https://host/vllm/v1", model: gemma-2, api_key: S3CRET-VLLM, headers: { X-Team: S3CRET-TEAM } }
models:
  - { match: "google/gemini-*-pro", upstream: devapi }
  - { match: "google/gemini-*", upstream: vertex }
  - { match: "small", upstream: local }
  - { match: "seeing", upstream: seeing }
  - { match: "llama*", upstream: llama }
  - { match: "gemma*", upstream: gemma }
`;

const HELLO = { model: 'google/gemini-2.5-flash', messages: [{ role: 'user', content: 'Hello' }] };

interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

async function run(args: readonly string[], body = '', env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const exitCode = await runExplainCommand(args, {
    stdin: (async function* () {
      yield Buffer.from(body);
    })(),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    // No credentials of the machine that tests run on.
    env: { CLOUDSDK_CONFIG: cwd, ...env },
    cwd,
  });
  return { exitCode, stdout, stderr };
}

/** With {@link CONFIG}, as JSON. */
async function explain(request: object, ...args: string[]): Promise<{ exitCode: number; output: unknown }> {
  writeFileSync(join(cwd, 'parlance.yaml'), CONFIG);
  const { exitCode, stdout, stderr } = await run(['-', '--json', ...args], JSON.stringify(request));
  expect(stderr).toBe('');
  expect(stdout).not.toContain('S3CRET');
  return { exitCode, output: JSON.parse(stdout) };
}

describe('a request to Gemini', () => {
  it.each<[change: object, args: string[], upstream: string, url: string, headers: object]>([
    [
      {},
      [],
      'vertex',
      'https://aiplatform.eu.rep.googleapis.com/v1/projects/my-project/locations/eu/publishers/google/models/gemini-2.5-flash:generateContent',
      { authorization: 'Bearer (secret)' },
    ],
    [
      { model: 'models/gemini-2.5-pro', stream: true },
      [],
      'devapi',
      'http://127.0.0.1:9/proxy/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse',
      { 'x-goog-api-key': '(secret)' },
    ],
    [
      { model: undefined },
      ['--model', 'gemini-3-pro'],
      'devapi',
      'http://127.0.0.1:9/proxy/v1beta/models/gemini-3-pro:generateContent',
      { 'x-goog-api-key': '(secret)' },
    ],
    [
      {},
      ['--upstream', 'express'],
      'express',
      'https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-flash:generateContent',
      { 'x-goog-api-key': '(secret)' },
    ],
    [
      {},
      ['--upstream', 'adc'],
      'adc',
      'https://us-central1-aiplatform.googleapis.com/v1/projects/PROJECT/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent',
      { authorization: 'Bearer (secret)' },
    ],
  ])('%j with %j goes to %s', async (change, args, upstream, url, headers) => {
    const { exitCode, output } = await explain({ ...HELLO, ...change }, ...args);
    expect(exitCode).toBe(0);
    expect(output).toMatchObject({
      outcome: 'sent',
      upstream: { name: upstream },
      request: {
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', ...headers },
        body: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] },
      },
    });
  });

  it.each([
    ['adc', ['PROJECT stands for the project of the credentials.']],
    ['vertex', []],
    ['express', []],
    ['devapi', []],
  ])('to %s comes with the notes %j', async (upstream, notes) => {
    expect((await explain(HELLO, '--upstream', upstream)).output).toMatchObject({ notes });
  });

  it('has a receipt of every field', async () => {
    const { output } = await explain({
      ...HELLO,
      temperature: 0.5,
      metadata: { a: 'b' },
      made_up: 1,
      reasoning_effort: 'max',
      google: { topK: 4 },
    });
    const { receipt } = output as { receipt: { field: string; outcome: string }[] };
    expect(receipt.map(({ field, outcome }) => `${field} ${outcome}`)).toEqual([
      'extra_body.google.top_k mapped',
      'made_up ignored',
      'messages[].content mapped',
      'messages[].role mapped',
      'metadata accepted',
      'model mapped',
      'reasoning_effort.max clamped',
      'temperature mapped',
    ]);
  });

  it('says that a signature is made up', async () => {
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
    const { output } = await explain({
      model: 'gemini-3-pro',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c', content: 'ok' },
      ],
      tools: [{ type: 'function', function: { name: 'f' } }],
    });
    expect(output).toMatchObject({ notes: [expect.stringContaining('dummy')] });
  });
});

describe('a request to the embedded engine', () => {
  it('has a plan without prompt', async () => {
    const { exitCode, output } = await explain({
      ...HELLO,
      model: 'small',
      n: 2,
      max_tokens: 7,
      stop: 'x',
      response_format: { type: 'json_object' },
      service_tier: 'flex',
    });
    expect(exitCode).toBe(0);
    expect(output).toMatchObject({
      upstream: { name: 'local', kind: 'embedded' },
      model: 'smollm2-135m-instruct',
      plan: {
        choices: 2,
        maxTokens: 7,
        stop: ['x'],
        sampling: { topK: 40, seed: 'random' },
        grammar: { text: expect.stringContaining('root ::=') },
      },
    });
    expect(output).not.toHaveProperty('plan.prompt');
    expect(output).not.toHaveProperty('request');
    const { receipt } = output as { receipt: { field: string; outcome: string }[] };
    expect(receipt.find(({ field }) => field === 'service_tier')?.outcome).toBe('ignored');
  });

  it('shows the seed that was asked for', async () => {
    const { output } = await explain({ ...HELLO, model: 'small', seed: 5 });
    expect(output).toMatchObject({ plan: { sampling: { seed: 5 } } });
  });
});

describe('a request to a model server', () => {
  it('is shown as it is sent, without secrets', async () => {
    const { exitCode, output } = await explain({ ...HELLO, model: 'gemma', seed: 5, nonsense: [1] });
    expect(exitCode).toBe(0);
    expect(output).toEqual({
      outcome: 'sent',
      upstream: { name: 'gemma', kind: 'vllm' },
      model: 'gemma-2',
      request: {
        method: 'POST',
        url: 'https://host/vllm/v1/chat/completions',
        headers: {
          'content-type': 'application/json',
          'X-Team': '(secret)',
          authorization: 'Bearer (secret)',
        },
        body: { ...HELLO, model: 'gemma-2', seed: 5, nonsense: [1] },
      },
      receipt: [
        { field: 'messages', outcome: 'relayed', count: 1, note: '' },
        { field: 'model', outcome: 'set', count: 1, note: '"gemma-2", as the server knows it' },
        { field: 'nonsense', outcome: 'relayed', count: 1, note: '' },
        { field: 'seed', outcome: 'relayed', count: 1, note: '' },
      ],
      notes: [],
    });
  });

  it('says what was changed for this kind of server, and what is not known yet', async () => {
    const { output } = await explain({
      model: 'llama3',
      messages: [{ role: 'developer', content: 'Be brief.' }],
      max_completion_tokens: 5,
      google: { cached_content: 'x' },
      extra_body: { top_k: 5 },
    });
    expect(output).toMatchObject({
      model: 'llama3',
      request: {
        url: 'http://10.0.0.5:11434/v1/chat/completions',
        headers: { 'content-type': 'application/json' },
        body: {
          model: 'llama3',
          messages: [{ role: 'system', content: 'Be brief.' }],
          max_completion_tokens: 5,
          top_k: 5,
          max_tokens: 5,
        },
      },
      notes: [
        'Any of the 2 replicas may be asked; the first one stands here.',
        'The configuration names no model: a running server asks for the list of models first.',
      ],
    });
    const { receipt } = output as { receipt: { field: string; outcome: string }[] };
    expect(receipt.map(({ field, outcome }) => `${field} ${outcome}`)).toEqual([
      'extra_body.top_k lifted',
      'google removed',
      'max_completion_tokens relayed',
      'max_tokens set',
      'messages relayed',
      'messages[0].role rewritten',
      'model relayed',
    ]);
  });

  it('that names no model is asked for the one the server has', async () => {
    const { output } = await explain({ messages: HELLO.messages }, '--upstream', 'llama');
    expect(output).toMatchObject({
      model: 'the model the server has',
      request: { body: { messages: HELLO.messages } },
    });
  });

  it('may name its model on the command line', async () => {
    const { output } = await explain({ messages: HELLO.messages }, '--model', 'llama3');
    expect(output).toMatchObject({ model: 'llama3', request: { body: { model: 'llama3' } } });
  });
});

const image = (url: string) => ({ type: 'image_url', image_url: { url } });

describe('media that requests refer to', () => {
  it.each<[model: string, url: string, sent: object, isNoted: boolean]>([
    [
      'google/gemini-2.5-pro',
      'gs://b/o.png',
      { inlineData: { mimeType: 'image/png', data: 'FetchedWhenSent0' } },
      true,
    ],
    [
      'google/gemini-2.5-pro',
      'https://a/o.jpg?X-Goog-Signature=S3CRET',
      { inlineData: { mimeType: 'image/jpeg', data: 'FetchedWhenSent0' } },
      true,
    ],
    [
      'google/gemini-2.5-flash',
      'gs://b/o.png',
      { fileData: { mimeType: 'image/png', fileUri: 'gs://b/o.png' } },
      false,
    ],
    ['gemma', 'gs://b/o.png', image('data:image/png;base64,FetchedWhenSent0'), true],
    ['gemma', 'https://a/o.png', image('https://a/o.png'), false],
    ['llama3', 'https://a/o', image('data:application/octet-stream;base64,FetchedWhenSent0'), true],
  ])('for %s: %s', async (model, url, sent, isNoted) => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'What?' }, image(url)] }];
    const { exitCode, output } = await explain({ model, messages });
    expect(exitCode).toBe(0);
    const { request, notes } = output as { request: { body: object }; notes: string[] };
    expect(JSON.stringify(request.body)).toContain(JSON.stringify(sent));
    expect(notes.filter((note) => note.includes('is fetched when the request is sent'))).toHaveLength(
      Number(isNoted),
    );
    expect(notes.join()).not.toContain('S3CRET');
  });

  it('for an embedded model that takes media', async () => {
    const content = [
      image('gs://b/o.png'),
      { type: 'text', text: 'What?' },
      image('https://a/o?token=S3CRET'),
    ];
    const { exitCode, output } = await explain({ model: 'seeing', messages: [{ role: 'user', content }] });
    expect(exitCode).toBe(0);
    expect(output).toMatchObject({
      plan: {
        media: [
          { mimeType: 'image/png', path: 'messages[0].content[0]' },
          { mimeType: 'application/octet-stream', path: 'messages[0].content[2]' },
        ],
      },
      notes: [
        'gs://b/o.png is fetched when the request is sent.',
        'https://a/o is fetched when the request is sent.',
        expect.any(String) as string,
      ],
    });
  });

  it('for an embedded model that does not', async () => {
    const { output } = await explain({
      model: 'small',
      messages: [{ role: 'user', content: [image('gs://b/o.png')] }],
    });
    expect(output).toMatchObject({ outcome: 'refused', error: { code: 'unsupported_media' } });
  });
});

describe('a refused request', () => {
  it.each<[request: object, args: string[], error: object]>([
    [{ ...HELLO, n: 99, seed: 'x' }, [], { param: 'n', problems: [{ param: 'n' }, { param: 'seed' }] }],
    [{ messages: HELLO.messages }, [], { param: 'model', code: 'missing_required_parameter' }],
    [{ ...HELLO, logit_bias: { 1: 1 } }, [], { param: 'logit_bias', code: 'unsupported_parameter' }],
    [{ ...HELLO, audio: {} }, ['--upstream', 'local'], { code: expect.any(String) }],
    [{ ...HELLO, model: 'unknown' }, [], { param: 'model', code: 'model_not_found' }],
    [{ ...HELLO, model: 'meta/llama' }, ['--upstream', 'vertex'], { code: 'model_not_found' }],
    [{ model: 'gemma', messages: 'Hi' }, [], { param: 'messages', code: 'invalid_argument' }],
    [
      { ...HELLO, model: 'llama3', tools: [{ type: 'function', function: { name: 'f' } }] },
      [],
      { param: 'tools', code: 'unsupported_parameter' },
    ],
  ])('%j with %j', async (request, args, error) => {
    const { exitCode, output } = await explain(request, ...args);
    expect(exitCode).toBe(1);
    expect(output).toMatchObject({ outcome: 'refused', status: expect.any(Number), error });
  });

  it('is sent without the field where the configuration ignores it', async () => {
    writeFileSync(join(cwd, 'ignore.yaml'), `${CONFIG}compat: google\n`);
    const ignoring = await run(
      ['-', '--json', '--config', 'ignore.yaml'],
      JSON.stringify({ ...HELLO, logit_bias: { 1: 1 } }),
    );
    expect(ignoring.exitCode).toBe(0);
    expect(JSON.parse(ignoring.stdout)).toMatchObject({
      receipt: expect.arrayContaining([expect.objectContaining({ field: 'logit_bias', outcome: 'ignored' })]),
    });
  });

  it('is told to people with all its problems', async () => {
    const { exitCode, stdout } = await run(['-'], '{"model": "m", "messages": [], "n": 99}');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^Refused with 400 invalid_request_error:\n\n {2}messages: .+\n {2}n: .+\n$/);
  });

  it('may be no JSON at all', async () => {
    const { exitCode, stdout } = await run(['-'], '{"model": ');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('(invalid_json)');
  });
});

describe('the command line', () => {
  it('reads a file and writes for people', async () => {
    writeFileSync(join(cwd, 'request.json'), JSON.stringify(HELLO));
    const { exitCode, stdout } = await run(['request.json'], '', { GEMINI_API_KEY: 'S3CRET' });
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('S3CRET');
    const lines = stdout.split('\n');
    expect(lines.slice(0, 6)).toEqual([
      'Upstream gemini (gemini) answers with gemini-2.5-flash.',
      '',
      'POST https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent',
      'content-type: application/json',
      'x-goog-api-key: (secret)',
      '',
    ]);
    expect(lines.filter((line) => line.startsWith('  mapped'))).toHaveLength(3);
  });

  it.each([['--help'], ['-h'], ['-', '--help']])('explains itself on %j', async (...args) => {
    const { exitCode, stdout } = await run(args);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: parlance explain FILE/);
  });

  it.each<[args: string[], message: string]>([
    [[], 'Name one FILE'],
    [['a', 'b'], 'Name one FILE'],
    [['-', '--upstraem', 'x'], "Unknown option '--upstraem'"],
    [['absent.json'], 'absent.json cannot be read (ENOENT)'],
    [['-', '--config', 'absent.yaml'], 'absent.yaml  there is no such file'],
    [['-', '--upstream', 'lokal'], 'There is no upstream `lokal`; did you mean `local`?'],
    [['-', '--upstream', 'constructor'], 'There is no upstream `constructor`'],
  ])('%j is not understood', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(args, JSON.stringify(HELLO));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('refuses a chat template that is no Jinja', async () => {
    const config = 'upstreams: { local: { kind: embedded, chat_template: "{% if %}" } }';
    writeFileSync(join(cwd, 'parlance.yaml'), config);
    const { exitCode, stderr } = await run(['-'], JSON.stringify(HELLO));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('not valid Jinja');
  });
});

describe('receiptOf', () => {
  const messages: ChatCompletionRequest['messages'] = [
    { role: 'user', content: [{ type: 'text', text: 'a' }] },
    { role: 'user', content: [{ type: 'text', text: 'b' }] },
  ];

  it.each<[name: string, request: object, ignored: string[], expected: string[]]>([
    ['counts items of lists', {}, [], ['messages[].content[].text mapped 2']],
    [
      'takes what is ignored off the count',
      { messages: [...messages, { role: 'assistant', content: 'c', images: [] }] },
      ['messages[2].images'],
      ['messages[2].images ignored 1', 'messages[].role mapped 3'],
    ],
    [
      'finds Google’s keys in any place',
      { extra_body: { extra_body: { google: { top_k: 1 } } } },
      [],
      ['extra_body.google.top_k mapped 1'],
    ],
    ['leaves null out', { temperature: null, stop: ['a', 'b'] }, [], ['stop mapped 1']],
    [
      'accepts a harmless value of what may be refused',
      { verbosity: 'medium' },
      [],
      ['verbosity accepted 1'],
    ],
    ['names an empty object', { stream_options: {} }, [], ['stream_options mapped 1']],
    ['keeps unknown names', { constructor: 1 }, ['constructor'], ['constructor ignored 1']],
  ])('%s', (_, request, ignored, expected) => {
    const lines = receiptOf({ messages, ...request }, 'gemini', ignored).map(
      ({ field, outcome, count }) => `${field} ${outcome} ${count}`,
    );
    expect(lines).toEqual(expect.arrayContaining(expected));
    expect(lines.some((line) => line.startsWith('temperature'))).toBe(false);
    expect(new Set(lines).size).toBe(lines.length);
  });
});
