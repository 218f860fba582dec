import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CountingServer, HAS_IPV6 } from './counting-server.ts';
import { type OpenWeb, webMediaFactory } from './open-web.ts';

const openWeb = webMediaFactory();

/** Spellings of 127.0.0.1; `PORT` is where a server listens. */
const LOOPBACK_V4 = [
  'http://127.0.0.1:PORT/',
  'http://127.0.0.1.:PORT/',
  'http://127.0.0.1..:PORT/',
  'http://127.0.1:PORT/',
  'http://127.1:PORT/',
  'http://127.1.:PORT/',
  'http://2130706433:PORT/',
  'http://017700000001.:PORT/',
  'http://017700000001:PORT/',
  'http://0177.0.0.1:PORT/',
  'http://0177.0.0.01:PORT/',
  'http://0177.1:PORT/',
  'http://00000177.0x0.0.1:PORT/',
  'http://0x7f000001:PORT/',
  'http://0x7F000001:PORT/',
  'http://0x000000007f000001:PORT/',
  'http://0x7f.0.0.1:PORT/',
  'http://0x7f.0x0.0x0.0x1:PORT/',
  'http://0x7f.1:PORT/',
  'http://127.0x1:PORT/',
  'http://127.0.0x.1:PORT/',
  'http://0x7f.0.01:PORT/',
  'http://127.0.0.0x01:PORT/',
  'http://127.00.00.01:PORT/',
  'http://%31%32%37.0.0.1:PORT/',
  'http://127%2e0%2e0%2e1:PORT/',
  'http://%30x7f.1:PORT/',
  'http://\uff11\uff12\uff17.\uff10.\uff10.\uff11:PORT/',
  'http://\u2460\u2461\u2466.0.0.1:PORT/',
  'http://127\u30020\u30020\u30021:PORT/',
  'http://127\uff0e0\uff0e0\uff0e1:PORT/',
  'http://127\uff610\uff610\uff611:PORT/',
  'http://\u{1d7cf}\u{1d7d0}\u{1d7d5}.0.0.1:PORT/',
  'http://12\u00ad7.0.0.1:PORT/',
  'http://127.0.0.1\u200b:PORT/',
  'http://%EF%BC%9127.0.0.1:PORT/',
  'http:127.0.0.1:PORT/',
  'http:/127.0.0.1:PORT/',
  'http:///127.0.0.1:PORT/',
  'http:\\\\127.0.0.1:PORT/',
  'http:/\\127.0.0.1:PORT\\x',
  'http://127.0.0.1:PORT\\@example.com/',
  'http://127.0.0.1:PORT?@example.com/',
  'http://127.0.0.1:PORT#@example.com/',
  'http://127.0.0.1:PORT/#https://example.com/',
  'HTTP://127.0.0.1:PORT/',
  'ht\ntp://127.0.\t0.1:PORT/',
  '  http://127.0.0.1:PORT/  ',
  '\u0000http://127.0.0.1:PORT/',
  'http://127.0.0.1:0PORT/',
];

/** Names of this machine. */
const LOOPBACK_NAMES = [
  'http://localhost:PORT/',
  'http://LocalHost:PORT/',
  'http://localhost.:PORT/',
  'http://loc%61lhost:PORT/',
  'http://\u24dbocalhost:PORT/',
  'http://lo\u00adcalhost:PORT/',
  'http://local\u200bhost:PORT/',
  'http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54:PORT/',
];

/** What this machine takes for itself, as Linux does. */
const UNSPECIFIED = [
  'http://0.0.0.0:PORT/',
  'http://0:PORT/',
  'http://0x0:PORT/',
  'http://0x:PORT/',
  'http://000000000000:PORT/',
  'http://0.0:PORT/',
  'http://[::ffff:0.0.0.0]:PORT/',
  'http://[::ffff:127.0.0.1]:PORT/',
  'http://[::ffff:7f00:1]:PORT/',
  'http://[::FFFF:7F00:0001]:PORT/',
  'http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/',
  'http://[0000:0000:0000:0000:0000:ffff:7f00:0001]:PORT/',
];

