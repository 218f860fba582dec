import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, DEFAULT_MODEL_NAME } from '../../src/model-store/catalogue.ts';
import { resolveModel, shownModelName } from '../../src/model-store/resolve-model.ts';

function fileOf(url: string): string | undefined {
  const reference = resolveModel(url, []);
  return reference?.kind === 'managed' ? reference.model.file : undefined;
}

describe('resolveModel', () => {
  it.each<[string, unknown]>([
    ['/models/a.gguf', { kind: 'path', path: '/models/a.gguf' }],
    ['./a.gguf', { kind: 'path', path: resolve('a.gguf') }],
    ['sub/a', { kind: 'path', path: resolve('sub/a') }],
    ['mine.gguf', { kind: 'unmanaged', candidates: ['mine.gguf'] }],
    ['mine', { kind: 'unmanaged', candidates: ['mine', 'mine.gguf'] }],
    ['', undefined],
    ['..', undefined],
    ['.hidden', undefined],
    ['two words', undefined],
    ['https://example.com/readme.html', undefined],
    ['https://', undefined],
  ])('reads %j', (name, expected) => {
    expect(resolveModel(name, CATALOGUE)).toEqual(expected);
  });

  it('prefers the catalogue', () => {
    expect(resolveModel(DEFAULT_MODEL_NAME, CATALOGUE)).toEqual({ kind: 'managed', model: CATALOGUE[0] });
  });

  it('gives a URL a file name that neither its query nor its user changes', () => {
    const plain = fileOf('https://example.com/a/Model-Q4.gguf');
    expect(plain).toMatch(/^Model-Q4-[0-9a-f]{8}\.gguf$/);
    expect(fileOf('https://user:secret@example.com/a/Model-Q4.gguf?token=1')).toBe(plain);
  });

  it('keeps files of one name from two places apart', () => {
    expect(fileOf('https://example.com/a/m.gguf')).not.toBe(fileOf('https://example.com/b/m.gguf'));
  });

  it.each([
    'https://example.com/..%2f..%2fetc.gguf',
    'https://example.com/a%00b.gguf',
    'https://example.com/a b.gguf',
  ])('makes a harmless file name of %s', (url) => {
    expect(fileOf(url)).toMatch(/^[\w.-]+-[0-9a-f]{8}\.gguf$/);
  });

  it('shows a URL without its secrets', () => {
    const reference = resolveModel('https://user:secret@example.com/m.gguf?token=1', []);
    expect(reference).toMatchObject({ model: { name: 'https://example.com/m.gguf' } });
  });
});

describe('shownModelName', () => {
  it.each([
    ['smollm2-135m-instruct', 'smollm2-135m-instruct'],
    ['/models/what?.gguf', '/models/what?.gguf'],
    ['https://example.com/a/m.gguf', 'https://example.com/a/m.gguf'],
    ['https://example.com/m.gguf?X-Goog-Signature=s3cret#s3cret', 'https://example.com/m.gguf'],
    ['https://user:s3cret@example.com/m.gguf', 'https://example.com/m.gguf'],
    ['HTTPS://s3cret@example.com:8443?s3cret', 'HTTPS://example.com:8443'],
    ['https://user:s3 cret@example.com/m.gguf?\ns3cret', 'https://example.com/m.gguf'],
  ])('shows %j as %j', (name, shown) => {
    expect(shownModelName(name)).toBe(shown);
  });
});

describe('CATALOGUE', () => {
  it('has unique names and files', () => {
    expect(new Set(CATALOGUE.map(({ name }) => name)).size).toBe(CATALOGUE.length);
    expect(new Set(CATALOGUE.map(({ file }) => file)).size).toBe(CATALOGUE.length);
  });

  it.each(CATALOGUE)('$name can be fetched and checked', (model) => {
    expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(model.bytes).toBeGreaterThan(1_000_000);
    expect(model.sources.length).toBeGreaterThan(0);
    const urls = model.sources.filter((source) => source.kind === 'url').map(({ url }) => url);
    for (const url of urls) expect(url).toMatch(/^https:\/\/\S+\.gguf$/);
  });
});
