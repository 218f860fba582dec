import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import type { ErrorBody } from '../../src/wire/openai/error.ts';
import { RawConnection, type RawResponse } from './raw-connection.ts';
import { chatRequest, TestServer } from './test-server.ts';

/** What no client library sends. Each answer has the right status and OpenAI's envelope, and the server lives on. */

const POST = 'POST /v1/chat/completions HTTP/1.1';
const VALID = JSON.stringify(chatRequest());
const MAX_BODY = 100_000;

function errorOf({ body, headers }: RawResponse): ErrorBody['error'] {
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  expect(headers['x-request-id']).toMatch(/^req_[0-9A-Za-z]{24}$/);
  const { error } = JSON.parse(body) as ErrorBody;
  expect(error).toMatchObject({
    message: expect.any(String),
    type: expect.any(String),
    code: expect.any(String),
  });
  return error;
}

async function expectAlive(server: TestServer): Promise<void> {
  const response = await server.exchange([POST], VALID);
  expect(response.status).toBe(200);
}

function text(value: string): string {
  return JSON.stringify(chatRequest({ messages: [{ role: 'user', content: value }] }));
}

describe('bodies', () => {
  it.each<{ name: string; body: string | Uint8Array; code?: string; message: RegExp; param?: RegExp }>([
    { name: 'none', body: '', code: 'invalid_json', message: /no body/ },
    { name: 'white space', body: ' \n ', code: 'invalid_json', message: /empty/ },
    { name: 'no JSON', body: 'hello', code: 'invalid_json', message: /line 1, column 1/ },
    { name: 'cut JSON', body: VALID.slice(0, -3), code: 'invalid_json', message: /line 1, column \d+/ },
    {
      name: 'a comma too many, placed',
      body: '{\n  "model": "m",\n  "messages": [],\n}',
      code: 'invalid_json',
      message: /line 4, column 1/,
    },
    {
      name: 'text behind the object',
      body: `${VALID} x`,
      code: 'invalid_json',
      message: /end of the text/,
    },
    { name: 'two objects', body: VALID + VALID, code: 'invalid_json', message: /end of the text/ },
    { name: 'a NUL', body: '{"model":"a\0b"}', code: 'invalid_json', message: /control character/ },
    { name: 'NaN', body: '{"temperature":NaN}', code: 'invalid_json', message: /column 16/ },
    { name: 'UTF-16', body: Buffer.from(VALID, 'utf16le'), code: 'invalid_json', message: /./ },
    {
      name: 'Latin-1',
      body: Buffer.from(text('é'), 'latin1'),
      code: 'invalid_json',
      message: /not valid UTF-8/,
    },
    {
      name: 'a surrogate in UTF-8',
      body: Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
      code: 'invalid_json',
      message: /not valid UTF-8/,
    },
    {
      name: 'a lone surrogate in an escape',
      body: text('').replace('""', String.raw`"\ud800"`),
      message: /surrogate/,
      param: /^messages\[0\]\.content$/,
    },
    { name: 'an array', body: '[]', message: /must be a JSON object/, param: /^$/ },
    { name: 'null', body: 'null', message: /must be a JSON object/, param: /^$/ },
    { name: 'a string', body: '"hi"', message: /must be a JSON object/, param: /^$/ },
    { name: 'brackets alone', body: '['.repeat(90_000), message: /nested too deeply/ },
    {
      name: 'brackets, but fewer',
      body: '['.repeat(20_000),
      code: 'invalid_json',
      message: /column 20001/,
    },
    {
      name: 'deep nesting in a field',
      body: `{"metadata":${'['.repeat(5000)}${']'.repeat(5000)},${VALID.slice(1)}`,
      message: /./,
    },
    {
      name: 'wrong types',
      body: JSON.stringify({ model: 1, messages: 'x' }),
      message: /model: .*; messages: /,
      param: /^model$/,
    },
  ])('$name', async ({ body, code = 'invalid_argument', message, param = /^.?/ }) => {
    await using server = await TestServer.start({ limits: { maxBodyBytes: MAX_BODY } });
    const response = await server.exchange([POST, ...(body.length === 0 ? ['content-length: 0'] : [])], body);
    const error = errorOf(response);
    expect([response.status, error.code, error.type]).toEqual([400, code, 'invalid_request_error']);
    expect(error.message).toMatch(message);
    expect(error.param ?? '').toMatch(code === 'invalid_json' ? /^$/ : param);
    expect(server.backend.calls).toHaveLength(0);
    await expectAlive(server);
  });

  it.each([
    ['a byte order mark', `\uFEFF${VALID}`],
    ['__proto__', VALID.replace('{', '{"__proto__":{"stream":true,"polluted":1},')],
    ['constructor', VALID.replace('{', '{"constructor":{"prototype":{"polluted":1}},')],
    [
      'an escaped NUL in text',
      JSON.stringify(chatRequest({ messages: [{ role: 'user', content: 'a\0b' }] })),
    ],
  ])('%s does no harm', async (_name, body) => {
    await using server = await TestServer.start();
    const response = await server.exchange([POST], body);
    expect([200, 400]).toContain(response.status);
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    await expectAlive(server);
  });
});

