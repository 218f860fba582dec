import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { downloadFile } from '../../src/model-store/download-file.ts';
import type { Transport } from '../../src/model-store/http-get.ts';
import type { Fault, FileServer, FileServerOptions } from './file-server.ts';
import { startFileServer } from './file-server.ts';

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
const OTHER = Buffer.from(CONTENT.map((byte) => byte ^ 0xff));

let directory: string;
let path: string;
let log: string[];
let dispatcher: Agent;
let server: FileServer | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parlance-download-'));
  path = join(directory, 'model.partial');
  log = [];
  dispatcher = new Agent();
  server = undefined;
});

afterEach(async () => {
  await dispatcher.destroy();
  await server?.close();
  await rm(directory, { recursive: true });
});

function transport(): Transport {
  return { dispatcher, stallMilliseconds: 300, retryDelayMilliseconds: 1, log: (line) => log.push(line) };
}

const hasStored = (bytes: number): boolean =>
  (statSync(path, { throwIfNoEntry: false })?.size ?? -1) >= bytes;

async function serve(options: Partial<FileServerOptions> = {}): Promise<FileServer> {
  server = await startFileServer({ files: { '/model': CONTENT }, hasStored, ...options });
  return server;
}

interface Progress {
  readonly received: number;
  readonly total: number | undefined;
}

async function download(url: string, extra: { expectedBytes?: number } = {}): Promise<Progress[]> {
  const progress: Progress[] = [];
  await downloadFile(
    {
      url,
      path,
      signal: new AbortController().signal,
      ...extra,
      onBytes: (received, total) => progress.push({ received, total }),
    },
    transport(),
  );
  return progress;
}

const CUT: Fault = { kind: 'cut', afterBytes: 100_000 };

