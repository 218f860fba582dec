/** Media that are too large for a request of the Developer API, from a client to the upstream. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GenerateContentRequest } from '../../src/wire/gemini/request.ts';
import { RelayServer } from '../support/relay-server.ts';

const MEBIBYTE = 1024 * 1024;
const png = (megabytes: number, fill: number): Buffer =>
  Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(megabytes * MEBIBYTE, fill)]);

const ANSWER = JSON.stringify({
  candidates: [{ content: { role: 'model', parts: [{ text: 'Seen.' }] }, finishReason: 'STOP' }],
});

let api: Server;
let origin: string;
let folder: string;
let relay: RelayServer;
let uploads: number[] = [];
let lastUpload: Buffer;
/** What the API waits for before it reads a file. */
let mayRead = Promise.resolve();
/** A file that somebody has deleted. */
let gone: string | undefined;
let requests: GenerateContentRequest[] = [];

const refusal = (file: string): string =>
  JSON.stringify({
    error: {
      code: 403,
      message: `You do not have permission to access the File ${file} or it may not exist.`,
      status: 'PERMISSION_DENIED',
    },
  });

/** The Developer API, as far as it takes files and requests. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/upload') await mayRead;
  const body = await buffer(request);
  switch (request.headers['x-goog-upload-command']) {
    case 'start':
      response.setHeader('x-goog-upload-url', `${origin}/upload`).end();
      break;
    case 'upload, finalize':
      uploads.push(body.length);
      lastUpload = body;
      response.end(JSON.stringify({ file: { name: `files/f-${uploads.length}`, state: 'ACTIVE' } }));
      break;
    default:
      if (gone !== undefined && body.includes(gone)) {
        response.writeHead(403, { 'content-type': 'application/json' }).end(refusal(gone));
        return;
      }
      requests.push(JSON.parse(body.toString('utf8')) as GenerateContentRequest);
      response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER);
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parlance-uploads-'));
  for (const [name, megabytes] of [
    ['small', 1],
    ['middle', 8],
    ['large', 16],
  ] as const)
    await writeFile(join(folder, `${name}.png`), png(megabytes, megabytes));
  api = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => {
    api.listen(0, '127.0.0.1', resolve);
  });
  origin = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  relay = await RelayServer.start({
    storage: { 'gs://own': folder },
    upstreams: { gemini: { kind: 'gemini', api_key: 'k', base_url: origin } },
  });
});

beforeEach(() => {
  uploads = [];
  requests = [];
  gone = undefined;
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  api.closeAllConnections();
  api.close();
  await rm(folder, { recursive: true });
});

/** What stands in the request for each medium. */
async function sent(...urls: string[]): Promise<string[]> {
  const content = urls.map((url) => ({ type: 'image_url', image_url: { url } }));
  const response = await relay.post({ model: 'gemini-2.5-flash', messages: [{ role: 'user', content }] });
  if (response.status !== 200) throw new Error(await response.text());
  return requests
    .at(-1)!
    .contents.flatMap(({ parts }) => parts)
    .map(({ fileData, inlineData }) => fileData?.fileUri ?? `${inlineData!.data.length} inline`);
}

const FILES = 'https://generativelanguage.googleapis.com/v1beta/files';

describe('media for the Developer API', () => {
  it('stand in the request as far as they fit', async () => {
    expect(await sent('gs://own/small.png', 'gs://own/middle.png')).toEqual([
      '1398112 inline',
      '11184824 inline',
    ]);
    expect(uploads).toEqual([]);
  });

  it('are uploaded, the largest first, and used again', async () => {
    const urls = ['gs://own/small.png', 'gs://own/large.png', 'gs://own/middle.png'];
    const expected = ['1398112 inline', `${FILES}/f-1`, '11184824 inline'];
    expect(await sent(...urls)).toEqual(expected);
    expect(await sent(...urls)).toEqual(expected);
    expect(uploads).toEqual([16 * MEBIBYTE + 8]);
  });

  it('are uploaded out of a data URI', async () => {
    const uri = `data:image/png;base64,${png(15, 3).toString('base64')}`;
    expect(await sent(uri)).toEqual([`${FILES}/f-1`]);
    expect(uploads).toEqual([15 * MEBIBYTE + 8]);
    expect(lastUpload.equals(png(15, 3))).toBe(true);
  });

  it('are uploaded out of a data URI that is written in an unusual way', async () => {
    const uri = `data:image/png;base64,${png(15, 4).toString('base64url')}`;
    expect(await sent(uri)).toEqual([`${FILES}/f-1`]);
    expect(lastUpload.equals(png(15, 4))).toBe(true);
  });

  it('are uploaded to the end for who still waits when another client has left', async () => {
    const read = Promise.withResolvers<void>();
    mayRead = read.promise;
    const uri = `data:image/png;base64,${png(15, 6).toString('base64')}`;
    const content = [{ type: 'image_url', image_url: { url: uri } }];
    const controller = new AbortController();
    const left = fetch(`${relay.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gemini-2.5-flash', messages: [{ role: 'user', content }] }),
      signal: controller.signal,
    });
    left.catch(() => {});
    await pause(300);
    const stays = sent(uri);
    await pause(300);
    controller.abort();
    await pause(100);
    read.resolve();
    expect(await stays).toEqual([`${FILES}/f-1`]);
    expect(lastUpload.equals(png(15, 6))).toBe(true);
  });

  it('are uploaded once more when their file is gone', async () => {
    const uri = `data:image/png;base64,${png(15, 5).toString('base64')}`;
    expect(await sent(uri)).toEqual([`${FILES}/f-1`]);
    gone = 'f-1';
    expect(await sent(uri)).toEqual([`${FILES}/f-2`]);
    expect(uploads).toHaveLength(2);
    await expect(sent(uri.replace('base64,', 'base64,AAAA'), `${FILES}/f-1`)).rejects.toThrow(
      'may not exist',
    );
  });
});
