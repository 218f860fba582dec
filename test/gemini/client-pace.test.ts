/** The upstream works only while its client waits, no longer than allowed, and no faster than the client reads. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cutAfter, errorAnswer, HANG, streamedAnswer } from '../support/gemini-answers.ts';
import { message } from '../translate/events/gemini-messages.ts';
import { chat, FORMS, readAnswer, startPair, text } from './fixture.ts';

/** Nothing but the client may end these answers. */
const PATIENT = { timeouts: { answerMs: 600_000, firstByteMs: 600_000, idleMs: 600_000 } };

const BEGUN = cutAfter(streamedAnswer([text('Hel')]), 1, 'hang');

describe('a client that leaves', () => {
  it.each([
    { name: 'before the answer has begun', answer: HANG, sent: 0, fields: {} },
    { name: 'before the stream has begun', answer: HANG, sent: 0, fields: { stream: true } },
    { name: 'in the middle of the stream', answer: BEGUN, sent: 1, fields: { stream: true } },
    { name: 'in the middle of a whole answer', answer: BEGUN, sent: 1, fields: {} },
  ])('takes the upstream request with it: $name', async ({ answer, sent, fields }) => {
    const { upstream, server } = await startPair({ backend: PATIENT }, () => answer);
    const client = new AbortController();
    const response = server.post(chat(fields), { signal: client.signal });
    response.catch(() => undefined);
    await expect.poll(() => upstream.requests.length).toBe(1);
    await expect.poll(() => upstream.last.sentBytes).toBeGreaterThanOrEqual(sent);
    client.abort();
    await expect(upstream.last.over).resolves.toBe(false);
    await expect.poll(() => server.log.join('')).toContain('"error":"cancelled"');
  });

  it('takes all requests for its choices with it', async () => {
    const { upstream, server } = await startPair({ backend: PATIENT }, ({ body }) =>
      body.generationConfig?.candidateCount === undefined
        ? HANG
        : errorAnswer({
            code: 400,
            status: 'INVALID_ARGUMENT',
            message: 'Multiple candidates is not enabled',
          }),
    );
    const client = new AbortController();
    server.post(chat({ n: 3 }), { signal: client.signal }).catch(() => undefined);
    await expect.poll(() => upstream.requests.length).toBe(4);
    client.abort();
    const [, ...candidates] = upstream.requests;
    await expect(Promise.all(candidates.map(({ over }) => over))).resolves.toEqual([false, false, false]);
  });

  it('is not asked for again', async () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.2s' }];
    const { upstream, server } = await startPair({ backend: PATIENT }, () =>
      errorAnswer({ code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down', details }),
    );
    const client = new AbortController();
    server.post(chat(), { signal: client.signal }).catch(() => undefined);
    await expect.poll(() => upstream.requests.length).toBe(1);
    client.abort();
    await expect.poll(() => server.log.join('')).toContain('"error":"cancelled"');
    await pause(300);
    expect(upstream.requests).toHaveLength(1);
  });
});

describe('a deadline', () => {
  const SHORT = { timeouts: { answerMs: 150, firstByteMs: 600_000, idleMs: 600_000 } };

  it.each(FORMS)('that passes before a $form answer is a 504', async ({ stream }) => {
    const { upstream, server } = await startPair({ backend: SHORT }, () => HANG);
    const { status, error } = await readAnswer(await server.post(chat({ stream })));
    expect({ status, code: error?.code }).toEqual({ status: 504, code: 'timeout' });
    expect(await upstream.last.over).toBe(false);
    expect(upstream.requests).toHaveLength(1);
  });

  it('that passes in a stream ends it with an error', async () => {
    const { upstream, server } = await startPair({ backend: SHORT }, () => BEGUN);
    const { status, content, error, isDone } = await readAnswer(await server.post(chat({ stream: true })));
    expect({ status, content, isDone }).toEqual({ status: 200, content: 'Hel', isDone: false });
    expect(error?.code).toBe('timeout');
    expect(await upstream.last.over).toBe(false);
  });

  it.each([
    { name: 'in a stream', stream: true, status: 200 },
    { name: 'in a whole answer', stream: false, status: 504 },
  ])('is also there for silence $name', async ({ stream, status }) => {
    const timeouts = { answerMs: 600_000, firstByteMs: 600_000, idleMs: 400 };
    const { upstream, server } = await startPair(
      { backend: { timeouts, retry: { maxRetries: 0 } } },
      () => BEGUN,
    );
    const answer = await readAnswer(await server.post(chat({ stream })));
    expect(answer.status).toBe(status);
    expect(answer.error?.code).toBe('timeout');
    expect(await upstream.last.over).toBe(false);
  });
});

/** Sends a request and leaves the answer unread. */
async function ask(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  const body = JSON.stringify(chat({ stream: true }));
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  return socket;
}

describe('a client that reads slowly', () => {
  const FRAMES = 1500;
  const frame = message([{ text: 'x'.repeat(32 * 1024) }]);

  function* frames(): Generator<object> {
    for (let sent = 0; sent < FRAMES; sent++) yield frame;
    yield message([{ text: 'end' }], { finishReason: 'STOP' });
  }

  it('slows the upstream down, and gets everything in the end', async () => {
    const { upstream, server } = await startPair({ backend: PATIENT }, () => streamedAnswer(frames()));
    const socket = await ask(server.url);
    await expect.poll(() => upstream.requests.length).toBe(1);
    let seen = -1;
    while (seen !== upstream.last.sentBytes) {
      seen = upstream.last.sentBytes;
      await pause(150);
    }
    // What the kernel holds for two connections on the way, and little more.
    expect(seen).toBeLessThan((FRAMES * 32 * 1024) / 2);
    let received = 0;
    let tail = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received += chunk.length;
      tail = (tail + chunk.toString('latin1')).slice(-64);
    }
    expect(received).toBeGreaterThan(FRAMES * 32 * 1024);
    expect(tail).toContain('data: [DONE]');
    expect(await upstream.last.over).toBe(true);
  });

  it('lets the upstream go when it leaves', async () => {
    const { upstream, server } = await startPair({ backend: PATIENT }, () => streamedAnswer(frames()));
    const socket = await ask(server.url);
    await expect.poll(() => upstream.requests.length).toBe(1);
    socket.destroy();
    expect(await upstream.last.over).toBe(false);
  });
});
