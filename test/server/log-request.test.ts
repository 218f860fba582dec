import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { RawConnection } from './raw-connection.ts';
import { answer, type Script } from './scripted-backend.ts';
import { chatRequest, TestServer } from './test-server.ts';

const CHAT = '/v1/chat/completions';

describe('the request log', () => {
  it('has one line for each request, and says what an operator asks for', async () => {
    await using server = await TestServer.start();
    await (await server.post(chatRequest({ stream: true }), CHAT, { 'x-request-id': 'one' })).text();
    await (await server.post(chatRequest(), '/v1beta/openai/chat/completions')).text();
    await (await fetch(`${server.url}/v1/models`)).text();
    await (await fetch(`${server.url}/nowhere`)).text();
    await vi.waitFor(() => expect(server.log).toHaveLength(4));
    expect(server.log[0]).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      requestId: 'one',
      method: 'POST',
      route: 'chat plain',
      status: 200,
      ms: expect.any(Number),
      upstream: 'scripted',
      model: 'scripted-model-1',
      promptTokens: 6,
      completionTokens: 24,
      msg: 'request',
    });
    expect(server.log.slice(1)).toMatchObject([
      { route: 'chat devapi', status: 200, promptTokens: 6, requestId: expect.stringMatching(/^req_/) },
      { route: 'models plain', status: 200, method: 'GET' },
      { route: 'unknown', status: 404, error: 'not_found' },
    ]);
  });

  it('leaves out the probes', async () => {
    await using server = await TestServer.start();
    await (await fetch(`${server.url}/healthz`)).text();
    await (await fetch(`${server.url}/readyz`)).text();
    await (await fetch(`${server.url}/v1/models`)).text();
    await vi.waitFor(() => expect(server.log).toMatchObject([{ route: 'models plain' }]));
  });

  it.each<{ name: string; script: Script; level: string; hasCause: boolean }>([
    {
      name: 'a failure of an upstream, with its cause',
      script: { before: [{ fail: new GatewayError('engine_crashed', 'x', { cause: new Error('why') }) }] },
      level: 'warn',
      hasCause: true,
    },
    {
      name: "a client's own error, without",
      script: {
        before: [{ fail: new GatewayError('unsupported_parameter', 'x', { cause: new Error('why') }) }],
      },
      level: 'info',
      hasCause: false,
    },
    {
      name: 'an upstream that is not ready',
      script: { before: [{ fail: new GatewayError('model_not_ready', 'x') }] },
      level: 'info',
      hasCause: false,
    },
  ])('$name', async ({ script, level, hasCause }) => {
    await using server = await TestServer.start({ script });
    await (await server.post(chatRequest())).text();
    await vi.waitFor(() => expect(server.log).toMatchObject([{ level }]));
    expect('err' in (server.log[0] ?? {})).toBe(hasCause);
  });
});

describe('the log at level trace', () => {
  const KEY = 'sk-SECRET-key-0123456789';
  const PROMPT = 'SECRET-prompt';
  const ANSWER = 'SECRET-answer';
  const body = JSON.stringify(
    chatRequest({ user: 'SECRET-user', messages: [{ role: 'user', content: PROMPT }] }),
  );
  const withKey = [`authorization: Bearer ${KEY}`, `x-goog-api-key: ${KEY}`, 'cookie: SECRET-cookie'];

  it.each<{ name: string; bytes: Buffer | string; status: number; script?: Script }>([
    {
      name: 'an answer',
      bytes: RawConnection.request([`POST ${CHAT}?key=${KEY} HTTP/1.1`, ...withKey], body),
      status: 200,
    },
    {
      name: 'a stream',
      bytes: RawConnection.request(
        [`POST ${CHAT}?key=${KEY} HTTP/1.1`, ...withKey],
        body.replace('{', '{"stream":true,'),
      ),
      status: 200,
    },
    {
      name: 'a wrong key',
      bytes: RawConnection.request([`POST ${CHAT}?key=${KEY}x HTTP/1.1`, `api-key: ${KEY}x`], body),
      status: 401,
    },
    {
      name: 'broken JSON',
      bytes: RawConnection.request([`POST ${CHAT} HTTP/1.1`, ...withKey], body.slice(0, -1)),
      status: 400,
    },
    {
      name: 'fields of wrong types',
      bytes: RawConnection.request(
        [`POST ${CHAT} HTTP/1.1`, ...withKey],
        body.replace('{', '{"temperature":"SECRET-temperature",'),
      ),
      status: 400,
    },
    {
      name: 'a compressed body',
      bytes: RawConnection.request(
        [`POST ${CHAT} HTTP/1.1`, ...withKey, 'content-encoding: gzip'],
        gzipSync(body),
      ),
      status: 415,
    },
    {
      name: 'an unknown path',
      bytes: RawConnection.request([`GET /SECRET-path?key=${KEY} HTTP/1.1`, ...withKey]),
      status: 404,
    },
    {
      name: 'a path with a broken escape',
      bytes: RawConnection.request([`GET /%zz?key=${KEY} HTTP/1.1`, ...withKey]),
      status: 404,
    },
    {
      name: 'a wrong method',
      bytes: RawConnection.request([`PUT ${CHAT}?key=${KEY} HTTP/1.1`, ...withKey], body),
      status: 405,
    },
    {
      name: 'broken HTTP',
      bytes: `POST ${CHAT}?key=${KEY} HTTP/1.1\r\n${KEY}: \0\r\n\r\n${body}`,
      status: 400,
    },
    {
      name: 'a broken body',
      bytes: `POST ${CHAT}?key=${KEY} HTTP/1.1\r\nhost: x\r\n${withKey.join('\r\n')}\r\ntransfer-encoding: chunked\r\n\r\n${body}`,
      status: 400,
    },
    {
      name: 'an exception of a backend',
      bytes: RawConnection.request([`POST ${CHAT} HTTP/1.1`, ...withKey], body),
      status: 500,
      script: {
        before: [
          { fail: Object.assign(new Error('boom'), { request: { body: PROMPT, key: KEY }, rawPacket: KEY }) },
        ],
      },
    },
    {
      name: 'a thrown object',
      bytes: RawConnection.request([`POST ${CHAT} HTTP/1.1`, ...withKey], body),
      status: 500,
      script: { before: [{ fail: { prompt: PROMPT, toString: () => PROMPT } }] },
    },
  ])('never holds keys, prompts, answers or URLs: $name', async ({ bytes, status, script }) => {
    await using server = await TestServer.start({
      keys: [KEY],
      script: script ?? { steps: answer(ANSWER) },
    });
    const connection = await server.connect();
    connection.send(bytes);
    const response = await connection.response();
    expect(response.status).toBe(status);
    await vi.waitFor(() => expect(server.log).toHaveLength(1));
    expect(JSON.stringify(server.log)).not.toMatch(/SECRET|chat\/completions/);
    expect(server.log[0]).toMatchObject({ status });
  });
});
