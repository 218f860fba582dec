import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { WholeAnswer } from '../../src/backends/relayed-answer.ts';
import { GatewayError } from '../../src/errors.ts';
import {
  COUNTS,
  DONE,
  event,
  FINISH,
  FIRST,
  HELLO,
  renamed,
  USAGE,
} from '../backends/openai-compatible/answer/chunks.ts';
import { RawConnection } from './raw-connection.ts';
import { RelayBackend, type RelayBackendOptions } from './relay-backend.ts';
import { chatRequest, type ErrorEnvelope, eventsOf, TestServer } from './test-server.ts';

const CHAT = '/v1/chat/completions';
const MODEL = 'google/gemini-2.5-flash';

const FACTS = {
  upstream: 'fallback',
  modelVersion: 'served-1',
  replica: 'http://10.0.0.2:8000',
  passedOver: ['http://10.0.0.1:8000 503 overloaded', 'größe\r\nx-evil: 1'],
  ignored: ['metadata'],
} as const;

function request(): Buffer {
  return RawConnection.request([`POST ${CHAT} HTTP/1.1`], JSON.stringify(chatRequest({ stream: true })));
}

/** A whole answer of this size. */
function whole(text: string): () => WholeAnswer {
  return () => ({ bytes: Buffer.from(text), usage: () => COUNTS });
}

interface Started extends AsyncDisposable {
  readonly server: TestServer;
  readonly backend: RelayBackend;
}

async function start(options: RelayBackendOptions, streamKeepAliveMs = 0): Promise<Started> {
  const backend = new RelayBackend(options);
  const server = await TestServer.start({ behind: backend, streamKeepAliveMs });
  return { server, backend, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Lets the server behind send until it stands still. @returns what it has sent */
async function fill(backend: RelayBackend, piece: string): Promise<string> {
  const upstream = await backend.upstream;
  let sent = '';
  // The kernel takes some more each time.
  for (let rests = 0; rests < 3 && sent.length < 256 * 1024 * 1024; rests++) {
    while (!upstream.isPaused) {
      upstream.send(piece);
      sent += piece;
      rests = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await sleep(20);
  }
  return sent;
}

describe('relayAnswer, one object', () => {
  it('sends the bytes as they are, with their length', async () => {
    const text = '{"model": "größe",\n "choices":[] }\n';
    await using started = await start({ answer: whole(text) });
    const response = await started.server.post(chatRequest(), CHAT, { 'x-request-id': 'mine-1' });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(text)),
      'x-request-id': 'mine-1',
      'x-parlance-upstream': 'relay',
      'x-parlance-model-version': 'served',
      'server-timing': expect.stringMatching(/^total;dur=[\d.]+, upstream;dur=[\d.]+, own;dur=[\d.]+$/),
    });
    for (const name of ['replica', 'passed-over', 'ignored', 'signature']) {
      expect(response.headers.has(`x-parlance-${name}`)).toBe(false);
    }
    expect(await response.text()).toBe(text);
  });

  it('keeps the connection', async () => {
    await using started = await start({ answer: whole('{"choices":[]}') });
    const connection = await started.server.connect();
    for (let count = 0; count < 3; count++) connection.send(request());
    for (let count = 0; count < 3; count++) {
      expect(await connection.response()).toMatchObject({ status: 200, body: '{"choices":[]}' });
    }
  });
});

