import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { answer } from './scripted-backend.ts';
import { chatRequest, eventsOf, TestServer, type TestServerOptions } from './test-server.ts';

const MEBIBYTE = 1024 * 1024;
const LARGE = chatRequest({ messages: [{ role: 'user', content: 'x'.repeat(2 * MEBIBYTE) }] });

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await TestServer.start({
    script: { before: [{ pause: 60 }] },
    limits: { maxBodyBytes: 8 * MEBIBYTE, largeBodyBytes: 5 * MEBIBYTE },
    ...options,
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

describe('large bodies', () => {
  it('wait for each other until their answers begin, and are all answered', async () => {
    const server = await start();
    const begun: number[] = [];
    const answers = Array.from({ length: 6 }, async () => {
      const { status } = await server.post(LARGE);
      begun.push(status);
      return status;
    });
    let most = 0;
    while (begun.length < 6) {
      most = Math.max(most, server.backend.calls.length - begun.length);
      await pause(1);
    }
    expect(await Promise.all(answers)).toEqual([200, 200, 200, 200, 200, 200]);
    // The client hears a little later that an answer has begun.
    expect(most).toBeLessThanOrEqual(3);
  });

  it('do not keep small ones waiting', async () => {
    const server = await start({ script: { before: [{ pause: 300 }] } });
    const large = [server.post(LARGE), server.post(LARGE), server.post(LARGE)];
    await vi.waitUntil(() => server.backend.calls.length === 2);
    expect((await server.post(chatRequest())).status).toBe(200);
    expect((await Promise.all(large)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('make room as soon as a stream begins', async () => {
    const steps = [answer('Hi')[0]!, answer('Hi')[1]!, { pause: 400 }, ...answer().slice(1)];
    const server = await start({ script: { steps } });
    const streams = await Promise.all([1, 2, 3, 4].map(() => server.post({ ...LARGE, stream: true })));
    expect(server.backend.calls).toHaveLength(4);
    for (const stream of streams) expect(eventsOf(await stream.text()).at(-1)).toBe('[DONE]');
  });

  it('make room when their request is refused, fails or is left', async () => {
    const server = await start({ script: { before: ['silence'], answerTimeoutMs: 5000 } });
    const controller = new AbortController();
    const leave = fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(LARGE),
      signal: controller.signal,
    });
    leave.catch(() => {});
    await vi.waitUntil(() => server.backend.calls.length === 1);
    controller.abort();
    for (let round = 0; round < 6; round++) expect((await server.post({ ...LARGE, n: 0 })).status).toBe(400);
    // One that has left while it waited takes nothing.
    const waiting = await server.connect();
    waiting.send('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n{');
    await pause(20);
    waiting.destroy();
    await pause(20);
    expect((await server.post({ ...LARGE, n: 0 })).status).toBe(400);
  });

  it('that are larger than all the room come alone', async () => {
    const server = await start();
    const body = chatRequest({ messages: [{ role: 'user', content: 'x'.repeat(7 * MEBIBYTE) }] });
    const statuses = await Promise.all([server.post(body), server.post(body), server.post(LARGE)]);
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('are refused when there is no room in half the time that a request has', async () => {
    const server = await start({
      script: { before: ['silence'], answerTimeoutMs: 2000 },
      limits: { maxBodyBytes: 8 * MEBIBYTE, largeBodyBytes: 3 * MEBIBYTE, requestTimeoutMs: 800 },
    });
    const first = server.post(LARGE);
    await vi.waitUntil(() => server.backend.calls.length === 1);
    const refused = await server.post(LARGE);
    expect({ status: refused.status, retryAfter: refused.headers.get('retry-after') }).toEqual({
      status: 503,
      retryAfter: '5',
    });
    expect(await refused.text()).toContain('server.large_body_bytes');
    expect((await first).status).toBe(504);
  });
});
