import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiKeySource } from '../../../src/auth/outbound/fixed-token-source.ts';
import { FileUploads } from '../../../src/backends/gemini/file-uploads.ts';
import { type WholeMedium, wholeMedium } from '../../../src/media/medium.ts';
import { createConnectionPools } from '../../../src/upstream/connection-pools.ts';

interface Asked {
  readonly what: string;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: number;
}

/** The Files API as far as uploads go; what it does at each step is a test's to say. */
class FilesApi implements AsyncDisposable {
  readonly asked: Asked[] = [];
  received = Buffer.alloc(0);
  /** States of the file, one for each look at it; the last one stays. */
  states = ['ACTIVE'];
  expirationTime: string | undefined = '2030-01-01T00:00:00Z';
  /** Bytes after which the next uploads break off. */
  breaks: number[] = [];
  refuse: { status: number; body: string } | undefined;
  url = '';
  #count = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const command = request.headers['x-goog-upload-command'];
    const what = `${request.method} ${request.url}${command === undefined ? '' : ` ${String(command)}`}`;
    if (command === 'upload, finalize') return await this.#receive(request, response, what);
    const body = await buffer(request);
    this.asked.push({ what, headers: request.headers, bytes: body.length });
    if (this.refuse !== undefined) {
      response.writeHead(this.refuse.status).end(this.refuse.body);
    } else if (command === 'start') {
      this.#count++;
      this.received = Buffer.alloc(0);
      response.setHeader('x-goog-upload-url', `${this.url}/upload?upload_id=u${this.#count}`).end();
    } else if (command === 'query') {
      response.setHeader('x-goog-upload-size-received', this.received.length).end();
    } else {
      response.end(JSON.stringify(this.#file()));
    }
    return undefined;
  }

  async #receive(request: IncomingMessage, response: ServerResponse, what: string): Promise<void> {
    const offset = Number(request.headers['x-goog-upload-offset']);
    const broken = this.breaks.shift();
    // Leaving the loop takes the socket away from the request.
    const { socket } = request;
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of request as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.length;
      if (broken !== undefined && bytes >= broken) break;
    }
    this.received = Buffer.concat([this.received.subarray(0, offset), ...pieces]).subarray(
      0,
      broken === undefined ? undefined : offset + broken,
    );
    this.asked.push({ what, headers: request.headers, bytes });
    if (broken === undefined) response.end(JSON.stringify({ file: this.#file() }));
    else socket.resetAndDestroy();
  }

  #file(): object {
    const state = this.states.length > 1 ? this.states.shift() : this.states[0];
    const { expirationTime } = this;
    return {
      name: `files/f-${this.#count}`,
      state,
      ...(expirationTime === undefined ? {} : { expirationTime }),
    };
  }
}

let api: FilesApi;
let pools: ReturnType<typeof createConnectionPools>;

beforeEach(async () => {
  api = new FilesApi();
  await api.start();
  pools = createConnectionPools({ connectTimeoutMs: 1000, maxConnections: 8, http2: false }, {});
});

afterEach(async () => {
  await pools.destroy();
  await api[Symbol.asyncDispose]();
});

const NOW = Date.parse('2029-12-31T00:00:00Z');

function open(now = () => NOW): FileUploads {
  return new FileUploads({ baseUrl: api.url, version: 'v1beta', dispatcher: pools, idleMs: 2000, now });
}

function mediumOf(content: Buffer, mimeType = 'video/mp4'): WholeMedium {
  return wholeMedium({
    mimeType,
    pieces: [content.subarray(0, 70_000), content.subarray(70_000)],
    hash: createHash('sha256').update(content).digest('hex'),
  });
}

const CONTENT = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));
const uploader = (tenant = 'one') => ({
  tenant,
  credentials: createApiKeySource('secret-key'),
  signal: new AbortController().signal,
});