describe('relayAnswer, what it says about an answer', () => {
  const headers = {
    'x-parlance-upstream': 'fallback',
    'x-parlance-model-version': 'served-1',
    'x-parlance-replica': 'http://10.0.0.2:8000',
    'x-parlance-passed-over': 'http://10.0.0.1:8000 503 overloaded; gr??e??x-evil: 1',
    'x-parlance-ignored': 'metadata',
  };
  const line = {
    level: 'info',
    status: 200,
    route: 'chat plain',
    upstream: 'fallback',
    model: 'served-1',
    replica: 'http://10.0.0.2:8000',
    passedOver: FACTS.passedOver,
    promptTokens: 3,
    completionTokens: 4,
    msg: 'request',
  };

  it('in headers and in the log, of one object', async () => {
    await using started = await start({ ...FACTS, answer: whole('{}') });
    const response = await started.server.post(chatRequest());
    expect(Object.fromEntries(response.headers)).toMatchObject(headers);
    expect(response.headers.has('x-evil')).toBe(false);
    await vi.waitFor(() => expect(started.server.log).toMatchObject([line]));
    expect(started.server.log[0]).not.toHaveProperty('error');
  });

  it('in headers and in the log, of a stream', async () => {
    await using started = await start({ ...FACTS, answer: 'stream' });
    const responded = started.server.post(chatRequest({ stream: true }));
    const upstream = await started.backend.upstream;
    upstream.send(FIRST + FINISH + USAGE + DONE).end();
    const response = await responded;
    expect(Object.fromEntries(response.headers)).toMatchObject({
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
      'x-request-id': expect.stringMatching(/^req_/),
    });
    await response.text();
    await vi.waitFor(() => expect(started.server.log).toMatchObject([line]));
  });

  it('in headers and in the log, of an object that flows', async () => {
    await using started = await start({ ...FACTS, answer: 'json' });
    const responded = started.server.post(chatRequest());
    const upstream = await started.backend.upstream;
    upstream.send(`"model":"served","usage":${JSON.stringify(COUNTS)}}`).end();
    const response = await responded;
    expect(Object.fromEntries(response.headers)).toMatchObject({
      ...headers,
      'content-type': 'application/json; charset=utf-8',
    });
    expect(response.headers.has('content-length')).toBe(false);
    expect(await response.json()).toEqual({ model: MODEL, usage: COUNTS });
    await vi.waitFor(() => expect(started.server.log).toMatchObject([line]));
    expect(started.backend.overs).toEqual([undefined]);
  });

  it('also when there is none', async () => {
    const failure = new GatewayError('overloaded', 'no', { passedOver: ['a 503', 'b 503'] });
    await using started = await start({
      answer: () => {
        throw failure;
      },
    });
    const response = await started.server.post(chatRequest());
    expect(response.status).toBe(503);
    expect(response.headers.get('x-parlance-passed-over')).toBe('a 503; b 503');
    await vi.waitFor(() =>
      expect(started.server.log).toMatchObject([{ error: 'overloaded', passedOver: ['a 503', 'b 503'] }]),
    );
  });

  it('in headers of a bounded length', async () => {
    await using started = await start({ answer: whole('{}'), passedOver: ['x'.repeat(100_000)] });
    const response = await started.server.post(chatRequest());
    expect(response.headers.get('x-parlance-passed-over')).toHaveLength(2048);
  });
});

