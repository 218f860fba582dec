import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBareServer } from '../../bench/bare-server.ts';
import {
  SCRIPTED_EVENTS,
  SCRIPTED_PIECES,
  engineRequest,
  scriptedRequest,
} from '../../bench/chat-fixtures.ts';
import { generateLoad } from '../../bench/load-generator.ts';
import { createScriptedServer } from '../../bench/scripted-server.ts';
import { freePort } from '../../scripts/free-port.ts';
import { parseChatRequest } from '../../src/wire/openai/validate-request.ts';
import { listenForTest } from './listen-for-test.ts';

async function startScripted(): Promise<number> {
  const server = createScriptedServer('silent');
  onTestFinished(() => server.close());
  await server.listen({ host: '127.0.0.1', port: 0 });
  return (server.server.address() as AddressInfo).port;
}

function startBare(): Promise<number> {
  return listenForTest(createBareServer());
}

async function bodyOf(port: number, stream: boolean): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: scriptedRequest(stream),
  });
  return response.text();
}

/** What differs from answer to answer. */
function withoutIds(body: string): string {
  return body.replaceAll(/"id":"chatcmpl-\w{24}"/g, '"id":""').replaceAll(/"created":\d{10}/g, '"created":0');
}

describe('the fixtures', () => {
  it.each([
    { name: 'streamed', body: scriptedRequest(true) },
    { name: 'in one piece', body: scriptedRequest(false) },
    { name: 'for a real engine', body: engineRequest({ tokens: 64, question: 1 }) },
  ])('are valid requests: $name', ({ body }) => {
    expect(parseChatRequest(JSON.parse(body), { modelRequired: true }).problems).toBeUndefined();
  });

  it('have the pieces that hurt: quotes, line ends, several bytes', () => {
    expect(SCRIPTED_PIECES).toHaveLength(SCRIPTED_EVENTS);
    expect(SCRIPTED_PIECES.join('')).toMatch(/"/);
    expect(SCRIPTED_PIECES.join('')).toMatch(/\n/);
    expect(SCRIPTED_PIECES.join('')).toMatch(/[^\x20-\x7e\s]/);
  });
});

describe.each([
  { name: 'our server', start: startScripted },
  { name: 'the bare server', start: startBare },
])('under load, $name', ({ start }) => {
  it.each([{ stream: true }, { stream: false }])('answers every request in full: %j', async ({ stream }) => {
    const port = await start();
    await expect(generateLoad({ port, stream, connections: 3, requests: 12 })).resolves.toBeUndefined();
  });
});

describe('the baseline', () => {
  it.each([{ stream: true }, { stream: false }])(
    'writes the same bytes as our server: %j',
    async ({ stream }) => {
      const [ours, bare] = await Promise.all([startScripted(), startBare()]);
      expect(withoutIds(await bodyOf(bare, stream))).toBe(withoutIds(await bodyOf(ours, stream)));
    },
  );
});

describe('the load generator', () => {
  it('fails when nobody answers', async () => {
    const port = await freePort();
    await expect(generateLoad({ port, stream: true, connections: 1, requests: 1 })).rejects.toThrow(
      'ECONNREFUSED',
    );
  });
});