const LOOPBACK_V6 = [
  'http://[::1]:PORT/',
  'http://[0:0:0:0:0:0:0:1]:PORT/',
  'http://[0000:0000:0000:0000:0000:0000:0000:0001]:PORT/',
  'http://[::0:1]:PORT/',
  'http://[0::1]:PORT/',
  'http://[::0.0.0.1]:PORT/',
  'http://[:\t:1]:PORT/',
  'http://[::]:PORT/',
  'http://[0:0::0]:PORT/',
];

/** Not this machine's, or not always; the message tells that the rules refused them. */
const ELSEWHERE = [
  'http://127.0.0.2:PORT/',
  'http://127.255.255.254:PORT/',
  'http://0.0.0.1:PORT/',
  'http://10.0.0.1:PORT/',
  'http://012.1:PORT/',
  'http://0xA000001:PORT/',
  'http://100.64.0.1:PORT/',
  'http://100.100.100.200:PORT/latest/meta-data/',
  'http://168.63.129.16:PORT/',
  'http://169.254.169.254:PORT/latest/meta-data/',
  'http://2852039166:PORT/latest/meta-data/',
  'http://0xa9fea9fe:PORT/',
  'http://0251.0376.0251.0376:PORT/',
  'http://169.254.43518:PORT/',
  'http://169.16689662:PORT/',
  'http://172.16.0.1:PORT/',
  'http://172.31.255.255:PORT/',
  'http://192.0.0.192:PORT/opc/v2/',
  'http://192.0.2.1:PORT/',
  'http://192.168.0.1:PORT/',
  'http://192.168.1:PORT/',
  'http://3232235521:PORT/',
  'http://198.18.0.1:PORT/',
  'http://198.51.100.1:PORT/',
  'http://203.0.113.1:PORT/',
  'http://224.0.0.1:PORT/',
  'http://239.255.255.250:PORT/',
  'http://240.0.0.1:PORT/',
  'http://255.255.255.255:PORT/',
  'http://4294967295:PORT/',
  'http://[::127.0.0.1]:PORT/',
  'http://[::7f00:1]:PORT/',
  'http://[::ffff:10.0.0.1]:PORT/',
  'http://[::ffff:a9fe:a9fe]:PORT/',
  'http://[::ffff:0:127.0.0.1]:PORT/',
  'http://[64:ff9b::127.0.0.1]:PORT/',
  'http://[64:ff9b::a9fe:a9fe]:PORT/',
  'http://[64:ff9b:1::7f00:1]:PORT/',
  'http://[100::1]:PORT/',
  'http://[2001:0:7f00:1::]:PORT/',
  'http://[2001:db8::1]:PORT/',
  'http://[2002:7f00:1::]:PORT/',
  'http://[2002:a9fe:a9fe::1]:PORT/',
  'http://[3fff::1]:PORT/',
  'http://[5f00::1]:PORT/',
  'http://[fc00::1]:PORT/',
  'http://[fd00:ec2::254]:PORT/latest/meta-data/',
  'http://[fe80::1]:PORT/',
  'http://[fec0::1]:PORT/',
  'http://[ff02::1]:PORT/',
];

/** Refused for their text alone. */
const TRICKS = [
  'http://example.com@127.0.0.1:PORT/',
  'http://example.com:80@127.0.0.1:PORT/',
  'http://example.com%00@127.0.0.1:PORT/',
  'http://:@a@127.0.0.1:PORT/',
  'http://a.localhost:PORT/',
  'http://localhost..:PORT/',
  'http://printer.local:PORT/',
  'http://metadata.google.internal:PORT/computeMetadata/v1/',
  'http://metadata.google.internal.:PORT/computeMetadata/v1/',
  'ftp://127.0.0.1:PORT/',
  'gopher://127.0.0.1:PORT/_GET',
  'ws://127.0.0.1:PORT/',
  'file:///etc/passwd',
  'unix:/var/run/docker.sock',
];

