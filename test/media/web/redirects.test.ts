import { describe, expect, it } from 'vitest';
import type { Lookup } from '../../../src/media/web/lookup.ts';
import { isPublicAddress } from '../../../src/media/web/public-address.ts';
import type { WebMediaOptions } from '../../../src/media/web/web-media.ts';
import { bodyAnswer } from '../../support/faulty-answers.ts';
import { FaultyServer } from '../../support/faulty-server.ts';
import { CountingServer, HAS_IPV6 } from './counting-server.ts';
import { webMediaFactory } from './open-web.ts';

const openWeb = webMediaFactory();

/** Servers on 127.0.0.1 stand for the Internet, all other private addresses are what they are. */
const oneIsPublic: WebMediaOptions = {
  allow: ['*'],
  isPublic: (address) => address === '127.0.0.1' || isPublicAddress(address),
};

function redirect(location: string, status = 302) {
  return bodyAnswer('', { status, headers: { location } });
}

/** Answers each path with what stands in a table. */
async function startServer(
  table: Readonly<Record<string, ReturnType<typeof bodyAnswer>>>,
): Promise<FaultyServer> {
  const server = await FaultyServer.start();
  server.respond = ({ path }) => table[path] ?? bodyAnswer(`found ${path}`);
  return server;
}

function portOf({ url }: { readonly url: string }): number {
  return Number(new URL(url).port);
}

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])('follows %d', async (status) => {
    await using server = await startServer({ '/a/start': redirect('../b?x=1#part', status) });
    const { read } = openWeb({ allowPrivate: true });
    expect(String(await read(`${server.url}/a/start#other`))).toBe('found /b?x=1');
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /a/start',
      'GET /b?x=1',
    ]);
  });

  it.each([
    { status: 300, headers: { location: '/b' } },
    { status: 304, headers: { location: '/b' } },
    { status: 305, headers: { location: '/b' } },
    { status: 302, headers: {} },
  ])('does not follow $status with $headers', async ({ status, headers }) => {
    await using server = await startServer({ '/a': bodyAnswer('', { status, headers }) });
    const { open } = openWeb({ allowPrivate: true });
    await expect(open(`${server.url}/a`)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `The medium at ${server.url}/a cannot be fetched: its server answers ${status}.`,
    });
  });

  it('follows the first of two ways', async () => {
    await using server = await startServer({
      '/start': [
        { write: 'HTTP/1.1 302 Found\r\nlocation: /a\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n' },
      ],
    });
    expect(String(await openWeb({ allowPrivate: true }).read(`${server.url}/start`))).toBe('found /a');
    expect(server.requests).toHaveLength(2);
  });

  it('follows five and no more', async () => {
    await using server = await FaultyServer.start();
    server.respond = ({ path }) =>
      path === '/5' ? bodyAnswer('end') : redirect(`/${Number(path.slice(1)) + 1}`);
    const { open, read } = openWeb({ allowPrivate: true });
    expect(String(await read(`${server.url}/0`))).toBe('end');
    server.requests.splice(0);
    await expect(open(`${server.url}/-1`)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `The medium at ${server.url}/-1, redirected to ${server.url}/4, cannot be fetched: it is redirected more than 5 times.`,
    });
    expect(server.requests).toHaveLength(6);
  });

  it('gets out of a loop', async () => {
    await using server = await startServer({ '/a': redirect('/b'), '/b': redirect('/a') });
    await expect(openWeb({ allowPrivate: true }).open(`${server.url}/a`)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('more than 5 times'),
    });
    expect(server.requests).toHaveLength(6);
  });

  it('tells no server of another, and brings nothing along', async () => {
    await using second = await FaultyServer.start();
    second.respond = () => bodyAnswer('here');
    await using first = await FaultyServer.start();
    first.respond = () =>
      bodyAnswer('', {
        status: 302,
        headers: {
          location: `${second.url}/there`,
          'set-cookie': 'session=1; path=/',
          'www-authenticate': 'Basic realm="x"',
          'alt-svc': 'h2=":1"',
        },
      });
    const { read } = openWeb({ allowPrivate: true });
    expect(String(await read(`${first.url}/start?signature=secret`))).toBe('here');
    for (const { requests, url } of [first, second]) {
      expect(requests).toHaveLength(1);
      expect(requests[0]?.body).toBe('');
      expect(requests[0]?.headers).toEqual({
        host: new URL(url).host,
        connection: 'close',
        'user-agent': 'parlance',
        accept: '*/*',
        'accept-encoding': 'identity',
      });
    }
  });

  it('reads nothing of what a redirect comes with', async () => {
    await using server = await FaultyServer.start();
    server.respond = ({ path }) =>
      path === '/end'
        ? bodyAnswer('end')
        : [
            { write: 'HTTP/1.1 302 Found\r\nlocation: /end\r\ncontent-length: 10000000000\r\n\r\nstart' },
            'hang',
          ];
    expect(String(await openWeb({ allowPrivate: true }).read(server.url))).toBe('end');
    await server.requests[0]?.closed;
    expect(server.connections).toBe(2);
  });

  it.each([
    'http://127.0.0.2:PORT/',
    '//127.0.0.2:PORT/',
    '\\\\127.0.0.2:PORT/',
    '///127.0.0.2:PORT/',
    'http://2130706434:PORT/',
    'http://0177.0.0.2:PORT/',
    'http://0x7f.2:PORT/',
    'http://127.0.0.2.:PORT/',
    'http://%31%32%37.0.0.2:PORT/',
    'http://0:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.2]:PORT/',
    'http://localhost:PORT/',
    'http://user:password@127.0.0.1:PORT/',
    'http://inside.test:PORT/',
    'http://both.test:PORT/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
    'ftp://127.0.0.2:PORT/',
    'unix:/var/run/docker.sock:/',
  ])('does not go where a client may not go: %s', async (place) => {
    await using victim = await CountingServer.start(HAS_IPV6 ? ['127.0.0.2', '::1'] : ['127.0.0.2']);
    const location = place.replace('PORT', String(victim.port));
    await using server = await startServer({ '/a': redirect('/b'), '/b': redirect(location, 307) });
    const names: Record<string, string[]> = {
      'inside.test': ['127.0.0.2'],
      'both.test': ['8.8.8.8', '127.0.0.2'],
    };
    const { open } = openWeb({
      ...oneIsPublic,
      lookup: (name) => Promise.resolve((names[name] ?? []).map((address) => ({ address, family: 4 }))),
    });
    await expect(open(`${server.url}/a`)).rejects.toMatchObject({
      code: 'unsupported_media',
      message: expect.stringMatching(
        `^The medium at ${server.url}/a, redirected to .*, is not fetched: its `,
      ),
    });
    expect(server.requests).toHaveLength(2);
    expect(victim.connections).toBe(0);
  });

  it('judges ports and lists at each step', async () => {
    await using server = await startServer({
      '/denied': redirect('http://denied.test/'),
      '/port': redirect('http://other.test:8080/'),
    });
    const { open } = openWeb({ ...oneIsPublic, allow: ['127.0.0.1', '*.test'], deny: ['denied.test'] });
    await expect(open(`${server.url}/denied`)).rejects.toThrow('the configuration denies its host');
    const narrow = openWeb({ ...oneIsPublic, allow: ['127.0.0.1'] });
    await expect(narrow.open(`${server.url}/port`)).rejects.toThrow(
      'the configuration does not allow its host',
    );
  });
});

