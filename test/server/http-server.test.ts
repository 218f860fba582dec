import { describe, expect, it } from 'vitest';
import type { ErrorBody } from '../../src/wire/openai/error.ts';
import { RawConnection } from './raw-connection.ts';
import { chatRequest, TestServer } from './test-server.ts';

const VERTEX = '/v1/projects/p/locations/l/endpoints';
const CHAT_PATHS = [
  `${VERTEX}/openapi/chat/completions`,
  `${VERTEX}/1234567890/chat/completions`,
  `/v1beta1/projects/p/locations/l/endpoints/openapi/chat/completions`,
  '/v1beta/openai/chat/completions',
  '/v1beta/chat/completions',
  '/v1/chat/completions',
  '/chat/completions',
];

describe('createHttpServer, routes', () => {
  it('answers every chat path, also with slashes too many, a query, or as an absolute URL', async () => {
    await using server = await TestServer.start();
    const connection = await server.connect();
    for (const path of CHAT_PATHS) {
      for (const target of [
        path,
        `${path}/`,
        `/${path}`,
        `${path}?alt=sse`,
        `http://other.example:1${path}?x`,
      ]) {
        connection.send(RawConnection.request([`POST ${target} HTTP/1.1`], JSON.stringify(chatRequest())));
        const response = await connection.response();
        expect([target, response.status, response.body.slice(0, 200)]).toEqual([
          target,
          200,
          expect.stringContaining('chat.completion'),
        ]);
      }
    }
    expect(server.backend.calls).toHaveLength(CHAT_PATHS.length * 5);
  });

  it.each<{ start: string; status: number; code: string; allow?: string }>([
    { start: 'GET / HTTP/1.1', status: 404, code: 'not_found' },
    { start: 'GET /metrics HTTP/1.1', status: 404, code: 'not_found' },
    { start: 'POST /v1/embeddings HTTP/1.1', status: 404, code: 'not_found' },
    { start: 'OPTIONS * HTTP/1.1', status: 404, code: 'not_found' },
    { start: 'GET /v1/chat%2fcompletions HTTP/1.1', status: 404, code: 'not_found' },
    { start: 'GET /v1/../healthz HTTP/1.1', status: 404, code: 'not_found' },
    { start: 'GET /v1/models/%zz HTTP/1.1', status: 404, code: 'not_found' },
    { start: 'GET /%ff%fe HTTP/1.1', status: 404, code: 'not_found' },
    { start: 'GET /v1/models/%00 HTTP/1.1', status: 404, code: 'model_not_found' },
    { start: 'GET /v1/models/%2e%2e HTTP/1.1', status: 404, code: 'model_not_found' },
    { start: 'GET /v1/models/%0d%0aset-cookie:%20a HTTP/1.1', status: 404, code: 'model_not_found' },
    { start: `GET /v1/models/${'x'.repeat(5000)} HTTP/1.1`, status: 404, code: 'model_not_found' },
    { start: `POST ${VERTEX}/1:predict HTTP/1.1`, status: 501, code: 'unsupported' },
    { start: 'POST /v1beta/openai/videos HTTP/1.1', status: 501, code: 'unsupported' },
    { start: 'GET /v1/chat/completions HTTP/1.1', status: 405, code: 'method_not_allowed', allow: 'POST' },
    { start: 'PUT /v1/chat/completions HTTP/1.1', status: 405, code: 'method_not_allowed', allow: 'POST' },
    { start: 'OPTIONS /chat/completions HTTP/1.1', status: 405, code: 'method_not_allowed', allow: 'POST' },
    { start: 'TRACE /v1/chat/completions HTTP/1.1', status: 405, code: 'method_not_allowed', allow: 'POST' },
    { start: 'PROPFIND /v1/models HTTP/1.1', status: 405, code: 'method_not_allowed', allow: 'GET, HEAD' },
    { start: 'QUERY /v1/models HTTP/1.1', status: 405, code: 'method_not_allowed', allow: 'GET, HEAD' },
    { start: 'POST /healthz HTTP/1.1', status: 405, code: 'method_not_allowed', allow: 'GET, HEAD' },
    { start: 'CONNECT other.example:443 HTTP/1.1', status: 405, code: 'method_not_allowed' },
    { start: 'CONNECT /v1/chat/completions HTTP/1.1', status: 405, code: 'method_not_allowed' },
  ])('$start -> $status $code', async ({ start, status, code, allow }) => {
    await using server = await TestServer.start();
    const response = await server.exchange([start]);
    expect(response.status).toBe(status);
    expect(response.headers['allow']).toBe(allow);
    expect(response.headers['x-request-id']).toMatch(/^req_/);
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.headers['set-cookie']).toBeUndefined();
    const { error } = JSON.parse(response.body) as ErrorBody;
    expect(error).toEqual({
      message: expect.stringMatching(/^[\x20-\x7e]+$/),
      type: 'invalid_request_error',
      param: code === 'model_not_found' ? 'model' : null,
      code,
    });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it.each(['/healthz', '/readyz', '/v1/models', '/v1/models/x'])('HEAD %s', async (path) => {
    await using server = await TestServer.start();
    const get = await server.exchange([`GET ${path} HTTP/1.1`]);
    const head = await server.exchange([`HEAD ${path} HTTP/1.1`]);
    expect(head.status).toBe(200);
    expect(head.headers['content-length']).toBe(String(get.body.length));
  });

  it('answers HEAD on chat routes like any wrong method, without a body', async () => {
    await using server = await TestServer.start();
    const connection = await server.connect();
    connection.send(RawConnection.request(['HEAD /v1/chat/completions HTTP/1.1']));
    connection.send(RawConnection.request(['GET /healthz HTTP/1.1']));
    expect(await connection.response('HEAD')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect((await connection.response('GET')).body).toBe('{"status":"ok"}');
  });

  it.each([
    ['/v1/models', 'scripted-model-1'],
    ['/v1beta/openai/models', 'models/scripted-model-1'],
    [`${VERTEX}/openapi/models`, 'google/scripted-model-1'],
  ])('lists the models of %s', async (path, id) => {
    await using server = await TestServer.start();
    const list: unknown = await (await fetch(`${server.url}${path}`)).json();
    const model = {
      id,
      object: 'model',
      created: 1_700_000_000,
      owned_by: 'tests',
      parlance: { upstream: 'scripted', kind: 'embedded', model: 'scripted-model-1' },
    };
    expect(list).toEqual({ object: 'list', data: [model] });
    const one: unknown = await (await fetch(`${server.url}${path}/${encodeURIComponent(id)}`)).json();
    expect(one).toEqual(model);
  });
});

describe('createHttpServer, readiness', () => {
  it('says that everything is ready', async () => {
    await using server = await TestServer.start();
    const response = await fetch(`${server.url}/readyz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ready', upstreams: { scripted: { ready: true } } });
  });

  it('says what is not ready, why, and when to come back', async () => {
    const readiness = { ready: false, reason: 'the model is being fetched', retryAfterSeconds: 1.5 } as const;
    await using server = await TestServer.start({ script: { readiness } });
    const response = await fetch(`${server.url}/readyz`);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await response.json()).toEqual({ status: 'not ready', upstreams: { scripted: readiness } });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

describe('createHttpServer, keys', () => {
  const KEY = 'sk-0123456789abcdef';

  it.each<{ name: string; headers?: string[]; query?: string }>([
    { name: 'Authorization', headers: [`authorization: Bearer ${KEY}`] },
    { name: 'Authorization in small letters', headers: [`authorization: bearer ${KEY}`] },
    { name: 'x-goog-api-key', headers: [`x-goog-api-key: ${KEY}`] },
    { name: 'api-key', headers: [`api-key: ${KEY}`] },
    { name: '?key=', query: `?alt=sse&key=${KEY}` },
    { name: '?key= with escapes', query: `?key=%73k-0123456789abcdef` },
    { name: 'a header beside Basic', headers: ['authorization: Basic eDp5', `api-key: ${KEY}`] },
  ])('lets in $name', async ({ headers = [], query = '' }) => {
    await using server = await TestServer.start({ keys: ['another', KEY] });
    const head = [`POST /v1/chat/completions${query} HTTP/1.1`, ...headers];
    expect((await server.exchange(head, JSON.stringify(chatRequest()))).status).toBe(200);
  });

  it.each<{ name: string; headers?: string[]; query?: string; message: string }>([
    { name: 'nothing', message: 'No API key was sent' },
    { name: 'an empty bearer', headers: ['authorization: Bearer '], message: 'No API key was sent' },
    { name: 'Basic', headers: ['authorization: Basic eDp5'], message: 'No API key was sent' },
    { name: 'an empty ?key=', query: '?key=', message: 'No API key was sent' },
    { name: 'a wrong key', headers: ['authorization: Bearer wrong'], message: 'not one of this server' },
    { name: 'a prefix', headers: [`authorization: Bearer ${KEY.slice(0, -1)}`], message: 'not one of' },
    { name: 'a longer key', headers: [`authorization: Bearer ${KEY}0`], message: 'not one of' },
    { name: 'other letters', headers: [`authorization: Bearer ${KEY.toUpperCase()}`], message: 'not one of' },
    { name: 'two keys', headers: [`api-key: ${KEY}`, 'api-key: other'], message: 'not one of' },
    { name: 'a broken escape', query: '?key=%zz', message: 'not one of' },
    { name: 'a key in the path of another query', query: `?xkey=${KEY}`, message: 'No API key was sent' },
  ])('keeps out $name', async ({ headers = [], query = '', message }) => {
    await using server = await TestServer.start({ keys: [KEY] });
    const head = [`POST /v1/chat/completions${query} HTTP/1.1`, ...headers];
    const response = await server.exchange(head, JSON.stringify(chatRequest()));
    expect(response.status).toBe(401);
    const reason = message === 'No API key was sent' ? '' : ', error="invalid_token"';
    expect(response.headers['www-authenticate']).toBe(`Bearer realm="parlance"${reason}`);
    expect(JSON.parse(response.body)).toEqual({
      error: {
        message: expect.stringContaining(message),
        type: 'authentication_error',
        param: null,
        code: 'invalid_api_key',
      },
    });
    expect(server.backend.calls).toHaveLength(0);
  });

  it('asks for none at the probes, and for one at the model lists', async () => {
    await using server = await TestServer.start({ keys: [KEY] });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(401);
    expect((await fetch(`${server.url}/v1/models/x`)).status).toBe(401);
  });

  it('does not bind a connection to a key', async () => {
    await using server = await TestServer.start({ keys: [KEY] });
    const connection = await server.connect();
    for (const [key, status] of [
      [KEY, 200],
      ['wrong', 401],
      [KEY, 200],
    ] as const) {
      connection.send(RawConnection.request(['GET /v1/models HTTP/1.1', `authorization: Bearer ${key}`]));
      expect((await connection.response('GET')).status).toBe(status);
    }
  });
});

describe('createHttpServer, request ids', () => {
  it.each(['abc', 'A-1.2:3_x', 'x'.repeat(128)])('keeps %s', async (id) => {
    await using server = await TestServer.start();
    const response = await server.exchange(['GET /healthz HTTP/1.1', `x-request-id: ${id}`]);
    expect(response.headers['x-request-id']).toBe(id);
  });

  it.each(['', 'x'.repeat(129), 'a b', 'a"b', 'é', '{}', 'a,b', 'a\tb'])('replaces %j', async (id) => {
    await using server = await TestServer.start();
    const response = await server.exchange(['GET /nowhere HTTP/1.1', `x-request-id: ${id}`]);
    expect(response.headers['x-request-id']).toMatch(/^req_[0-9A-Za-z]{24}$/);
  });

  it('replaces an id that came twice', async () => {
    await using server = await TestServer.start();
    const response = await server.exchange(['GET /healthz HTTP/1.1', 'x-request-id: a', 'x-request-id: b']);
    expect(response.headers['x-request-id']).toMatch(/^req_/);
  });
});
