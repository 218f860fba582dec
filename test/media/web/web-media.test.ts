import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Answer, bodyAnswer, cutAfter } from '../../support/faulty-answers.ts';
import { FaultyServer, refusingUrl } from '../../support/faulty-server.ts';
import { readBody, webMediaFactory } from './open-web.ts';

const openWeb = webMediaFactory();

async function serve(answer: Answer): Promise<FaultyServer> {
  const server = await FaultyServer.start();
  server.respond = () => answer;
  return server;
}

/** A server whose answers wait until they are let go. */
async function serveHeld() {
  const server = await FaultyServer.start();
  const gate = Promise.withResolvers<void>();
  server.respond = () => [{ until: gate.promise }, ...bodyAnswer('ok')];
  return { server, letGo: gate.resolve };
}

function neverAnswers(): Promise<never> {
  return new Promise(() => {});
}

/** Waits until something is so; a test that waits in vain runs into its own time limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(1);
}

describe('WebMedia', () => {
  it('fetches a medium, and says what its server says of it', async () => {
    await using server = await serve(
      bodyAnswer('cat', {
        headers: { 'content-type': 'Image/PNG; charset=binary', 'content-encoding': 'Identity' },
      }),
    );
    const medium = await openWeb({ allowPrivate: true }).open(`${server.url}/cat%20a.png?size=1&x=%2F#eyes`);
    expect(medium).toMatchObject({ contentType: 'image/png', length: 3 });
    expect(String(await readBody(medium))).toBe('cat');
    expect(server.last).toMatchObject({ method: 'GET', path: '/cat%20a.png?size=1&x=%2F', body: '' });
    await server.last.closed;
    expect(server.openConnections).toBe(0);
  });

  it.each<{ name: string; answer: Answer }>([
    { name: 'a length', answer: bodyAnswer('cat') },
    {
      name: 'chunks',
      answer: [
        { write: 'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n' },
        { write: '2\r\nca\r\n' },
        { write: '1\r\nt\r\n0\r\n\r\n' },
      ],
    },
    { name: 'the end of the connection', answer: [{ write: 'HTTP/1.0 200 OK\r\n\r\ncat' }, 'end'] },
    {
      name: 'hints before it',
      answer: [{ write: 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n' }, ...bodyAnswer('cat')],
    },
  ])('reads a body with $name', async ({ answer }) => {
    await using server = await serve(answer);
    expect(String(await openWeb({ allowPrivate: true }).read(server.url))).toBe('cat');
  });

  it('knows neither type nor length where nothing is said', async () => {
    await using server = await serve([{ write: 'HTTP/1.1 200 OK\r\ncontent-encoding:\r\n\r\ncat' }, 'end']);
    const medium = await openWeb({ allowPrivate: true }).open(server.url);
    expect([medium.contentType, medium.length]).toEqual([undefined, undefined]);
  });

  it.each([201, 204, 206, 400, 401, 403, 404, 410, 416, 429, 500, 503])(
    'takes %d for a failure',
    async (status) => {
      await using server = await serve(bodyAnswer('', { status }));
      await expect(openWeb({ allowPrivate: true }).open(`${server.url}/cat.png`)).rejects.toMatchObject({
        code: 'invalid_argument',
        param: null,
        shouldRetry: status === 429 || status >= 500 ? true : undefined,
        message: `The medium at ${server.url}/cat.png cannot be fetched: its server answers ${status}.`,
      });
    },
  );

  it.each([
    { 'content-encoding': 'gzip' },
    { 'content-encoding': 'GZIP' },
    { 'content-encoding': 'br' },
    { 'content-encoding': 'zstd' },
    { 'content-encoding': 'identity, gzip' },
    { 'content-encoding': 'identity\r\ncontent-encoding: gzip' },
    { 'content-length': '0\r\nx:', 'transfer-encoding': 'gzip, chunked' },
  ])('does not take what is compressed: %j', async (headers) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    await using server = await serve([
      { write: `HTTP/1.1 200 OK\r\n${lines.join('').replace('content-length: 0\r\n', '')}\r\n` },
    ]);
    await expect(openWeb({ allowPrivate: true }).open(server.url)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `The medium at ${server.url}/ cannot be fetched: its server sends it compressed, which nobody asked for.`,
    });
  });

  it.each<{ name: string; answer: Answer; reason: string }>([
    { name: 'no HTTP', answer: [{ write: '220 mail.test ESMTP\r\n' }], reason: 'the connection broke' },
    { name: 'nothing', answer: ['end'], reason: 'the connection broke (UND_ERR_SOCKET)' },
    { name: 'a broken connection', answer: ['reset'], reason: 'the connection broke (ECONNRESET)' },
    {
      name: 'half a head',
      answer: cutAfter(bodyAnswer('cat'), 20, 'end'),
      reason: 'the connection broke (',
    },
    {
      name: 'too large a head',
      answer: bodyAnswer('cat', { headers: { 'x-large': 'x'.repeat(20_000) } }),
      reason: 'the connection broke (UND_ERR_HEADERS_OVERFLOW)',
    },
    {
      name: 'a head without end',
      answer: [
        { write: 'HTTP/1.1 200 OK\r\n' },
        ...Array.from({ length: 300 }, () => ({ write: `x: ${'x'.repeat(100)}\r\n` })),
      ],
      reason: 'the connection broke (UND_ERR_HEADERS_OVERFLOW)',
    },
    {
      name: 'two lengths',
      answer: [{ write: 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab' }],
      reason: 'the connection broke',
    },
    {
      name: 'another protocol',
      answer: bodyAnswer('', { status: 101, headers: { upgrade: 'x', connection: 'upgrade' } }),
      reason: 'the connection broke (UND_ERR_SOCKET)',
    },
  ])('blames a server that answers with $name', async ({ answer, reason }) => {
    await using server = await serve(answer);
    await expect(openWeb({ allowPrivate: true }).open(server.url)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(`The medium at ${server.url}/ cannot be fetched: ${reason}`),
    });
  });

  it.each([
    { place: 'a port where nobody listens', lookup: undefined, reason: 'no connection (ECONNREFUSED)' },
    {
      place: 'a name without addresses',
      lookup: () => Promise.resolve([]),
      reason: 'its host has no address',
    },
    {
      place: 'a name that is not there',
      lookup: () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' })),
      reason: 'no connection (ENOTFOUND)',
    },
  ])('finds nobody at $place', async ({ lookup, reason }) => {
    const url = new URL(await refusingUrl());
    if (lookup !== undefined) url.hostname = 'nowhere.test';
    const { open } = openWeb({ allowPrivate: true, ...(lookup && { lookup }) });
    await expect(open(url.href)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `The medium at ${url.href} cannot be fetched: ${reason}.`,
    });
  });

  it('shows neither queries nor more than the start of a long path', async () => {
    await using server = await serve(bodyAnswer('', { status: 403 }));
    const failure = openWeb({ allowPrivate: true }).open(`${server.url}/${'x'.repeat(300)}?signature=secret`);
    const shown = `${`${server.url}/${'x'.repeat(300)}`.slice(0, 200)}…`;
    await expect(failure).rejects.toThrow(
      `The medium at ${shown} cannot be fetched: its server answers 403.`,
    );
  });

  it.each([
    ['https://user:secret@example.com/', 'The medium at https://example.com/ is not fetched'],
    ['foo:secret', 'The medium at foo: is not fetched'],
    ['blob:https://user:secret@example.com/', 'The medium at blob: is not fetched'],
    ['https://user:secret@', 'The medium cannot be fetched'],
  ])('does not repeat what is secret in %s', async (url, start) => {
    const failure = openWeb().open(url);
    await expect(failure).rejects.toThrow(start);
    await expect(failure).rejects.not.toThrow('secret');
  });
});

describe('limits of WebMedia', () => {
  it('fetches so many at a time, and so many of one host', async () => {
    const { server, letGo } = await serveHeld();
    await using _ = server;
    const { read } = openWeb({
      allowPrivate: true,
      limits: { maxTransfers: 5, maxTransfersPerHost: 3 },
      lookup: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    });
    const { port } = new URL(server.url);
    const hosts = ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'c'];
    const reads = hosts.map((host) => read(`http://${host}.test:${port}/`));
    await until(() => server.requests.length === 5);
    await pause(20);
    const hostsAsked = server.requests.map(({ headers }) => (headers['host'] ?? '').charAt(0));
    expect(hostsAsked.toSorted()).toEqual(['a', 'a', 'a', 'b', 'b']);
    letGo();
    expect((await Promise.all(reads)).map(String)).toEqual(hosts.map(() => 'ok'));
  });

  it('counts a medium until its body is read', async () => {
    await using server = await serve(bodyAnswer('ok'));
    const { open } = openWeb({ allowPrivate: true, limits: { maxTransfers: 1 } });
    const first = await open(server.url);
    const second = open(server.url);
    await pause(20);
    expect(server.requests).toHaveLength(1);
    await readBody(first);
    expect(String(await readBody(await second))).toBe('ok');
  });

  it.each(['next', 'return'] as const)('gives its place to another after %s', async (way) => {
    await using server = await serve(bodyAnswer('ok'));
    const { open } = openWeb({ allowPrivate: true, limits: { maxTransfers: 1 } });
    for (let round = 0; round < 3; round++) {
      const iterator = (await open(server.url)).body[Symbol.asyncIterator]();
      if (way === 'return') await iterator.return?.();
      else while ((await iterator.next()).done !== true);
    }
    expect(server.requests).toHaveLength(3);
  });

  it('gives its place to another after a failure', async () => {
    await using server = await serve(bodyAnswer('', { status: 404 }));
    const { open } = openWeb({ allowPrivate: true, limits: { maxTransfers: 1 } });
    for (let round = 0; round < 3; round++) await expect(open(server.url)).rejects.toThrow('404');
    await expect(openWeb({ limits: { maxTransfers: 1 } }).open('nonsense')).rejects.toThrow('not a URL');
    await expect(open(await refusingUrl())).rejects.toThrow('ECONNREFUSED');
    expect(server.requests).toHaveLength(3);
  });

  it('gives its place to another when who has just got it leaves', async () => {
    await using server = await serve(bodyAnswer('ok'));
    const { open, read } = openWeb({ allowPrivate: true, limits: { maxTransfers: 1 } });
    const first = (await open(server.url)).body[Symbol.asyncIterator]();
    const leaving = new AbortController();
    const second = open(server.url, leaving.signal);
    void first.return?.();
    leaving.abort('left');
    await expect(second).rejects.toBe('left');
    expect(String(await read(server.url))).toBe('ok');
    expect(server.requests).toHaveLength(2);
  });

  it('does not wait for its turn for ever', async () => {
    const { server } = await serveHeld();
    await using _ = server;
    const { open } = openWeb({ allowPrivate: true, limits: { maxTransfers: 1, totalMs: 60 } });
    const [first, second] = [open(server.url), open(`${server.url}/second`)];
    await Promise.all([
      expect(first).rejects.toMatchObject({ code: 'invalid_argument' }),
      expect(second).rejects.toMatchObject({
        code: 'overloaded',
        retryAfterSeconds: 1,
        message: `The medium at ${server.url}/second did not come within 0.06 seconds, for it had to wait for others.`,
      }),
    ]);
  });

  it('gives up a server that does not answer', async () => {
    await using server = await serve(['hang']);
    const { open } = openWeb({ allowPrivate: true, limits: { totalMs: 50 } });
    await expect(open(`${server.url}/slow`)).rejects.toMatchObject({
      code: 'invalid_argument',
      shouldRetry: true,
      message: `The medium at ${server.url}/slow did not come within 0.05 seconds.`,
    });
    await server.last.closed;
    expect(server.openConnections).toBe(0);
  });

  it('gives up a name that nobody answers for', async () => {
    const { open } = openWeb({ limits: { totalMs: 50 }, lookup: neverAnswers });
    await expect(open('https://silent.test/')).rejects.toThrow('did not come within 0.05 seconds');
  });

  it('counts redirects within the time', async () => {
    await using server = await FaultyServer.start();
    server.respond = () => [
      { wait: 30 },
      ...bodyAnswer('', { status: 302, headers: { location: '/again' } }),
    ];
    const { open } = openWeb({ allowPrivate: true, limits: { totalMs: 100, maxRedirects: 1000 } });
    await expect(open(server.url)).rejects.toThrow('did not come within 0.1 seconds');
    expect(server.requests.length).toBeLessThan(5);
  });
});

describe('the end of WebMedia', () => {
  it.each(['before', 'while connecting', 'before the answer', 'in the body'])(
    'comes from who wants the medium: %s',
    async (when) => {
      await using server = await serve(
        when === 'in the body'
          ? [{ write: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf' }, 'hang']
          : ['hang'],
      );
      const leaving = new AbortController();
      const reason = new Error('left');
      if (when === 'before') leaving.abort(reason);
      const { open } = openWeb({
        allowPrivate: true,
        ...(when === 'while connecting' && { lookup: neverAnswers }),
      });
      const url = when === 'while connecting' ? 'http://slow.test/' : server.url;
      const opened = open(url, leaving.signal);
      const read = opened.then(readBody);
      read.catch(() => undefined);
      if (when === 'before the answer') await until(() => server.requests.length === 1);
      else if (when === 'in the body') await opened;
      leaving.abort(reason);
      await expect(read).rejects.toBe(reason);
      await until(() => server.openConnections === 0);
    },
  );

  it('comes for all that is on its way when it closes', async () => {
    await using server = await serve([
      { write: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf' },
      'hang',
    ]);
    const { media, open } = openWeb({ allowPrivate: true, limits: { maxTransfers: 2 } });
    const opened = await open(server.url);
    const failing = [readBody(opened), open(server.url).then(readBody), open(server.url)].map((work) =>
      expect(work).rejects.toMatchObject({ code: 'overloaded', message: 'The server is shutting down.' }),
    );
    await until(() => server.requests.length === 2);
    await media.close();
    await Promise.all(failing);
    await until(() => server.openConnections === 0);
    await expect(open(server.url)).rejects.toMatchObject({ code: 'overloaded' });
    expect(server.requests).toHaveLength(2);
  });
});