describe('FileUploads', () => {
  it('uploads a medium, and shows the key to nobody but the API', async () => {
    expect(await open().nameOf(mediumOf(CONTENT), uploader())).toBe('files/f-1');
    expect(api.received.equals(CONTENT)).toBe(true);
    expect(api.asked.map(({ what }) => what)).toEqual([
      'POST /upload/v1beta/files start',
      'POST /upload?upload_id=u1 upload, finalize',
    ]);
    expect(api.asked[0]?.headers).toMatchObject({
      'x-goog-api-key': 'secret-key',
      'x-goog-upload-protocol': 'resumable',
      'x-goog-upload-header-content-length': '200000',
      'x-goog-upload-header-content-type': 'video/mp4',
    });
    expect(JSON.stringify(api.asked[1]?.headers)).not.toContain('secret-key');
  });

  it('uses a file again while it lives, for the same tenant and content', async () => {
    let now = NOW;
    const uploads = open(() => now);
    const names = [];
    for (const [tenant, type] of [
      ['one', 'video/mp4'],
      ['one', 'video/mp4'],
      ['two', 'video/mp4'],
      ['one', 'video/webm'],
    ] as const)
      names.push(await uploads.nameOf(mediumOf(CONTENT, type), uploader(tenant)));
    expect(names).toEqual(['files/f-1', 'files/f-1', 'files/f-2', 'files/f-3']);
    expect(uploads.forgetNamedIn('You may not read the File f-12.')).toBe(false);
    expect(uploads.forgetNamedIn('You may not read the File f-1 or it may not exist.')).toBe(true);
    expect(await uploads.nameOf(mediumOf(CONTENT), uploader())).toBe('files/f-4');
    now = Date.parse('2029-12-31T23:50:00Z');
    expect(await uploads.nameOf(mediumOf(CONTENT), uploader())).toBe('files/f-5');
  });

  it('uploads once what many want at the same time, even if the first of them leaves', async () => {
    const uploads = open();
    const controller = new AbortController();
    const first = uploads.nameOf(mediumOf(CONTENT), { ...uploader(), signal: controller.signal });
    const others = Array.from({ length: 5 }, () => uploads.nameOf(mediumOf(CONTENT), uploader()));
    controller.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    expect(new Set(await Promise.all(others))).toEqual(new Set(['files/f-1']));
  });

  it('goes on where the connection broke', async () => {
    api.breaks = [100_000, 30_000];
    expect(await open().nameOf(mediumOf(CONTENT), uploader())).toBe('files/f-1');
    expect(api.received.equals(CONTENT)).toBe(true);
    expect(api.asked.map(({ what }) => what.split(' ').slice(2).join(' '))).toEqual([
      'start',
      'upload, finalize',
      'query',
      'upload, finalize',
      'query',
      'upload, finalize',
    ]);
  });

  it('gives up an upload that breaks off again and again', async () => {
    api.breaks = [1000, 1000, 1000, 1000];
    await expect(open().nameOf(mediumOf(CONTENT), uploader())).rejects.toMatchObject({ fault: 'reset' });
  });

  it('waits until a file is processed', async () => {
    api.states = ['PROCESSING', 'PROCESSING', 'ACTIVE'];
    api.expirationTime = undefined;
    expect(await open().nameOf(mediumOf(CONTENT), uploader())).toBe('files/f-1');
    expect(api.asked.slice(2).map(({ what }) => what)).toEqual([
      'GET /v1beta/files/f-1',
      'GET /v1beta/files/f-1',
    ]);
  });

  it('says so when the API cannot process it', async () => {
    api.states = ['PROCESSING', 'FAILED'];
    await expect(open().nameOf(mediumOf(CONTENT), uploader())).rejects.toMatchObject({
      code: 'unsupported_media',
    });
  });

  it.each<[status: number, body: string, code: string]>([
    [403, '{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}', 'permission_denied'],
    [429, '{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}', 'rate_limit_exceeded'],
    [500, 'oops', 'internal_error'],
  ])('fails as the API refuses it: %s', async (status, body, code) => {
    api.refuse = { status, body };
    await expect(open().nameOf(mediumOf(CONTENT), uploader())).rejects.toMatchObject({ code });
  });
});