/** No URLs at all. */
const NONSENSE = [
  'http://[fe80::1%25lo]:PORT/',
  'http://[::1%lo]:PORT/',
  'http://[::1]]:PORT/',
  'http://[[::1]:PORT/',
  'http://127.0.0.1:PORT:80/',
  'http://127.0.0.1%00.example.com:PORT/',
  'http://localhost%00:PORT/',
  'http://127.0.0.1%20:PORT/',
  'http://127.0.0.1 .example.com:PORT/',
  'http://127.0.0.1.1:PORT/',
  'http://127.0.0.256:PORT/',
  'http://4294967296:PORT/',
  'http://0x100000000:PORT/',
  'http://09.0.0.1:PORT/',
  '127.0.0.1:PORT/',
  '//127.0.0.1:PORT/',
  '/127.0.0.1:PORT/',
];

describe('forbidden addresses', () => {
  let server: CountingServer;
  let web: OpenWeb;
  const resolved: string[] = [];
  let connectionsMeant = 0;
  beforeAll(async () => {
    server = await CountingServer.start(HAS_IPV6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']);
  });
  beforeEach(() => {
    web = openWeb({
      // Any port, so that it is the address that is refused.
      allow: ['*'],
      lookup: (name) => {
        resolved.push(name);
        return Promise.reject(new Error('nothing should be looked up'));
      },
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  function at(url: string): string {
    return url.replace('PORT', String(server.port));
  }

  it.each([...LOOPBACK_V4, ...UNSPECIFIED, ...LOOPBACK_V6, ...ELSEWHERE])(
    'are not connected to: %j',
    async (url) => {
      await expect(web.open(at(url))).rejects.toMatchObject({
        code: 'unsupported_media',
        message: expect.stringContaining('is not fetched: its host does not have a public address.'),
      });
      expect(server.connections).toBe(connectionsMeant);
    },
  );

  it.each([...LOOPBACK_NAMES, ...TRICKS])('are not resolved: %j', async (url) => {
    await expect(web.open(at(url))).rejects.toMatchObject({
      code: 'unsupported_media',
      message: expect.stringMatching(/ is not fetched: its (host|address) /),
    });
    expect(server.connections).toBe(connectionsMeant);
  });

  it.each(NONSENSE)('are no URLs: %j', async (url) => {
    await expect(web.open(at(url))).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'The medium cannot be fetched: its address is not a URL.',
    });
    expect(server.connections).toBe(connectionsMeant);
  });

  it.each([
    ['127.0.0.1'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['fe80::1%lo'],
    ['10.0.0.1'],
    ['169.254.169.254'],
    ['64:ff9b::7f00:1'],
    ['8.8.8.8', '127.0.0.1'],
    ['127.0.0.1', '8.8.8.8'],
    ['2606:4700::1', '8.8.8.8', '::1'],
    ['not an address'],
    ['2130706433'],
  ])('are not connected to behind names: %s', async (...addresses) => {
    const { open } = openWeb({
      allow: ['*'],
      lookup: () =>
        Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))),
    });
    await expect(open(at('http://rebind.test:PORT/'))).rejects.toMatchObject({
      code: 'unsupported_media',
      message: `The medium at ${at('http://rebind.test:PORT/')} is not fetched: its host does not have a public address.`,
      cause: { cause: { cause: { message: expect.stringContaining(addresses.join(', ')) } } },
    });
    expect(server.connections).toBe(connectionsMeant);
  });

  it.each([...LOOPBACK_V4, ...LOOPBACK_NAMES, ...(HAS_IPV6 ? [...UNSPECIFIED, ...LOOPBACK_V6] : [])])(
    'would be connected to without the rules: %j',
    async (url) => {
      const { read } = openWeb({ allowPrivate: true });
      expect(String(await read(at(url)))).toBe('secret');
      expect(server.connections).toBe(++connectionsMeant);
    },
  );

  it('have been neither looked up nor connected to meanwhile', async () => {
    await pause(50);
    expect(resolved).toEqual([]);
    expect(server.connections).toBe(connectionsMeant);
  });
});