describe('downloadFile', () => {
  it('writes the file and reports progress up to its size', async () => {
    const { origin, requests } = await serve();
    const progress = await download(`${origin}/model`, { expectedBytes: CONTENT.length });
    expect(CONTENT.equals(await readFile(path))).toBe(true);
    expect(progress[0]).toEqual({ received: 0, total: CONTENT.length });
    expect(progress.at(-1)).toEqual({ received: CONTENT.length, total: CONTENT.length });
    expect(requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity' });
    expect(requests[0]?.headers.range).toBeUndefined();
  });

  it.each<[string, Fault[], (string | undefined)[]]>([
    ['a cut connection', [CUT], [undefined, 'bytes=100000-']],
    ['a cut at the first byte', [{ kind: 'cut', afterBytes: 0 }], [undefined, undefined]],
    ['two cuts in a row', [CUT, CUT], [undefined, 'bytes=100000-', 'bytes=200000-']],
    ['a stall', [{ kind: 'stall', afterBytes: 50_000 }], [undefined, 'bytes=50000-']],
    ['no answer at all', [{ kind: 'silence' }], [undefined, undefined]],
    ['a server in trouble', [{ kind: 'status', status: 503 }], [undefined, undefined]],
    ['a rate limit', [CUT, { kind: 'status', status: 429 }], [undefined, 'bytes=100000-', 'bytes=100000-']],
    ['a server that ignores Range', [CUT, { kind: 'ignore-range' }], [undefined, 'bytes=100000-']],
    [
      'a range the server finds too far',
      [CUT, { kind: 'status', status: 416 }],
      [undefined, 'bytes=100000-', undefined],
    ],
  ])('gets over %s', async (_case, faults, ranges) => {
    const { origin, requests } = await serve({ faults });
    await download(`${origin}/model`);
    expect(CONTENT.equals(await readFile(path))).toBe(true);
    expect(requests.map(({ headers }) => headers.range)).toEqual(ranges);
    expect(log).toHaveLength(faults.filter(({ kind }) => kind !== 'ignore-range').length);
  });

  it('starts anew after a cut when the server names no version of the file', async () => {
    const { origin, requests } = await serve({ faults: [CUT], etag: null });
    await download(`${origin}/model`);
    expect(CONTENT.equals(await readFile(path))).toBe(true);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, undefined]);
  });

  it('does not trust a weak entity tag to name the same bytes', async () => {
    const { origin, requests } = await serve({ faults: [CUT], etag: 'W/"v1"' });
    await download(`${origin}/model`);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, undefined]);
  });

  it('notices that an answer of unknown length was cut', async () => {
    const { origin } = await serve({ faults: [{ kind: 'cut', afterBytes: 70_000, chunked: true }] });
    await download(`${origin}/model`);
    expect(CONTENT.equals(await readFile(path))).toBe(true);
  });

  it('goes on where an earlier run stopped', async () => {
    const first = await serve({
      faults: Array.from({ length: 6 }, () => ({ kind: 'cut', afterBytes: 10_000 }) as const),
    });
    await expect(download(`${first.origin}/model`)).rejects.toThrow(/closed/);
    expect(CONTENT.subarray(0, 60_000).equals(await readFile(path))).toBe(true);

    const progress = await download(`${first.origin}/model`);
    expect(CONTENT.equals(await readFile(path))).toBe(true);
    expect(progress[0]).toEqual({ received: 60_000, total: CONTENT.length });
    expect(first.requests.at(-1)?.headers).toMatchObject({ range: 'bytes=60000-', 'if-range': '"v1"' });
  });

  it('goes on with a URL that was signed anew, and keeps no signature', async () => {
    const files = { '/model?signature=first': CONTENT, '/model?signature=second': CONTENT };
    const { origin, requests } = await serve({ files, faults: [CUT, { kind: 'status', status: 403 }] });
    await expect(download(`${origin}/model?signature=first`)).rejects.toThrow('HTTP 403');
    expect(await readFile(`${path}.json`, 'utf8')).not.toContain('first');
    await download(`${origin}/model?signature=second`);
    expect(CONTENT.equals(await readFile(path))).toBe(true);
    expect(requests.at(-1)?.headers.range).toBe('bytes=100000-');
  });

  it('does not mix two versions of a file', async () => {
    const files = { '/model': CONTENT };
    const { origin } = await serve({ files, faults: [CUT, { kind: 'status', status: 404 }] });
    await expect(download(`${origin}/model`)).rejects.toThrow('HTTP 404');
    const note = JSON.parse(await readFile(`${path}.json`, 'utf8')) as Record<string, unknown>;
    await writeFile(`${path}.json`, JSON.stringify({ ...note, validator: '"v0"', totalBytes: 1 }));
    files['/model'] = OTHER;
    await download(`${origin}/model`);
    expect(OTHER.equals(await readFile(path))).toBe(true);
  });

  it('does not continue with the file of another URL', async () => {
    const { origin, requests } = await serve({
      files: { '/model': CONTENT, '/other': OTHER },
      faults: [CUT, { kind: 'status', status: 404 }],
    });
    await expect(download(`${origin}/model`)).rejects.toThrow('HTTP 404');
    await download(`${origin}/other`);
    expect(OTHER.equals(await readFile(path))).toBe(true);
    expect(requests.at(-1)?.headers.range).toBeUndefined();
  });

  it('asks nobody when the file is complete already', async () => {
    const { origin, requests } = await serve();
    await download(`${origin}/model`);
    await download(`${origin}/model`);
    expect(requests).toHaveLength(1);
  });

  it.each<[string, Fault[], RegExp, number]>([
    ['a missing file', [{ kind: 'status', status: 404 }], /HTTP 404/, 1],
    ['forbidden access', [{ kind: 'status', status: 403 }], /HTTP 403 \(access denied\)/, 1],
    ['another range than asked for', [CUT, { kind: 'wrong-range' }], /another range/, 2],
    [
      'a sixth failure',
      Array.from({ length: 9 }, () => ({ kind: 'status', status: 500 }) as const),
      /HTTP 500/,
      6,
    ],
  ])('gives up on %s', async (_case, faults, message, requestCount) => {
    const { origin, requests } = await serve({ faults });
    await expect(download(`${origin}/model`)).rejects.toThrow(message);
    expect(requests).toHaveLength(requestCount);
  });

  it('refuses a file of another size before reading it', async () => {
    const { origin } = await serve();
    await expect(download(`${origin}/model`, { expectedBytes: 5 })).rejects.toThrow(
      '300000 bytes, expected are 5',
    );
    expect(existsSync(path)).toBe(false);
  });

  it('gives up at once on a host that never answered', async () => {
    const { origin } = await serve();
    await server?.close();
    await expect(download(`${origin}/model`)).rejects.toThrow(
      expect.objectContaining({ code: 'ECONNREFUSED' }),
    );
    expect(log).toEqual([]);
  });

  it('stops at once when the signal aborts, and keeps what has arrived', async () => {
    const { origin, requests } = await serve({ faults: [{ kind: 'stall', afterBytes: 1000 }] });
    const stop = new AbortController();
    const aborting = downloadFile(
      {
        url: `${origin}/model`,
        path,
        signal: stop.signal,
        onBytes: (received) => {
          if (received > 0) stop.abort();
        },
      },
      transport(),
    );
    await expect(aborting).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(requests).toHaveLength(1);
    expect(CONTENT.subarray(0, 1000).equals(await readFile(path))).toBe(true);
  });

  it('follows redirects, and gives the password to the first host only', async () => {
    const target = await startFileServer({ files: { '/model': CONTENT } });
    try {
      const redirect: Fault = {
        kind: 'status',
        status: 302,
        headers: { location: `${target.origin}/model` },
      };
      const { origin, requests } = await serve({ faults: [redirect] });
      await download(`${origin.replace('//', '//user:p%40ss@')}/model`);
      expect(CONTENT.equals(await readFile(path))).toBe(true);
      expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
      expect(target.requests[0]?.headers.authorization).toBeUndefined();
      expect(await readFile(`${path}.json`, 'utf8')).not.toContain('p%40ss');
    } finally {
      await target.close();
    }
  });

  it('ends a circle of redirects', async () => {
    const redirect: Fault = { kind: 'status', status: 302, headers: { location: '/model' } };
    const { origin } = await serve({ faults: Array.from({ length: 20 }, () => redirect) });
    await expect(download(`${origin}/model`)).rejects.toThrow('redirects more than 5 times');
  });
});
