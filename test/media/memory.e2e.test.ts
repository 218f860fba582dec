/** A real server with many large media at a time keeps to its memory. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { open, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { peakMebibytes } from '../../bench/process-clock.ts';
import { ServeProcess } from '../process/serve-process.ts';

const MEBIBYTE = 1024 * 1024;
const IMAGES = 50;
const IMAGE_BYTES = 10 * MEBIBYTE;

const INLINE = `data:image/png;base64,${Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(IMAGE_BYTES)]).toString('base64')}`;

const ANSWER = JSON.stringify({
  candidates: [{ content: { role: 'model', parts: [{ text: 'Seen.' }] }, finishReason: 'STOP' }],
});

let sink: Server;
let bytes = 0;
let folder: string;
let serve: ServeProcess;

/** Takes a request at its pace, and keeps nothing of it. */
async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  for await (const piece of request as AsyncIterable<Buffer>) bytes += piece.length;
  response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parlance-large-'));
  for (let index = 0; index < IMAGES; index++) {
    const file = await open(join(folder, `${index}.png`), 'w');
    await file.write(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
    // A hole: it takes no room on the disk.
    await file.truncate(IMAGE_BYTES);
    await file.close();
  }
  sink = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => {
    sink.listen(0, '127.0.0.1', resolve);
  });
  const { port } = sink.address() as AddressInfo;
  serve = await ServeProcess.start({
    config: JSON.stringify({
      storage: { 'gs://large': folder },
      upstreams: { gemini: { kind: 'gemini', api_key: 'k', base_url: `http://127.0.0.1:${port}` } },
    }),
  });
});

afterEach(async () => {
  await serve.dispose();
  sink.closeAllConnections();
  sink.close();
  await rm(folder, { recursive: true });
});

const ask = async (url: string, image: string): Promise<number> => {
  const content = [{ type: 'image_url', image_url: { url: image } }];
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gemini-2.5-flash', messages: [{ role: 'user', content }] }),
  });
  await response.text();
  return response.status;
};

describe.runIf(process.platform === 'linux')('memory', () => {
  it.each<[place: string, limit: number, image: (index: number) => string]>([
    ['in a bucket', 300, (index: number) => `gs://large/${index}.png`],
    ['in the request', 300, () => INLINE],
  ])(
    `keeps to what docs/benchmarks.md says with ${IMAGES} images of 10 MiB at once, %s: %s MiB`,
    async (_, limit, image) => {
      const url = await serve.url();
      bytes = 0;
      const statuses = await Promise.all(
        Array.from({ length: IMAGES }, (_each, index) => ask(url, image(index))),
      );
      expect(new Set(statuses)).toEqual(new Set([200]));
      expect(bytes).toBeGreaterThan((IMAGES * IMAGE_BYTES * 4) / 3);
      expect(peakMebibytes(serve.pid)).toBeLessThan(limit);
    },
    120_000,
  );
});