describe('content types', () => {
  it.each([
    [],
    ['content-type: application/json'],
    ['Content-Type: Application/JSON; charset=UTF-8'],
    ['content-type: application/json;'],
    ['content-type: application/vnd.api+json'],
    ['content-type: text/plain'],
    ['content-type: text/plain;charset=UTF-8'],
    ['content-type: application/json', 'content-type: application/x-www-form-urlencoded'],
    ['content-encoding: identity'],
  ])('takes %j', async (...lines) => {
    await using server = await TestServer.start();
    expect((await server.exchange([POST, ...lines], VALID)).status).toBe(200);
  });

  it.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'text/html',
    'text/plainer',
    'application/jsonx',
    'json',
    ';',
    '',
    'application/json, text/plain',
    'é/ü',
  ])('refuses %j and says what to send', async (type) => {
    await using server = await TestServer.start();
    const response = await server.exchange([POST, `content-type: ${type}`], VALID);
    expect(response.status).toBe(415);
    const error = errorOf(response);
    expect(error.code).toBe('unsupported_media_type');
    expect(error.message).toContain('-H "Content-Type: application/json"');
    await expectAlive(server);
  });

  it.each(['gzip', 'br', 'deflate', 'zstd', 'GZIP', 'gzip, identity', ''])(
    'refuses the coding %j',
    async (coding) => {
      await using server = await TestServer.start();
      const response = await server.exchange([POST, `content-encoding: ${coding}`], gzipSync(VALID));
      expect(response.status).toBe(415);
      expect(errorOf(response).message).toContain('must not be compressed');
      await expectAlive(server);
    },
  );
});