describe('names that change their mind', () => {
  it('are resolved once for a connection, which goes to what was judged', async () => {
    await using server = await FaultyServer.start();
    server.respond = () => bodyAnswer('as judged');
    await using victim = await CountingServer.start(['127.0.0.2'], portOf(server));
    const asked: string[] = [];
    // The time to live is 0: every question gets another answer.
    const lookup: Lookup = (name) => {
      asked.push(name);
      const address = asked.length % 2 === 1 ? '127.0.0.1' : '127.0.0.2';
      return Promise.resolve([{ address, family: 4 }]);
    };
    const { open, read } = openWeb({ ...oneIsPublic, lookup });
    const url = `http://rebind.test:${portOf(server)}/`;
    for (let round = 1; round <= 3; round++) {
      expect(String(await read(url))).toBe('as judged');
      expect(asked).toHaveLength(2 * round - 1);
      await expect(open(url)).rejects.toMatchObject({ code: 'unsupported_media' });
      expect(asked).toHaveLength(2 * round);
    }
    expect(server.requests.map(({ headers }) => headers['host'])).toEqual(
      Array.from({ length: 3 }, () => `rebind.test:${portOf(server)}`),
    );
    expect(victim.connections).toBe(0);
  });

  it('are judged anew when they redirect to themselves', async () => {
    await using server = await startServer({ '/a': redirect('/b') });
    await using victim = await CountingServer.start(['127.0.0.2'], portOf(server));
    let questions = 0;
    const { open } = openWeb({
      ...oneIsPublic,
      lookup: () => Promise.resolve([{ address: `127.0.0.${++questions}`, family: 4 }]),
    });
    await expect(open(`http://rebind.test:${portOf(server)}/a`)).rejects.toMatchObject({
      code: 'unsupported_media',
      message: expect.stringContaining(
        `redirected to http://rebind.test:${portOf(server)}/b, is not fetched`,
      ),
    });
    expect(questions).toBe(2);
    expect(victim.connections).toBe(0);
  });

  it('have their addresses tried in order, and no others', async () => {
    await using server = await FaultyServer.start();
    server.respond = () => bodyAnswer('second');
    const asked: string[] = [];
    const { read } = openWeb({
      allowPrivate: true,
      lookup: (name) => {
        asked.push(name);
        // Nobody listens on the first.
        return Promise.resolve(['127.0.0.3', '127.0.0.1'].map((address) => ({ address, family: 4 })));
      },
    });
    expect(String(await read(`http://two.test:${portOf(server)}/`))).toBe('second');
    expect(asked).toEqual(['two.test']);
  });
});
