import { describe, expect, it, vi } from 'vitest';
import type { ChatEventBatch } from '../../src/translate/events/chat-event.ts';
import { GatewayError } from '../../src/errors.ts';
import type { ChatCompletion, ChatCompletionChunk } from '../../src/wire/openai/response.ts';
import { RawConnection } from './raw-connection.ts';
import { answer, type Script, type Step } from './scripted-backend.ts';
import { chatRequest, type ErrorEnvelope, eventsOf, TestServer } from './test-server.ts';

const PATHS = {
  vertex: '/v1/projects/my-project/locations/us-central1/endpoints/openapi/chat/completions',
  devapi: '/v1beta/openai/chat/completions',
  plain: '/v1/chat/completions',
} as const;

const USAGE = {
  prompt_tokens: 6,
  completion_tokens: 24,
  total_tokens: 30,
  prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 20 },
};

/** Thoughts, then an answer: contract section 17.3. */
const THINKING: ChatEventBatch[] = [
  [{ type: 'thought-delta', choice: 0, text: 'Add.' }],
  [{ type: 'text-delta', choice: 0, text: 'It is ' }],
  [
    { type: 'text-delta', choice: 0, text: '4.' },
    { type: 'choice-finish', choice: 0, reason: 'stop' },
  ],
  [{ type: 'usage-update', usage: { prompt: 6, answer: 4, thoughts: 20 } }],
];

const ASKED = { extra_body: { google: { thinking_config: { include_thoughts: true } } } };
const MARKED = {
  extra_body: { google: { thinking_config: { include_thoughts: true }, thought_tag_marker: 'think' } },
};
const STREAM_USAGE = { stream: true, stream_options: { include_usage: true } };

describe('answerChat, one object', () => {
  it.each<{ family: keyof typeof PATHS; fields: object; content: string; reasoning?: string }>([
    { family: 'vertex', fields: MARKED, content: '<think>Add.</think>It is 4.' },
    { family: 'vertex', fields: ASKED, content: 'Add.It is 4.' },
    { family: 'vertex', fields: {}, content: 'It is 4.' },
    { family: 'devapi', fields: ASKED, content: '<thought>Add.</thought>It is 4.' },
    { family: 'plain', fields: {}, content: 'It is 4.', reasoning: 'Add.' },
    { family: 'plain', fields: MARKED, content: '<think>Add.</think>It is 4.' },
  ])('$family with $fields', async ({ family, fields, content, reasoning }) => {
    await using server = await TestServer.start({ script: { steps: THINKING } });
    const response = await server.post(chatRequest(fields as Record<string, unknown>), PATHS[family]);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const completion = (await response.json()) as ChatCompletion;
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'google/gemini-2.5-flash',
      choices: [{ index: 0, finish_reason: 'stop' }],
      usage: USAGE,
    });
    expect(completion.id).toMatch(/^chatcmpl-[0-9A-Za-z]{24}$/);
    expect(completion.choices[0]?.message.content).toBe(content);
    expect(completion.choices[0]?.message.reasoning_content).toBe(reasoning);
  });

  it('says in headers who answered, what was ignored and what it took', async () => {
    await using server = await TestServer.start({
      script: {
        name: 'höst\r\nx: y',
        modelVersion: 'm-1',
        ignored: ['metadata', 'x\r\nset-cookie: a=b', 'é'],
        before: [{ pause: 20 }],
      },
    });
    const { headers, status } = await server.post(chatRequest(), PATHS.plain, { 'x-request-id': 'mine-1' });
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-request-id': 'mine-1',
      'x-parlance-upstream': 'h?st??x: y',
      'x-parlance-model-version': 'm-1',
      'x-parlance-ignored': 'metadata, x??set-cookie: a=b, ?',
    });
    expect(headers.has('set-cookie')).toBe(false);
    const timing = /^total;dur=([\d.]+), upstream;dur=([\d.]+), own;dur=([\d.]+)$/.exec(
      headers.get('server-timing') ?? '',
    );
    const [total, upstream, own] = (timing ?? []).slice(1).map(Number);
    expect(upstream).toBeGreaterThan(15);
    expect(total).toBeCloseTo((upstream ?? 0) + (own ?? 0), 0);
  });

  it.each([true, false])('says where signatures came from (stream: %s)', async (stream) => {
    await using server = await TestServer.start({ script: { signature: 'vault' } });
    const { headers } = await server.post(chatRequest({ stream }));
    expect(headers.get('x-parlance-signature')).toBe('vault');
    await using silent = await TestServer.start();
    expect((await silent.post(chatRequest({ stream }))).headers.has('x-parlance-signature')).toBe(false);
  });

  it('tells the backend whose request it is, and never the key', async () => {
    await using server = await TestServer.start();
    const keys = ['key-one', 'key-two', 'key-one'];
    for (const key of keys) await server.post(chatRequest(), PATHS.plain, { authorization: `Bearer ${key}` });
    await server.post(chatRequest(), `${PATHS.plain}?key=key-two`);
    await server.post(chatRequest());
    const tenants = server.backend.calls.map(({ tenant }) => tenant);
    expect(tenants[2]).toBe(tenants[0]);
    expect(tenants[3]).toBe(tenants[1]);
    expect(new Set(tenants).size).toBe(3);
    expect(tenants.join()).not.toContain('key-');
  });

  it('cuts headers whose content the client chooses', async () => {
    await using server = await TestServer.start({ script: { ignored: ['x'.repeat(100_000)] } });
    const { headers } = await server.post(chatRequest());
    expect(headers.get('x-parlance-ignored')).toHaveLength(2048);
  });

  it('serves an endpoint without a model and names the one that answered', async () => {
    await using server = await TestServer.start();
    const path = '/v1beta1/projects/p/locations/l/endpoints/1234567890/chat/completions';
    const response = await server.post({ messages: [{ role: 'user', content: 'Hi' }] }, path);
    expect(await response.json()).toMatchObject({ model: 'scripted-model-1' });
    const unknown = await server.post(chatRequest(), path.replace('1234567890', 'constructor'));
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { code: 'endpoint_not_found' } });
  });

  it('answers every problem of a request at once', async () => {
    await using server = await TestServer.start();
    const response = await server.post(chatRequest({ temperature: 'hot', n: 99, messages: [{ role: 'x' }] }));
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as ErrorEnvelope;
    expect(error.type).toBe('invalid_request_error');
    expect(error.problems?.length).toBeGreaterThanOrEqual(3);
    expect(error.message).toMatch(/temperature.*\bn: /s);
    expect(server.backend.calls).toHaveLength(0);
  });
});

