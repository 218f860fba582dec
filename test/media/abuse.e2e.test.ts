/** Media made to exhaust a server: each is cut or refused within its limits, and takes next to no memory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forgetPeak, peakMebibytes, residentMebibytes } from '../../bench/process-clock.ts';
import { ServeProcess } from '../process/serve-process.ts';
import { bodyAnswer, head, inChunk, type Step } from '../support/faulty-answers.ts';
import { FaultyServer } from '../support/faulty-server.ts';

const MEBIBYTE = 1024 * 1024;
const GIGABYTES_10 = 10 * 1000 ** 3;

/** More memory than before that any of them may take, in MiB. */
const LIMIT = 32;

const PNG_HEAD = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\x02\0\0\0', 'latin1');
const PIECE = Buffer.alloc(64 * 1024, 1);

let web: FaultyServer;
let serve: ServeProcess;
let url: string;

function* endless(first: Buffer): Generator<Step> {
  yield head(200, { 'content-type': 'image/png', 'transfer-encoding': 'chunked' });
  yield { write: inChunk(first) };
  for (;;) yield { write: inChunk(PIECE) };
}

function* drip(): Generator<Step> {
  yield head(200, { 'content-type': 'image/png', 'content-length': '1000' });
  for (const byte of PNG_HEAD) {
    yield { write: Buffer.from([byte]) };
    yield { wait: 1000 };
  }
  yield 'hang';
}

const pdf = (): Buffer =>
  Buffer.from(
    `%PDF-1.7\n${Array.from({ length: 100_000 }, (_, number) => `${number} 0 obj<<>>endobj\n`).join('')}%%EOF`,
  );

beforeAll(async () => {
  web = await FaultyServer.start();
  const upstream = await FaultyServer.start();
  serve = await ServeProcess.start({
    config: JSON.stringify({
      fetch: { allow_private: true, timeout_ms: 3000, cache_bytes: 0 },
      upstreams: { servers: { kind: 'ollama', base_url: upstream.url, health: { interval_ms: 0 } } },
    }),
  });
  url = await serve.url();
  // What is loaded with the first medium is no growth of later ones.
  web.respond = () => bodyAnswer(Buffer.concat([PNG_HEAD, PIECE]));
  for (let round = 0; round < 20; round++) await ask();
});

afterAll(async () => {
  await serve.dispose();
  await web[Symbol.asyncDispose]();
});

async function ask(): Promise<string> {
  const content = [{ type: 'image_url', image_url: { url: `${web.url}/medium` } }];
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'any', messages: [{ role: 'user', content }] }),
  });
  const { error } = (await response.json()) as { error?: { code: string } };
  return `${response.status} ${error?.code ?? 'ok'}`;
}

describe.runIf(process.platform === 'linux')('media made to exhaust a server', () => {
  it.each<[name: string, answer: () => Iterable<Step>, outcome: string]>([
    [
      '10 GB, as was told',
      () => [head(200, { 'content-length': String(GIGABYTES_10) })],
      '400 unsupported_media',
    ],
    ['without end', () => endless(PNG_HEAD), '400 unsupported_media'],
    ['without end, and no image', () => endless(Buffer.from('<html>')), '400 unsupported_media'],
    ['a byte a second', () => drip(), '400 invalid_argument'],
    [
      'a page',
      () => bodyAnswer('<!doctype html>', { headers: { 'content-type': 'image/png' } }),
      '400 unsupported_media',
    ],
    [
      'SVG',
      () => bodyAnswer('<svg/>', { headers: { 'content-type': 'image/svg+xml' } }),
      '400 unsupported_media',
    ],
    [
      'a page that begins like text',
      () => bodyAnswer('GIF<script>', { headers: { 'content-type': 'text/html' } }),
      '400 unsupported_media',
    ],
    ['the header of 50,000 x 50,000 pixels', () => bodyAnswer(PNG_HEAD), '200 ok'],
    ['a PDF of 100,000 objects', () => bodyAnswer(pdf()), '200 ok'],
  ])('%s', async (_name, answer, outcome) => {
    web.respond = answer;
    const before = residentMebibytes(serve.pid);
    forgetPeak(serve.pid);
    expect(await ask()).toBe(outcome);
    expect(peakMebibytes(serve.pid) - before).toBeLessThan(LIMIT);
  });

  it('is cut off soon behind the limit', async () => {
    web.respond = () => endless(PNG_HEAD);
    web.requests.length = 0;
    await ask();
    await web.last.closed;
    expect(web.last.sentBytes).toBeLessThan(30 * MEBIBYTE);
  });
});
