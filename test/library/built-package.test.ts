import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The package as npm would install it, as far as the library goes, in a folder of its own. */

const ROOT = join(import.meta.dirname, '../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, { types: string; default: string }>;
};
const ENTRIES = ['translate', 'wire'];
const page = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');

const folder = mkdtempSync(join(tmpdir(), 'parlance-library-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Compiles with a configuration of its own; the output is empty when nothing is wrong. */
function compile(name: string, configuration: object): string {
  const file = join(folder, `tsconfig.${name}.json`);
  writeFileSync(file, JSON.stringify(configuration));
  const { stdout, stderr } = spawnSync(process.execPath, [TSC, '-p', file], { encoding: 'utf8' });
  return stdout + stderr;
}

/** Runs a module inside the package, where it is known by its own name. @returns what its `result` holds */
function run(source: string): unknown {
  writeFileSync(join(folder, 'main.mjs'), `${source}\nprocess.stdout.write(JSON.stringify(result));`);
  return JSON.parse(execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' }));
}

beforeAll(() => {
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  const problems = compile('build', {
    extends: join(ROOT, 'tsconfig.build.json'),
    compilerOptions: {
      rootDir: join(ROOT, 'src'),
      outDir: join(folder, 'dist'),
      types: [],
      lib: ['ES2024', 'WebWorker'],
    },
    include: [],
    files: ENTRIES.map((entry) => join(ROOT, 'src', entry, 'index.ts')),
  });
  if (problems !== '') throw new Error(problems);
  mkdirSync(join(folder, 'docs'));
  for (const [index, [, code]] of [...page.matchAll(/```js\n([^]*?)```/g)].entries()) {
    writeFileSync(join(folder, `docs/${index}.mjs`), code!);
  }
});

describe('the manifest', () => {
  it.each(ENTRIES)('leads ./%s to a module and its types', (entry) => {
    const { types, default: module } = manifest.exports[`./${entry}`]!;
    expect(existsSync(join(folder, types))).toBe(true);
    expect(existsSync(join(folder, module))).toBe(true);
  });
});

describe('the types', () => {
  const consumer = `
    import { GeminiDecoder, type GeminiTranslation, toGeminiRequest } from 'parlance/translate';
    import { type ChatCompletionRequest, GatewayError, parseChatRequest } from 'parlance/wire';
    const { request, problems } = parseChatRequest({}, { modelRequired: true });
    if (problems !== undefined) throw new GatewayError('invalid_argument', problems[0]?.message ?? '');
    const checked: ChatCompletionRequest = request;
    const target = { upstream: 'vertex', model: 'gemini-2.5-pro' } as const;
    export const translation: GeminiTranslation = toGeminiRequest(checked, target, { unsupported: 'reject' });
    export const decoder = new GeminiDecoder({ toolNames: translation.toolNames });
    // @ts-expect-error there is no such upstream
    toGeminiRequest(checked, { upstream: 'google', model: 'm' }, { unsupported: 'reject' });
  `;

  it.each([
    { module: 'NodeNext', moduleResolution: 'NodeNext' },
    { module: 'ESNext', moduleResolution: 'Bundler' },
  ])('serve a strict consumer with %j', (resolution) => {
    writeFileSync(join(folder, 'consumer.mts'), consumer);
    const problems = compile('consumer', {
      compilerOptions: {
        ...resolution,
        strict: true,
        noEmit: true,
        types: [],
        target: 'ES2024',
        lib: ['ES2024'],
      },
      files: ['consumer.mts'],
    });
    expect(problems).toBe('');
  });
});

describe('the code in docs/library.md', () => {
  const recording = JSON.stringify(
    join(ROOT, 'test/recordings/gemini-developer/stream-text-gemini-2.5-flash-lite-02.json'),
  );
  const setup = `
    import { readFileSync } from 'node:fs';
    import { complete } from './docs/0.mjs';
    import { renderOptions } from './docs/1.mjs';
    import { stream } from './docs/2.mjs';
    import { toHttpAnswer } from './docs/3.mjs';
    const body = { model: 'gemini-2.5-flash', messages: [{ role: 'user', content: 'Hi' }], stream: true };
    const { sse } = JSON.parse(readFileSync(${recording}, 'utf8')).response;
    const messages = sse.split(/\\r?\\n\\r?\\n/).filter(Boolean).map((event) => JSON.parse(event.slice(5)));
    const text = messages.flatMap((message) => message.candidates[0].content?.parts ?? []).map(({ text }) => text).join('');
  `;

  it('answers a request', () => {
    const result = run(`${setup}
      let native;
      const send = async (request) => { native = request; return messages.at(-1); };
      const completion = await complete(body, send, renderOptions(body));
      const result = { native, completion };
    `);
    expect(result).toMatchObject({
      native: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
      completion: { object: 'chat.completion', choices: [{ finish_reason: 'stop' }] },
    });
  });

  it('streams an answer, byte by byte', () => {
    const result = run(`${setup}
      async function* bytes() { for (const byte of new TextEncoder().encode(sse)) yield Uint8Array.of(byte); }
      let output = '';
      for await (const piece of stream(bytes(), new Map(), renderOptions(body))) output += piece;
      const result = { text, events: output.trim().split('\\n\\n').map((event) => event.replace(/^data: /, '')) };
    `) as { text: string; events: string[] };
    expect(result.events.pop()).toBe('[DONE]');
    const chunks = result.events.map(
      (event) => JSON.parse(event) as { choices: { delta: { content?: string }; finish_reason: unknown }[] },
    );
    expect(result.text).not.toBe('');
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(result.text);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });

  it('answers failures with their status', () => {
    const result = run(`${setup}
      const refused = { ...body, logit_bias: { 1: 1 } };
      const attempts = [
        complete({ messages: [] }, undefined, renderOptions(body)),
        complete(refused, undefined, renderOptions(body)),
        complete(body, async () => ({}), renderOptions(body)),
      ];
      const result = await Promise.all(attempts.map((attempt) => attempt.catch(toHttpAnswer)));
    `);
    expect(result).toMatchObject([
      { status: 400, body: { error: { param: 'model' } } },
      { status: 400, body: { error: { param: 'logit_bias', code: 'unsupported_parameter' } } },
      { status: 502, body: { error: { code: 'empty_response' } } },
    ]);
  });
});