describe('answerChat, stream', () => {
  async function stream(script: Script, fields: object, path: string = PATHS.plain) {
    await using server = await TestServer.start({ script });
    const response = await server.post(chatRequest({ stream: true, ...fields }), path);
    const events = eventsOf(await response.text());
    return {
      response,
      events,
      chunks: events.filter((event) => event !== '[DONE]') as ChatCompletionChunk[],
    };
  }

  it.each<{ family: keyof typeof PATHS; fields: object; deltas: object[] }>([
    {
      family: 'vertex',
      fields: MARKED,
      deltas: [
        { content: '<think>Add.', extra_content: { google: { thought: true } } },
        { content: '</think>It is ' },
      ],
    },
    {
      family: 'devapi',
      fields: { ...ASKED, ...STREAM_USAGE },
      deltas: [
        { content: '<thought>Add.', extra_content: { google: { thought: true } } },
        { content: '</thought>It is ' },
      ],
    },
    {
      family: 'plain',
      fields: { ...ASKED, ...STREAM_USAGE },
      deltas: [{ reasoning_content: 'Add.' }, { content: 'It is ' }],
    },
  ])(
    '$family: role first, thoughts as the family has them, [DONE] last',
    async ({ family, fields, deltas }) => {
      const { response, events, chunks } = await stream({ steps: THINKING }, fields, PATHS[family]);
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
        'x-request-id': expect.stringMatching(/^req_/),
        'x-parlance-upstream': 'scripted',
        'server-timing': expect.stringContaining('upstream;dur='),
      });
      expect(events.at(-1)).toBe('[DONE]');
      expect(chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta))).toEqual([
        { role: 'assistant', content: '' },
        ...deltas,
        { content: '4.' },
        {},
      ]);
      expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    },
  );

  it.each<{ family: keyof typeof PATHS; fields: object; usages: unknown[] }>([
    { family: 'vertex', fields: {}, usages: [undefined, undefined, undefined, undefined, USAGE] },
    { family: 'devapi', fields: {}, usages: [undefined, undefined, undefined, undefined, undefined] },
    { family: 'plain', fields: {}, usages: [undefined, undefined, undefined, undefined, undefined] },
    { family: 'vertex', fields: STREAM_USAGE, usages: [null, null, null, null, null, USAGE] },
    { family: 'devapi', fields: STREAM_USAGE, usages: [null, null, null, null, null, USAGE] },
    { family: 'plain', fields: STREAM_USAGE, usages: [null, null, null, null, null, USAGE] },
  ])('$family: usage with $fields', async ({ family, fields, usages }) => {
    const { chunks } = await stream({ steps: THINKING }, { ...ASKED, ...fields }, PATHS[family]);
    expect(chunks.map(({ usage }) => usage)).toEqual(usages);
    expect(chunks.at(-1)?.choices).toHaveLength('stream_options' in fields ? 0 : 1);
  });

  it('sends chunks as they come', async () => {
    await using server = await TestServer.start({
      script: { steps: [...answer('one').slice(0, 2), 'silence'] },
    });
    const connection = await server.connect();
    connection.send(
      RawConnection.request([`POST ${PATHS.plain} HTTP/1.1`], JSON.stringify(chatRequest({ stream: true }))),
    );
    const sofar = await connection.receive('"content":"one"');
    expect(sofar).toMatch(/connection: keep-alive/i);
    expect(sofar).not.toContain('[DONE]');
  });

  it('keeps a silent stream alive with comments', async () => {
    await using server = await TestServer.start({
      script: { steps: [{ pause: 100 }, ...answer('late')] },
      streamKeepAliveMs: 10,
    });
    const response = await server.post(chatRequest({ stream: true }));
    const text = await response.text();
    expect(text.split(': keep-alive\n\n').length).toBeGreaterThan(3);
    expect(eventsOf(text).at(-1)).toBe('[DONE]');
  });

  it('speaks HTTP/1.0 without chunked coding', async () => {
    await using server = await TestServer.start();
    const connection = await server.connect();
    connection.send(
      RawConnection.request([`POST ${PATHS.plain} HTTP/1.0`], JSON.stringify(chatRequest({ stream: true }))),
    );
    const response = await connection.response();
    expect(response.headers['transfer-encoding']).toBeUndefined();
    expect(response.headers['connection']).toBe('close');
    expect(eventsOf(response.body).at(-1)).toBe('[DONE]');
  });
});

