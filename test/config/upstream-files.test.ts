import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { UpstreamProblem } from '../../src/config/complete-upstream.ts';
import { resolveUpstreamFiles } from '../../src/config/upstream-files.ts';
import { DEFAULT_UPSTREAM, type FileUpstream, upstreamSchema } from '../../src/config/upstream-schemas.ts';

const folder = mkdtempSync(join(tmpdir(), 'parlance-upstream-'));
writeFileSync(join(folder, 'chat.jinja'), '{{ messages }} ${NOT_A_VARIABLE}');
writeFileSync(join(folder, 'key.json'), '{}');
afterAll(() => rmSync(folder, { recursive: true }));

function resolve(upstream: FileUpstream): { upstream: FileUpstream; problems: UpstreamProblem[] } {
  const problems: UpstreamProblem[] = [];
  return { upstream: resolveUpstreamFiles(upstream, folder, (problem) => problems.push(problem)), problems };
}

describe('model', () => {
  it.each([
    ['smollm2-135m-instruct', 'smollm2-135m-instruct'],
    ['https://example.com/a/b.gguf', 'https://example.com/a/b.gguf'],
    ['./m.gguf', join(folder, 'm.gguf')],
    ['m.gguf', join(folder, 'm.gguf')],
    ['M.GGUF', join(folder, 'M.GGUF')],
    ['sub/model', join(folder, 'sub/model')],
    ['/models/m.gguf', '/models/m.gguf'],
    ['~/m.gguf', join(homedir(), 'm.gguf')],
  ])('%s is %s', (model, expected) => {
    expect(resolve({ ...DEFAULT_UPSTREAM, model }).upstream).toMatchObject({ model: expected });
  });
});

describe('chat_template', () => {
  it.each([
    ['{{ messages[0].content }}', '{{ messages[0].content }}'],
    ['{% for m in messages %}{% endfor %}', '{% for m in messages %}{% endfor %}'],
    ['chat.jinja', '{{ messages }} ${NOT_A_VARIABLE}'],
    [join(folder, 'chat.jinja'), '{{ messages }} ${NOT_A_VARIABLE}'],
  ])('%j is the template %j', (template, expected) => {
    const { upstream, problems } = resolve({ ...DEFAULT_UPSTREAM, chat_template: template });
    expect(upstream).toMatchObject({ chat_template: expected });
    expect(problems).toEqual([]);
  });

  it.each(['absent.jinja', '.', 'chatml'])('%j is neither template nor file', (template) => {
    expect(resolve({ ...DEFAULT_UPSTREAM, chat_template: template }).problems).toEqual([
      { key: 'chat_template', message: expect.stringContaining('neither') },
    ]);
  });
});

const vertex = (credentials: string) => resolve(upstreamSchema.parse({ kind: 'vertex', credentials }));

describe('credentials', () => {
  it.each([
    ['adc', 'adc'],
    ['key.json', join(folder, 'key.json')],
    [join(folder, 'key.json'), join(folder, 'key.json')],
  ])('%s are %s', (credentials, expected) => {
    expect(vertex(credentials)).toMatchObject({ upstream: { credentials: expected }, problems: [] });
  });

  it.each(['absent.json', '.', 'ADC'])('%s is no file', (credentials) => {
    expect(vertex(credentials).problems).toEqual([
      { key: 'credentials', message: expect.stringContaining('neither `adc` nor the path') },
    ]);
  });

  it.each(['vertex', 'gemini'])('of a %s upstream without a path need no file', (kind) => {
    const upstream = upstreamSchema.parse({ kind });
    expect(resolve(upstream)).toEqual({ upstream, problems: [] });
  });
});
