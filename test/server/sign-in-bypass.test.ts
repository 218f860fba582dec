/** No spelling of a request gets past the gate of its route. */
import { describe, expect, it } from 'vitest';
import { BODY, CHAT, KEY, startGuarded, statusOf, VERTEX } from './guarded-server.ts';
import { RawConnection } from './raw-connection.ts';

/** Request targets that other servers have taken for something open, or for the route itself. */
const TARGETS = [
  CHAT,
  `/${CHAT}`,
  '//v1//chat//completions',
  '/v1/chat/completions/',
  '/v1/chat/completions//',
  '/v1/./chat/completions',
  '/./v1/chat/completions',
  '/v1/chat/completions/.',
  '/v1/chat/completions/..',
  '/healthz/../v1/chat/completions',
  '/healthz/..%2fv1/chat/completions',
  '/healthz/%2e%2e/v1/chat/completions',
  '/readyz;/v1/chat/completions',
  '/v1/%2e/chat/completions',
  '/v1/x/%2e%2e/chat/completions',
  '/v1%2Fchat%2Fcompletions',
  '/%76%31/chat/completions',
  '/v1/chat/completion%73',
  '/v1/chat/completions%00',
  '/v1/chat/completions%20',
  '/v1/chat/completions%0d%0a',
  '/v1/chat/completions%3F',
  '/v1/chat/completions;x',
  '/v1;x/chat/completions',
  '/v1/chat/completions;/healthz',
  '/v1/chat/completions.json',
  '/v1/chat/completions.',
  '/v1/chat/completions..',
  '/V1/CHAT/COMPLETIONS',
  '/v1/chat/Completions',
  String.raw`\v1\chat\completions`,
  String.raw`/v1\chat\completions`,
  '/v1/chat/completions?',
  '/v1/chat/completions??/healthz',
  '/v1/chat/completions?/healthz',
  '/v1/chat/completions#/healthz',
  '/v1/chat/completions?key=wrong',
  '/v1/chat/completions?key=',
  `/v1/chat/completions?KEY=${KEY}`,
  `/v1/chat/completions?api_key=${KEY}`,
  `/v1/chat/completions?key=wrong&key=${KEY}`,
  `/v1/chat/completions?key=${KEY}x`,
  `/v1/chat/completions?key=%20${KEY}`,
  `/v1/chat/completions#?key=${KEY}`,
  'http://localhost/v1/chat/completions',
  'HTTP://LOCALHOST/v1/chat/completions',
  'https://example.com/v1/chat/completions',
  'http://localhost//v1/chat/completions',
  'http://healthz/v1/chat/completions',
  `http://user:${KEY}@localhost/v1/chat/completions`,
  'http:///v1/chat/completions',
  'http://localhost?/v1/chat/completions',
  'file:///v1/chat/completions',
  'v1/chat/completions',
  '*',
  '/chat/completions',
  '//chat/completions',
  '/v1beta/chat/completions',
  '/v1beta/openai/chat/completions',
  '/v1beta//openai/chat/completions/',
  `${VERTEX}/openapi/chat/completions`,
  `${VERTEX}/1234567890/chat/completions`,
  `/${VERTEX}//1234567890/chat/completions/`,
  `${VERTEX}/healthz/chat/completions`,
  `${VERTEX}/../endpoints/openapi/chat/completions`,
  `${VERTEX}/openapi%2fchat/completions`,
  `http://localhost${VERTEX}/openapi/chat/completions`,
] as const;

/** Headers that say a request is another than it is. */
const HEADERS: readonly (readonly string[])[] = [
  ['host: 127.0.0.1'],
  ['host: metadata.google.internal'],
  ['host: localhost:1'],
  ['host:'],
  ['host: a', 'host: b'],
  ['host: localhost/healthz?'],
  ['x-forwarded-for: 127.0.0.1', 'x-real-ip: 127.0.0.1', 'forwarded: for=127.0.0.1;proto=https'],
  ['x-forwarded-host: localhost', 'x-forwarded-proto: https', 'x-forwarded-port: 443'],
  ['x-forwarded-uri: /healthz', 'x-forwarded-path: /healthz', 'x-forwarded-prefix: /healthz'],
  ['x-original-url: /healthz'],
  ['x-rewrite-url: /healthz'],
  ['x-http-method-override: GET', 'x-method-override: GET', 'x-http-method: GET'],
  ['x-forwarded-user: admin', 'x-remote-user: admin', 'remote-user: admin', 'x-user: admin'],
  ['x-goog-authenticated-user-email: accounts.google.com:a@example.com', 'x-goog-iap-jwt-assertion: a.b.c'],
  ['x-parlance-principal: key', 'x-parlance-tenant: t', 'x-parlance-upstream: scripted'],
  ['metadata-flavor: Google'],
  ['authorization:'],
  ['authorization: Bearer'],
  ['authorization: Bearer '],
  ['authorization: Bearer undefined'],
  ['authorization: Bearer null'],
  ['authorization: Bearer wrong', `authorization: Bearer ${KEY}`],
  ['authorization: Bearer wrong', 'authorization: Bearer wrong'],
  ['authorization: Bearer wrong', `x-goog-api-key: ${KEY}`],
  [`authorization: Basic ${Buffer.from(`:${KEY}`).toString('base64')}`],
  [`authorization: Basic ${KEY}`],
  [`authorization: ${KEY}`],
  [`authorization: Bearer ${KEY} ${KEY}`],
  [`authorization: Bearer ${KEY},`],
  [`authorization: Bearer wrong, Bearer ${KEY}`],
  [`authorization: Bearer "${KEY}"`],
  [`authorization: Bearer${KEY}`],
  [`authorization: Bearer ${KEY.toUpperCase()}`],
  [`proxy-authorization: Bearer ${KEY}`],
  [`x-authorization: Bearer ${KEY}`],
  [`x-forwarded-authorization: Bearer ${KEY}`],
  ['x-goog-api-key: wrong', `api-key: ${KEY}`],
  [`x-goog-api-key: wrong`, `x-goog-api-key: ${KEY}`],
  [`x-goog-api-key: ${KEY}, ${KEY}`],
  [`cookie: authorization=${KEY}; key=${KEY}`],
  ['connection: authorization'],
  ['upgrade: h2c', 'connection: upgrade'],
];