describe('answerChat, failures of a backend', () => {
  const overloaded = new GatewayError('queue_full', 'Too many requests wait.', { retryAfterSeconds: 1.2 });
  const secret = new Error('the password is hunter2');

  it.each([true, false])('before the answer: an HTTP status (stream: %s)', async (stream) => {
    await using server = await TestServer.start({ script: { before: [{ fail: overloaded }] } });
    const response = await server.post(chatRequest({ stream }));
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(response.headers.get('retry-after-ms')).toBe('1200');
    expect(response.headers.has('x-should-retry')).toBe(false);
    expect(await response.json()).toEqual({
      error: { message: overloaded.message, type: 'rate_limit_error', param: null, code: 'queue_full' },
    });
  });

  it('tells SDKs not to retry what cannot succeed, and shows what Google said', async () => {
    const google = { code: 429, status: 'RESOURCE_EXHAUSTED' };
    const fail = new GatewayError('insufficient_quota', 'None left.', { shouldRetry: false, google });
    await using server = await TestServer.start({ script: { before: [{ fail }] } });
    const response = await server.post(chatRequest());
    expect(response.status).toBe(429);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(await response.json()).toMatchObject({ error: { code: 'insufficient_quota', google } });
  });

  it.each<{ name: string; steps: Step[] }>([
    { name: 'at once', steps: [{ fail: overloaded }] },
    { name: 'in the middle', steps: [...answer('Hel').slice(0, 2), { fail: overloaded }] },
  ])('of the iterator, $name: an event and no [DONE]', async ({ steps }) => {
    await using server = await TestServer.start({ script: { steps } });
    const response = await server.post(chatRequest({ stream: true }));
    const events = eventsOf(await response.text());
    expect(response.status).toBe(200);
    expect(events).not.toContain('[DONE]');
    expect(events.at(-1)).toEqual({
      error: { message: overloaded.message, type: 'rate_limit_error', param: null, code: 'queue_full' },
    });
    expect(server.log).toMatchObject([{ level: 'info', status: 200, error: 'queue_full' }]);
    const whole = await server.post(chatRequest());
    expect(whole.status).toBe(429);
  });

  it.each<{ name: string; script: Script; stream: boolean }>([
    { name: 'before the answer', script: { before: [{ fail: secret }] }, stream: false },
    { name: 'before the stream', script: { before: [{ fail: secret }] }, stream: true },
    {
      name: 'in the answer',
      script: { steps: [...answer('x').slice(0, 2), { fail: secret }] },
      stream: false,
    },
    {
      name: 'in the stream',
      script: { steps: [...answer('x').slice(0, 2), { fail: secret }] },
      stream: true,
    },
  ])('an unknown exception $name is told to the log only', async ({ script, stream }) => {
    await using server = await TestServer.start({ script });
    const response = await server.post(chatRequest({ stream }));
    const text = await response.text();
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain('.ts:');
    expect(text).toContain('"code":"internal_error"');
    expect(response.status).toBe(text.includes('data: ') ? 200 : 500);
    await vi.waitFor(() => expect(server.log).toHaveLength(1));
    expect(server.log[0]).toMatchObject({
      level: 'error',
      error: 'internal_error',
      err: { message: secret.message, stack: expect.stringContaining('answer-chat.test.ts') },
    });
  });

  it.each([undefined, null, 'text', 7, Object.create(null), { toString: null }])(
    'even %o may be thrown',
    async (thrown) => {
      await using server = await TestServer.start({ script: { before: [{ fail: thrown }] } });
      expect((await server.post(chatRequest())).status).toBe(500);
      await vi.waitFor(() => expect(server.log).toMatchObject([{ level: 'error' }]));
    },
  );
});

