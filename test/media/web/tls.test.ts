import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebMediaOptions } from '../../../src/media/web/web-media.ts';
import { bodyAnswer } from '../../support/faulty-answers.ts';
import { FaultyServer } from '../../support/faulty-server.ts';
import { rawServers } from '../../upstream/raw-server.ts';
import { SELF_SIGNED } from './certificate.ts';
import { webMediaFactory } from './open-web.ts';

const openWeb = webMediaFactory();
const startServer = rawServers();
const running: Server[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** All names are this machine, and its own certificate is good. */
const trusting: WebMediaOptions = {
  allowPrivate: true,
  ca: SELF_SIGNED.cert,
  lookup: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
};

async function startTls(onRequest: RequestListener): Promise<number> {
  const server = createServer(SELF_SIGNED, onRequest);
  running.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('media over TLS', () => {
  it('come from a server that proves its name, without another question for an address', async () => {
    const port = await startTls((_, response) => response.end('safe'));
    const asked: string[] = [];
    const { read } = openWeb({
      ...trusting,
      lookup: (name) => {
        asked.push(name);
        return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
      },
    });
    expect(String(await read(`https://media.test.:${port}/`))).toBe('safe');
    expect(asked).toEqual(['media.test']);
  });

  it.each([
    {
      name: 'a certificate that it signed itself',
      url: 'https://media.test',
      options: { ...trusting, ca: undefined },
      reason: 'no connection, the certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)',
    },
    {
      name: 'a certificate for another name',
      url: 'https://other.test',
      options: trusting,
      reason: 'no connection, the certificate is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)',
    },
    {
      name: 'a certificate for a name, asked for by address',
      url: 'https://127.0.0.1',
      options: trusting,
      reason: 'no connection, the certificate is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)',
    },
  ])('do not come from a server with $name', async ({ url, options: { ca, ...options }, reason }) => {
    let requests = 0;
    const port = await startTls((_, response) => {
      requests++;
      response.end();
    });
    const { open } = openWeb({ ...options, ...(ca !== undefined && { ca }) });
    await expect(open(`${url}:${port}/`)).rejects.toMatchObject({
      code: 'invalid_argument',
      shouldRetry: undefined,
      message: `The medium at ${url}:${port}/ cannot be fetched: ${reason}.`,
    });
    expect(requests).toBe(0);
  });

  it('do not come from a server that speaks no TLS', async () => {
    const { origin } = await startServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(openWeb(trusting).open(origin.replace('http:', 'https:'))).rejects.toMatchObject({
      code: 'invalid_argument',
      shouldRetry: undefined,
      message: expect.stringMatching(/ cannot be fetched: no connection \(ERR_SSL_\w+\)\.$/),
    });
  });

  it('do not wait for a greeting that does not come', async () => {
    const server = await startServer(() => undefined);
    const url = server.origin.replace('http:', 'https:');
    await expect(openWeb({ ...trusting, limits: { totalMs: 50 } }).open(url)).rejects.toThrow(
      'did not come within 0.05 seconds',
    );
    // The connection does not stay behind.
    while (server.sockets.size > 0) await pause(1);
    expect(server.received).toHaveLength(1);
  });

  it('do not lead out of it', async () => {
    await using plain = await FaultyServer.start();
    plain.respond = () => bodyAnswer('plain');
    const port = await startTls((_, response) =>
      response.writeHead(302, { location: `${plain.url}/x` }).end(),
    );
    await expect(openWeb(trusting).open(`https://media.test:${port}/`)).rejects.toMatchObject({
      code: 'unsupported_media',
      message: `The medium at https://media.test:${port}/ is not fetched: it is redirected from https to http.`,
    });
    expect(plain.connections).toBe(0);
  });

  it('may be led to from outside', async () => {
    const port = await startTls((_, response) => response.end('safe'));
    await using plain = await FaultyServer.start();
    plain.respond = () =>
      bodyAnswer('', { status: 301, headers: { location: `https://media.test:${port}/` } });
    expect(String(await openWeb(trusting).read(plain.url))).toBe('safe');
  });
});