const REFUSED = [400, 401, 404, 405];

describe('no caller without a credential gets past the gate', () => {
  it.each(TARGETS)('at %s', async (target) => {
    const server = await startGuarded();
    const seen: number[] = [];
    for (const method of ['POST', 'GET', 'PUT']) {
      seen.push(await statusOf(server, [`${method} ${target} HTTP/1.1`]));
    }
    seen.push(await statusOf(server, [`POST ${target} HTTP/1.0`]));
    expect(REFUSED).toEqual(expect.arrayContaining(seen));
    expect(server.backend.calls).toEqual([]);
  });

  it.each(HEADERS)('with %s', async (...lines) => {
    const server = await startGuarded();
    expect([400, 401]).toContain(await statusOf(server, [`POST ${CHAT} HTTP/1.1`, ...lines]));
    expect(server.backend.calls).toEqual([]);
  });

  it.each([
    '/v1/models',
    '/models',
    '/v1/models/scripted-model-1',
    '/v1beta/openai/models',
    `${VERTEX}/openapi/models`,
  ])('who lists models at %s', async (path) => {
    const server = await startGuarded();
    for (const method of ['GET', 'HEAD']) {
      const response = await server.exchange([`${method} ${path} HTTP/1.1`]);
      expect(response).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="parlance"' },
      });
    }
    expect((await server.exchange([`GET ${path} HTTP/1.1`, `api-key: ${KEY}`])).status).toBe(200);
  });

  it('behind one who has one, on the same connection', async () => {
    const server = await startGuarded();
    const connection = await server.connect();
    const head = `POST ${CHAT} HTTP/1.1`;
    connection.send(
      Buffer.concat([
        RawConnection.request([head, `authorization: Bearer ${KEY}`], BODY),
        RawConnection.request([head], BODY),
        RawConnection.request([head, 'authorization: Bearer wrong'], BODY),
        RawConnection.request([head, `authorization: Bearer ${KEY}`], BODY),
      ]),
    );
    const statuses: number[] = [];
    for (let index = 0; index < 4; index++) statuses.push((await connection.response()).status);
    expect(statuses).toEqual([200, 401, 401, 200]);
    expect(server.backend.calls).toHaveLength(2);
  });

  it('within the body of one who is refused', async () => {
    const server = await startGuarded();
    const connection = await server.connect();
    const inner = RawConnection.request([`POST ${CHAT} HTTP/1.1`, `authorization: Bearer ${KEY}`], BODY);
    connection.send(RawConnection.request([`POST ${CHAT} HTTP/1.1`], inner));
    expect((await connection.response()).status).toBe(401);
    // What follows is a request of its own; were the body one too, its answer would come first.
    connection.send(RawConnection.request(['GET /healthz HTTP/1.1']));
    expect(await connection.response('GET')).toMatchObject({ status: 200, body: '{"status":"ok"}' });
    expect(server.backend.calls).toEqual([]);
  });

  it.each([
    ['a length and chunks', ['content-length: 4', 'transfer-encoding: chunked']],
    ['two lengths', ['content-length: 4', 'content-length: 5']],
    ['a hidden coding', ['transfer-encoding: chunked, identity']],
  ])('with %s', async (_what, lines) => {
    const server = await startGuarded();
    const smuggled = `0\r\n\r\nPOST ${CHAT} HTTP/1.1\r\nhost: a\r\n\r\n`;
    expect(REFUSED).toContain(await statusOf(server, [`POST ${CHAT} HTTP/1.1`, ...lines], smuggled));
    expect(server.backend.calls).toEqual([]);
  });
});

describe('whoever has a key gets in', () => {
  it.each([
    ['a bearer', CHAT, [`authorization: Bearer ${KEY}`]],
    ['a bearer in small letters', CHAT, [`authorization: bearer ${KEY}`]],
    ['a key of Google', CHAT, [`x-goog-api-key: ${KEY}`]],
    ['a key of Azure', CHAT, [`api-key: ${KEY}`]],
    ['the query', `${CHAT}?key=${KEY}`, []],
    ['doubled slashes', `//v1//chat/completions/`, [`authorization: Bearer ${KEY}`]],
    ['an absolute target', `http://example.com${CHAT}`, [`authorization: Bearer ${KEY}`]],
    ['a key beside Basic', CHAT, ['authorization: Basic a2V5', `x-goog-api-key: ${KEY}`]],
  ])('by %s', async (_how, target, lines) => {
    const server = await startGuarded();
    expect(await statusOf(server, [`POST ${target} HTTP/1.1`, ...lines])).toBe(200);
    expect(server.backend.calls).toHaveLength(1);
    expect(server.backend.calls[0]).not.toHaveProperty('clientCredential');
  });
});

describe('routes without a gate', () => {
  it.each(['/healthz', '/readyz', '//healthz', '/readyz/', 'http://any.example/healthz'])(
    '%s answers anybody, whatever they send',
    async (target) => {
      const server = await startGuarded();
      for (const lines of [[], ['authorization: Bearer wrong'], ['host: elsewhere']]) {
        expect(await server.exchange([`GET ${target} HTTP/1.1`, ...lines])).toMatchObject({ status: 200 });
      }
    },
  );
});