describe('answerChat, the deadline', () => {
  const endings = ['throw', 'end', 'ignore'] as const;

  it.each(endings)('answers 504 before the answer begins (backend: %s)', async (onAbort) => {
    await using server = await TestServer.start({
      script: { before: ['silence'], onAbort, answerTimeoutMs: 30 },
    });
    const response = await server.post(chatRequest({ stream: true }));
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ error: { code: 'timeout', type: 'server_error' } });
    expect(server.backend.aborts).toBe(1);
  });

  it.each(endings)('answers 504 rather than half an answer (backend: %s)', async (onAbort) => {
    await using server = await TestServer.start({
      script: { steps: [...answer('half').slice(0, 2), 'silence'], onAbort, answerTimeoutMs: 30 },
    });
    const response = await server.post(chatRequest());
    expect(response.status).toBe(504);
  });

  it.each(endings)('ends a stream with an error event (backend: %s)', async (onAbort) => {
    await using server = await TestServer.start({
      script: { steps: [...answer('half').slice(0, 2), 'silence'], onAbort, answerTimeoutMs: 30 },
    });
    const response = await server.post(chatRequest({ stream: true }));
    const events = eventsOf(await response.text());
    expect(events.at(-1)).toMatchObject({ error: { code: 'timeout' } });
    expect(events).not.toContain('[DONE]');
    expect(server.backend.aborts).toBe(1);
  });

  it('is over when the answer is', async () => {
    await using server = await TestServer.start({ script: { answerTimeoutMs: 20 } });
    await (await server.post(chatRequest())).text();
    await (await server.post(chatRequest({ stream: true }))).text();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(server.backend.aborts).toBe(0);
  });
});

function bytesOf(stream: boolean): Buffer {
  return RawConnection.request([`POST ${PATHS.plain} HTTP/1.1`], JSON.stringify(chatRequest({ stream })));
}

