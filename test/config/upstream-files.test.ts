import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_UPSTREAM } from '../../src/config/schema.ts';
import { resolveUpstreamFiles } from '../../src/config/upstream-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'parlance-upstream-'));
writeFileSync(join(folder, 'chat.jinja'), '{{ messages }} ${NOT_A_VARIABLE}');
afterAll(() => rmSync(folder, { recursive: true }));

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
    expect(resolveUpstreamFiles({ ...DEFAULT_UPSTREAM, model }, folder).upstream.model).toBe(expected);
  });
});

describe('chat_template', () => {
  it.each([
    ['{{ messages[0].content }}', '{{ messages[0].content }}'],
    ['{% for m in messages %}{% endfor %}', '{% for m in messages %}{% endfor %}'],
    ['chat.jinja', '{{ messages }} ${NOT_A_VARIABLE}'],
    [join(folder, 'chat.jinja'), '{{ messages }} ${NOT_A_VARIABLE}'],
  ])('%j is the template %j', (template, expected) => {
    const { upstream, problems } = resolveUpstreamFiles(
      { ...DEFAULT_UPSTREAM, chat_template: template },
      folder,
    );
    expect(upstream.chat_template).toBe(expected);
    expect(problems).toEqual([]);
  });

  it.each(['absent.jinja', '.', 'chatml'])('%j is neither template nor file', (template) => {
    const { problems } = resolveUpstreamFiles({ ...DEFAULT_UPSTREAM, chat_template: template }, folder);
    expect(problems).toEqual([{ key: 'chat_template', message: expect.stringContaining('neither') }]);
  });
});
