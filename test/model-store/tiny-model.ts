import { createHash } from 'node:crypto';
import { devNull } from 'node:os';
import type { CatalogueModel, ModelSource } from '../../src/model-store/catalogue.ts';
import { zipArchive } from './zip-archive.ts';

/** Begins like a model; nothing here ever loads it. */
export const TINY_GGUF = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(60_000, 'weights ')]);

const TINY_WHEEL = zipArchive([
  { name: 'tiny_model/__init__.py', data: Buffer.from('') },
  { name: 'tiny_model/tiny.gguf', data: TINY_GGUF },
  {
    name: 'tiny_model-1.0.dist-info/METADATA',
    data: Buffer.from('Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Python: >=3.99\n'),
  },
  { name: 'tiny_model-1.0.dist-info/WHEEL', data: Buffer.from('Wheel-Version: 1.0\nTag: py3-none-any\n') },
  { name: 'tiny_model-1.0.dist-info/RECORD', data: Buffer.from('') },
]);

export const TINY_WHEEL_SOURCE: ModelSource = {
  kind: 'pypi-wheel',
  distribution: 'tiny-model',
  version: '1.0',
  wheelBytes: TINY_WHEEL.length,
  member: 'tiny_model/tiny.gguf',
};

export function tinyModel(
  sources: readonly ModelSource[],
  changes: Partial<CatalogueModel> = {},
): CatalogueModel {
  return {
    name: 'tiny',
    file: 'tiny.gguf',
    bytes: TINY_GGUF.length,
    sha256: createHash('sha256').update(TINY_GGUF).digest('hex'),
    licence: 'MIT',
    contextLength: 64,
    note: 'For tests.',
    sources,
    ...changes,
  };
}

/** Both faces of a package index with one package: its JSON API, and the pages pip reads (PEP 503). */
export function tinyIndex(origin: string): Record<string, Buffer> {
  const wheel = '/files/tiny_model-1.0-py3-none-any.whl';
  const release = {
    urls: [
      { packagetype: 'sdist', url: `${origin}/files/tiny.tar.gz` },
      { packagetype: 'bdist_wheel', url: `${origin}${wheel}` },
    ],
  };
  return {
    [wheel]: TINY_WHEEL,
    '/pypi/tiny-model/1.0/json': Buffer.from(JSON.stringify(release)),
    '/simple/tiny-model/': Buffer.from(
      `<!DOCTYPE html><html><body><a href="${wheel}">tiny_model-1.0-py3-none-any.whl</a></body></html>`,
    ),
  };
}

/** This process's environment with a pip that knows one index and no configuration of this machine. */
export function pipEnvironment(indexUrl: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('PIP_'));
  return {
    ...Object.fromEntries(own),
    PIP_CONFIG_FILE: devNull,
    PIP_INDEX_URL: indexUrl,
    PIP_NO_CACHE_DIR: '1',
    PIP_RETRIES: '0',
    NO_PROXY: '127.0.0.1',
    no_proxy: '127.0.0.1',
  };
}