describe('framing', () => {
  const chunked = `${POST}\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`;

  it.each<{ name: string; bytes: string; end?: boolean; status: number; code?: string }>([
    { name: 'garbage', bytes: 'hello world\r\n\r\n', status: 400 },
    { name: 'an unknown method', bytes: 'FROB / HTTP/1.1\r\nhost: x\r\n\r\n', status: 400 },
    { name: 'HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 400 },
    { name: 'HTTP/9.9', bytes: 'GET / HTTP/9.9\r\nhost: x\r\n\r\n', status: 400 },
    { name: 'TLS', bytes: '\x16\x03\x01\x02\0\x01\0', status: 400 },
    { name: 'no Host', bytes: 'GET /healthz HTTP/1.1\r\n\r\n', status: 400 },
    { name: 'a space in a header name', bytes: 'GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n', status: 400 },
    { name: 'a NUL in a header', bytes: 'GET / HTTP/1.1\r\nhost: x\r\na: \0\r\n\r\n', status: 400 },
    { name: 'a bare CR in a header', bytes: 'GET / HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n', status: 400 },
    {
      name: 'a folded header',
      bytes: `${POST}\r\nhost: x\r\na: b\r\n c\r\ncontent-length: x\r\n\r\n`,
      status: 400,
    },
    {
      name: 'a length that is no number',
      bytes: `${POST}\r\nhost: x\r\ncontent-length: 1x\r\n\r\n`,
      status: 400,
    },
    { name: 'a negative length', bytes: `${POST}\r\nhost: x\r\ncontent-length: -1\r\n\r\n`, status: 400 },
    {
      name: 'a huge length',
      bytes: `${POST}\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n`,
      status: 400,
    },
    {
      name: 'two lengths',
      bytes: `${POST}\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
      status: 400,
    },
    {
      name: 'a length and chunks',
      bytes: `${POST}\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`,
      status: 400,
    },
    { name: 'chunks that are none', bytes: `${chunked}zz\r\n{}\r\n`, status: 400 },
    { name: 'a chunk longer than it says', bytes: `${chunked}1\r\n{}\r\n0\r\n\r\n`, status: 400 },
    {
      name: 'chunk extensions without end',
      bytes: `${chunked}2;${'x'.repeat(20_000)}`,
      status: 413,
      code: 'request_too_large',
    },
    {
      name: 'a body cut off',
      bytes: `${POST}\r\nhost: x\r\ncontent-length: 99\r\n\r\n{`,
      end: true,
      status: 400,
    },
    { name: 'chunks cut off', bytes: `${chunked}5\r\n{`, end: true, status: 400 },
    { name: 'a head cut off', bytes: `${POST}\r\nhost: x\r\n`, end: true, status: 400 },
    {
      name: 'headers over the limit',
      bytes: `GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      status: 431,
      code: 'headers_too_large',
    },
    {
      name: 'a URL over the limit',
      bytes: `GET /${'y'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      status: 431,
      code: 'headers_too_large',
    },
  ])('$name', async ({ bytes, end, status, code = 'invalid_argument' }) => {
    await using server = await TestServer.start();
    const connection = await server.connect();
    connection.send(bytes);
    if (end === true) connection.socket.end();
    const response = await connection.response();
    expect([response.status, errorOf(response).code]).toEqual([status, code]);
    await vi.waitFor(() => expect(server.log).toMatchObject([{ status, error: code }]), { timeout: 3000 });
    expect(server.log[0]?.['requestId']).toBe(response.headers['x-request-id']);
    expect(server.backend.calls).toHaveLength(0);
    await expectAlive(server);
  });

  it('answers the first of two requests, and then the broken second', async () => {
    await using server = await TestServer.start();
    const connection = await server.connect();
    connection.send(RawConnection.request(['GET /healthz HTTP/1.1']));
    expect((await connection.response('GET')).status).toBe(200);
    connection.send('rubbish\r\n\r\n');
    expect((await connection.response()).status).toBe(400);
    await connection.closed();
    await expectAlive(server);
  });

  it('never writes an error into an answer under way', async () => {
    await using server = await TestServer.start({
      script: { steps: [[{ type: 'text-delta', choice: 0, text: 'under way' }], 'silence'] },
    });
    const connection = await server.connect();
    connection.send(RawConnection.request([POST], JSON.stringify(chatRequest({ stream: true }))));
    await connection.receive('under way');
    connection.send('rubbish\r\n\r\n');
    await connection.closed();
    expect(connection.pending).not.toContain('HTTP/1.1 400');
    await vi.waitFor(() => expect(server.backend.aborts).toBe(1));
  });

  it('survives a client that leaves while it sends', async () => {
    await using server = await TestServer.start();
    const connection = await server.connect();
    connection.send(`${POST}\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"model":`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    connection.socket.resetAndDestroy();
    await vi.waitFor(() =>
      expect(server.log).toMatchObject([{ level: 'info', status: 499, error: 'cancelled' }]),
    );
    await expectAlive(server);
  });
});

describe('bodies over the limit', () => {
  const large = `{"x":"${'y'.repeat(MAX_BODY)}"}`;
  const limits = { maxBodyBytes: MAX_BODY };

  it.each([
    ['at its stated length', [POST], large],
    [
      'when its chunks become too many',
      [POST, 'transfer-encoding: chunked'],
      `8000\r\n${'z'.repeat(0x8000)}\r\n`.repeat(10) + '0\r\n\r\n',
    ],
  ])('are refused %s, and the connection stays usable', async (_name, head, body) => {
    await using server = await TestServer.start({ limits });
    const connection = await server.connect();
    connection.send(RawConnection.request(head, body));
    const response = await connection.response();
    expect([response.status, errorOf(response).code]).toEqual([413, 'request_too_large']);
    connection.send(RawConnection.request([POST], VALID));
    expect((await connection.response()).status).toBe(200);
  });

  it('are refused to clients that read only after they have sent everything', async () => {
    await using server = await TestServer.start({ limits });
    const connection = await server.connect();
    connection.socket.pause();
    const megabytes = 'y'.repeat(20_000_000);
    connection.send(RawConnection.request([POST], megabytes));
    await once(connection.socket, 'drain');
    connection.socket.resume();
    expect((await connection.response()).status).toBe(413);
  });

  it('are read no longer than a request may take', async () => {
    await using server = await TestServer.start({ limits: { ...limits, requestTimeoutMs: 100 } });
    const connection = await server.connect();
    connection.send(`${POST}\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n`);
    const response = await connection.response();
    expect(response.status).toBe(413);
    await connection.closed();
    expect(connection.pending).toBe('');
    await expectAlive(server);
  });

  it('at the limit are taken', async () => {
    await using server = await TestServer.start({ limits });
    const body = VALID.replace('"Hi"', JSON.stringify('y'.repeat(MAX_BODY - VALID.length + 2)));
    expect(body).toHaveLength(MAX_BODY);
    expect((await server.exchange([POST], body)).status).toBe(200);
    expect((await server.exchange([POST], `${body} `)).status).toBe(413);
  });
});

/** A head whose client waits for leave to send the body. */
function expecting(length: number, ...lines: string[]): string {
  return [POST, 'host: x', 'expect: 100-continue', `content-length: ${length}`, ...lines, '', ''].join(
    '\r\n',
  );
}

describe('Expect', () => {
  it('tells a client to go on once its headers are fine', async () => {
    await using server = await TestServer.start();
    const connection = await server.connect();
    connection.send(expecting(VALID.length));
    expect((await connection.response()).status).toBe(100);
    connection.send(VALID);
    expect((await connection.response()).status).toBe(200);
  });

  it.each([
    ['a body over the limit', expecting(MAX_BODY + 1), 413],
    ['a wrong content type', expecting(10, 'content-type: text/html'), 415],
    ['no key', expecting(10), 401],
    ['an unknown path', expecting(10).replace('/v1/', '/v9/'), 404],
  ])('refuses %s before the body is sent, and closes', async (_name, head, status) => {
    await using server = await TestServer.start({
      limits: { maxBodyBytes: MAX_BODY },
      ...(status === 401 ? { keys: ['k'] } : {}),
    });
    const connection = await server.connect();
    connection.send(head);
    const response = await connection.response();
    expect(response.status).toBe(status);
    errorOf(response);
    expect(response.headers['connection']).toBe('close');
    await connection.closed();
  });

  it('of anything else is ignored', async () => {
    await using server = await TestServer.start();
    expect((await server.exchange([POST, 'expect: the-unexpected'], VALID)).status).toBe(200);
  });
});

describe('slow clients', () => {
  it.each([
    ['that say nothing', ''],
    ['in the middle of the head', `${POST}\r\nhost: x\r\n`],
    ['in the middle of the body', `${POST}\r\nhost: x\r\ncontent-length: 100\r\n\r\n{`],
    ['in the middle of a chunk', `${POST}\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{`],
  ])('%s are given up with 408', async (_name, bytes) => {
    await using server = await TestServer.start({ limits: { requestTimeoutMs: 100 } });
    const connection = await server.connect();
    connection.send(bytes);
    const response = await connection.response();
    expect([response.status, errorOf(response).code]).toEqual([408, 'request_timeout']);
    await connection.closed();
    await vi.waitFor(() => expect(server.log).toMatchObject([{ status: 408 }]), { timeout: 3000 });
    await expectAlive(server);
  });

  it('are not those that wait for a slow answer', async () => {
    await using server = await TestServer.start({
      limits: { requestTimeoutMs: 100 },
      script: { before: [{ pause: 300 }] },
    });
    expect((await server.exchange([POST], VALID)).status).toBe(200);
  });
});