describe('relayAnswer, a stream', () => {
  it('sends events as they come, and [DONE] last', async () => {
    await using started = await start({ answer: 'stream' });
    const connection = await started.server.connect();
    connection.send(request());
    const upstream = await started.backend.upstream;
    upstream.send(FIRST);
    const head = await connection.receive(renamed(FIRST, MODEL));
    expect(head).toMatch(/connection: keep-alive/i);
    upstream.send(HELLO);
    expect(await connection.receive('"content":"Hello"')).not.toContain('finish_reason":"stop"');
    upstream.send(FINISH + DONE).end();
    const { body, headers } = await connection.response();
    expect(headers['transfer-encoding']).toBe('chunked');
    expect(body).toBe(renamed(FIRST + HELLO + FINISH + DONE, MODEL));
    // The connection is there for the next request.
    connection.send(RawConnection.request(['GET /healthz HTTP/1.1']));
    expect((await connection.response()).status).toBe(200);
  });

  it('keeps a silent one alive with comments, and only a silent one', async () => {
    await using started = await start({ answer: 'stream' }, 25);
    const responded = started.server.post(chatRequest({ stream: true }));
    const upstream = await started.backend.upstream;
    upstream.send(FIRST);
    const response = await responded;
    await sleep(150);
    upstream.send(FINISH + DONE).end();
    const text = await response.text();
    expect(text.split(': keep-alive\n\n').length).toBeGreaterThan(3);
    expect(text.replaceAll(': keep-alive\n\n', '')).toBe(renamed(FIRST + FINISH + DONE, MODEL));
  });

  it('writes no comments into an object', async () => {
    await using started = await start({ answer: 'json' }, 5);
    const responded = started.server.post(chatRequest());
    const upstream = await started.backend.upstream;
    upstream.send('"a":');
    await sleep(50);
    upstream.send('1}').end();
    expect(await (await responded).text()).toBe('{"a":1}');
  });

  it.each<{ name: string; over: string; code: string }>([
    {
      name: 'an error of the server',
      over: event({ error: { message: 'no', code: 503 } }),
      code: 'overloaded',
    },
    { name: 'no JSON', over: 'data: oops\n\n', code: 'bad_upstream_response' },
    { name: 'an early end', over: 'end', code: 'upstream_disconnected' },
    { name: 'a broken connection', over: 'break', code: 'upstream_disconnected' },
  ])('$name: a last event with the error, and no [DONE]', async ({ over, code }) => {
    await using started = await start({ answer: 'stream' });
    const connection = await started.server.connect();
    connection.send(request());
    const upstream = await started.backend.upstream;
    upstream.send(FIRST, HELLO);
    await connection.receive('"content":"Hello"');
    if (over === 'end') upstream.end();
    else if (over === 'break') upstream.break();
    else upstream.send(over);
    const { body, status } = await connection.response();
    expect(status).toBe(200);
    const events = eventsOf(body);
    expect(events).toHaveLength(3);
    expect((events[2] as ErrorEnvelope).error).toMatchObject({ code, type: 'server_error', param: null });
    expect(body).toMatch(/^data: [^\n]*\n\ndata: [^\n]*\n\ndata: \{"error":[^\n]*\n\n$/);
    await vi.waitFor(() => expect(started.server.log).toMatchObject([{ status: 200, error: code }]));
    expect(started.backend.overs).toHaveLength(1);
  });

  it('before its first chunk fails with a status', async () => {
    await using started = await start({ answer: 'stream' });
    const responded = started.server.post(chatRequest({ stream: true }));
    const upstream = await started.backend.upstream;
    upstream.send(': a\n\n', FIRST.slice(0, 20)).break();
    const response = await responded;
    expect(response.status).toBe(500);
    const busy = await start({ answer: 'stream' });
    const refused = busy.server.post(chatRequest({ stream: true }));
    (await busy.backend.upstream).send(event({ error: { message: 'busy', code: 429 } }));
    expect((await refused).status).toBe(429);
    await busy[Symbol.asyncDispose]();
  });

  it('that takes too long ends with an error', async () => {
    await using started = await start({ answer: 'stream', answerTimeoutMs: 60 });
    const responded = started.server.post(chatRequest({ stream: true }));
    const upstream = await started.backend.upstream;
    upstream.send(FIRST);
    const events = eventsOf(await (await responded).text());
    expect(events).toMatchObject([{ object: 'chat.completion.chunk' }, { error: { code: 'timeout' } }]);
    expect(upstream.isAborted).toBe(true);
    expect(started.backend.overs).toEqual([expect.objectContaining({ code: 'timeout' })]);
  });
});

describe('relayAnswer, an object that flows', () => {
  it.each(['end', 'break'] as const)('is cut off when it is broken (%s)', async (over) => {
    await using started = await start({ answer: 'json' });
    const connection = await started.server.connect();
    connection.send(request());
    const upstream = await started.backend.upstream;
    upstream.send('"a":"half');
    await connection.receive('half');
    upstream[over]();
    await connection.closed();
    expect(connection.pending).toContain('half');
    // No last chunk: nobody takes it for complete.
    expect(connection.pending).not.toContain('0\r\n\r\n');
    expect(connection.pending).not.toContain('error');
    await vi.waitFor(() => expect(started.server.log).toMatchObject([{ error: 'upstream_disconnected' }]));
    expect(started.backend.overs).toHaveLength(1);
  });

  it('makes a client fail when it is broken', async () => {
    await using started = await start({ answer: 'json' });
    const responded = started.server.post(chatRequest());
    const upstream = await started.backend.upstream;
    upstream.send('"a":1');
    const response = await responded;
    upstream.break();
    await expect(response.text()).rejects.toThrow('terminated');
  });
});

describe('relayAnswer, a client that leaves', () => {
  it.each(['stream', 'json'] as const)('ends the work (%s)', async (answer) => {
    await using started = await start({ answer });
    const connection = await started.server.connect();
    connection.send(request());
    const upstream = await started.backend.upstream;
    upstream.send(answer === 'stream' ? FIRST : '"a":');
    await connection.receive(answer === 'stream' ? 'chat.completion.chunk' : '"a":');
    connection.destroy();
    await vi.waitFor(() => expect(started.backend.overs).toHaveLength(1), { interval: 2 });
    expect(started.backend.signals[0]?.aborted).toBe(true);
    expect(upstream.isAborted).toBe(true);
    expect(started.backend.overs).toEqual([expect.objectContaining({ code: 'cancelled' })]);
    await vi.waitFor(() => expect(started.server.log).toMatchObject([{ status: 499, error: 'cancelled' }]));
  });

  it('before the answer begins ends the work', async () => {
    await using started = await start({ answer: 'stream' });
    const connection = await started.server.connect();
    connection.send(request());
    const upstream = await started.backend.upstream;
    connection.destroy();
    await vi.waitFor(() => expect(upstream.isAborted).toBe(true), { interval: 2 });
    await vi.waitFor(() => expect(started.server.log).toMatchObject([{ status: 499, error: 'cancelled' }]));
  });
});

describe('relayAnswer, a client that is slow', () => {
  it.each(['stream', 'json'] as const)(
    'pauses the server behind, and gets everything (%s)',
    async (answer) => {
      await using started = await start({ answer });
      const connection = await started.server.connect();
      connection.send(request());
      const upstream = await started.backend.upstream;
      const [head, piece, last] =
        answer === 'stream'
          ? [FIRST, event({ model: 'served', choices: [], x: 'x'.repeat(30_000) }), FINISH + DONE]
          : ['"a":["', 'x'.repeat(30_000), '"]}'];
      upstream.send(head);
      await connection.receive('"');
      connection.socket.pause();
      const sent = await fill(started.backend, piece);
      expect(upstream.isPaused).toBe(true);
      upstream.send(last).end();
      connection.socket.resume();
      const { body } = await connection.response();
      expect(body).toBe(answer === 'stream' ? renamed(head + sent + last, MODEL) : `{${head}${sent}${last}`);
      expect(started.backend.overs).toEqual([undefined]);
    },
  );

  it.each(['stream', 'json'] as const)('and leaves ends the work (%s)', async (answer) => {
    await using started = await start({ answer });
    const connection = await started.server.connect();
    connection.send(request());
    const upstream = await started.backend.upstream;
    upstream.send(answer === 'stream' ? FIRST : '"a":["');
    await connection.receive('"');
    connection.socket.pause();
    await fill(
      started.backend,
      answer === 'stream' ? event({ choices: [], x: 'x'.repeat(30_000) }) : 'x'.repeat(30_000),
    );
    expect(upstream.isPaused).toBe(true);
    connection.socket.resetAndDestroy();
    await vi.waitFor(() => expect(started.backend.overs).toHaveLength(1), { interval: 2 });
    expect(upstream.isAborted).toBe(true);
    await vi.waitFor(() => expect(started.server.log).toMatchObject([{ error: 'cancelled' }]));
  });

  it('is cut off when the answer breaks: it would never come to the error', async () => {
    await using started = await start({ answer: 'stream', answerTimeoutMs: 400 });
    const connection = await started.server.connect();
    connection.send(request());
    const upstream = await started.backend.upstream;
    upstream.send(FIRST);
    await connection.receive('"');
    connection.socket.pause();
    await fill(started.backend, event({ choices: [], x: 'x'.repeat(30_000) }));
    await vi.waitFor(() => expect(started.backend.overs).toHaveLength(1), { interval: 5 });
    await vi.waitFor(() => expect(started.server.log).toMatchObject([{ error: 'timeout' }]));
    connection.socket.resume();
    await connection.closed();
    expect(connection.pending).not.toContain('"error"');
    expect(connection.pending).not.toContain('[DONE]');
  });
});