describe('answerChat, a client that leaves', () => {
  it.each<{ name: string; stream: boolean; script: Script; until?: string }>([
    { name: 'while a stream waits to begin', stream: true, script: { before: ['silence'] } },
    { name: 'while an answer waits to begin', stream: false, script: { before: ['silence'] } },
    { name: 'in the middle of an answer', stream: false, script: { steps: [...answer('a'), 'silence'] } },
    {
      name: 'in the middle of a stream',
      stream: true,
      script: { steps: [...answer('a').slice(0, 2), 'silence'] },
      until: '"content":"a"',
    },
  ])('$name aborts the work', async ({ stream, script, until }) => {
    await using server = await TestServer.start({ script });
    const connection = await server.connect();
    connection.send(bytesOf(stream));
    await vi.waitFor(() => expect(server.backend.calls).toHaveLength(1), { interval: 2 });
    if (until !== undefined) await connection.receive(until);
    connection.destroy();
    await vi.waitFor(() => expect(server.backend.aborts).toBe(1), { interval: 2 });
    await vi.waitFor(() => expect(server.log).toMatchObject([{ status: 499, error: 'cancelled' }]));
    expect((await server.post(chatRequest(), '/healthz')).status).toBe(405);
  });

  it('also when it only closes its sending side', async () => {
    await using server = await TestServer.start({ script: { before: ['silence'] } });
    const connection = await server.connect();
    connection.send(bytesOf(false));
    await vi.waitFor(() => expect(server.backend.calls).toHaveLength(1), { interval: 2 });
    connection.socket.end();
    await vi.waitFor(() => expect(server.backend.aborts).toBe(1), { interval: 2 });
  });

  it('aborts all requests of a connection, also those that wait behind others', async () => {
    await using server = await TestServer.start({ script: { before: ['silence'] } });
    const connection = await server.connect();
    connection.send(Buffer.concat([bytesOf(false), bytesOf(true), bytesOf(false)]));
    await vi.waitFor(() => expect(server.backend.calls).toHaveLength(3), { interval: 2 });
    connection.destroy();
    await vi.waitFor(() => expect(server.backend.aborts).toBe(3), { interval: 2 });
    await vi.waitFor(() => expect(server.log).toHaveLength(3));
    for (const line of server.log) expect(line).toMatchObject({ status: 499, error: 'cancelled' });
  });

  it('aborts nothing of the requests before it on a kept connection', async () => {
    await using server = await TestServer.start();
    const connection = await server.connect();
    for (const stream of [false, true, false]) {
      connection.send(bytesOf(stream));
      expect((await connection.response()).status).toBe(200);
    }
    connection.destroy();
    await vi.waitFor(() => expect(server.log).toHaveLength(3));
    expect(server.backend.aborts).toBe(0);
    expect(server.log).toMatchObject([{ status: 200 }, { status: 200, promptTokens: 6 }, { status: 200 }]);
  });

  it('answers pipelined requests in their order', async () => {
    await using server = await TestServer.start({ script: { before: [{ pause: 5 }] } });
    const connection = await server.connect();
    const ids = Array.from({ length: 20 }, (_, index) => `r${index}`);
    const body = JSON.stringify(chatRequest({ stream: true }));
    for (const id of ids) {
      connection.send(RawConnection.request([`POST ${PATHS.plain} HTTP/1.1`, `x-request-id: ${id}`], body));
    }
    for (const id of ids) {
      const response = await connection.response();
      expect(response.headers['x-request-id']).toBe(id);
      expect(eventsOf(response.body).at(-1)).toBe('[DONE]');
    }
  });
});

function* endless(): Generator<Step> {
  const text = 'x'.repeat(64 * 1024);
  for (;;) yield [{ type: 'text-delta', choice: 0, text }];
}

describe('answerChat, a client that does not read', () => {
  it('is not sent more than the connection holds, and its deadline frees everything', async () => {
    await using server = await TestServer.start({ script: { steps: endless(), answerTimeoutMs: 400 } });
    const connection = await server.connect();
    connection.socket.pause();
    connection.send(
      RawConnection.request([`POST ${PATHS.plain} HTTP/1.1`], JSON.stringify(chatRequest({ stream: true }))),
    );
    let pulled = -1;
    // The kernel takes some megabytes; then nothing moves any more.
    await vi.waitFor(
      () => {
        const before = pulled;
        pulled = server.backend.pulled;
        expect(pulled).toBeGreaterThan(0);
        expect(pulled).toBe(before);
      },
      { interval: 60, timeout: 5000 },
    );
    expect(pulled * 64).toBeLessThan(16 * 1024);
    await vi.waitFor(() => expect(server.log).toMatchObject([{ error: 'timeout' }]), { timeout: 5000 });
    await vi.waitFor(() => expect(server.backend.returns).toBe(1));
  });

  it('goes on when it reads again', async () => {
    const steps = [...Array.from({ length: 200 }, () => answer('y'.repeat(64 * 1024))[1] ?? []), ...answer()];
    await using server = await TestServer.start({ script: { steps } });
    const connection = await server.connect();
    connection.socket.pause();
    connection.send(
      RawConnection.request([`POST ${PATHS.plain} HTTP/1.0`], JSON.stringify(chatRequest({ stream: true }))),
    );
    await vi.waitFor(() => expect(server.backend.pulled).toBeGreaterThan(0));
    let length = 0;
    connection.socket.removeAllListeners('data');
    connection.socket.on('data', (data) => {
      length += data.length;
    });
    connection.socket.resume();
    await vi.waitFor(() => expect(connection.isClosed).toBe(true), { timeout: 10_000 });
    expect(length).toBeGreaterThan(200 * 64 * 1024);
    expect(server.log).toMatchObject([{ status: 200 }]);
  });
});
