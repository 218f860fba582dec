import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { Dispatcher } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { listen } from '../../scripts/listen.ts';
import { createConnectionPools } from '../../src/upstream/connection-pools.ts';
import { exchange, readText } from '../../src/upstream/exchange.ts';
import { httpResponse, rawServers } from './raw-server.ts';

const startServer = rawServers();
const pools: Dispatcher[] = [];
const stops: (() => void)[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.destroy();
  for (const stop of stops.splice(0)) stop();
});

function open(env: NodeJS.ProcessEnv, maxConnections = 10, connectTimeoutMs = 5000): Dispatcher {
  const pool = createConnectionPools({ connectTimeoutMs, maxConnections, http2: false }, env);
  pools.push(pool);
  return pool;
}

async function get(pool: Dispatcher, origin: string): Promise<string> {
  const { body } = await exchange(pool, {
    origin,
    path: '/',
    method: 'GET',
    headers: {},
    signal: new AbortController().signal,
    headersTimeoutMs: 5000,
    idleTimeoutMs: 5000,
  });
  return readText(body, 1000);
}

interface Proxy {
  readonly url: string;
  /** Targets it was asked to connect to. */
  readonly targets: string[];
}

/**
 * A proxy that answers plain requests itself and opens tunnels for others (RFC 9110 section 9.3.6).
 *
 * @param status any but 200 refuses both
 */
async function startProxy(status = 200): Promise<Proxy> {
  const targets: string[] = [];
  const server = createServer((request, response) => {
    targets.push(new URL(request.url ?? '').host);
    response.writeHead(status).end('through the proxy');
  });
  server.on('connect', (request, socket) => {
    targets.push(request.url ?? '');
    socket.on('error', () => undefined);
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      return;
    }
    const [host = '', port] = (request.url ?? '').split(':');
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
  });
  const port = await listen(server);
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}`, targets };
}

describe('createConnectionPools', () => {
  it('opens no more connections to an origin than allowed', async () => {
    const server = await startServer((socket, request) => {
      for (const _ of request.matchAll(/GET /g)) socket.write(httpResponse('ok'));
    });
    const pool = open({}, 2);
    await Promise.all(Array.from({ length: 20 }, () => get(pool, server.origin)));
    expect(server.received).toHaveLength(2);
  });

  it.each(['HTTP_PROXY', 'http_proxy'])('goes through the proxy of %s', async (name) => {
    const proxy = await startProxy();
    expect(await get(open({ [name]: proxy.url }), 'http://upstream.test:81')).toBe('through the proxy');
    expect(proxy.targets).toEqual(['upstream.test:81']);
  });

  it.each(['HTTPS_PROXY', 'https_proxy'])('tunnels HTTPS through the proxy of %s', async (name) => {
    const server = await startServer((socket) => socket.destroy());
    const proxy = await startProxy();
    const { host } = new URL(server.origin);
    await expect(get(open({ [name]: proxy.url }), `https://${host}`)).rejects.toThrow('connection');
    expect(proxy.targets).toEqual([host]);
    // The greeting of TLS arrived, so the proxy saw nothing it could read.
    expect(server.received[0]?.charCodeAt(0)).toBe(0x16);
  });

  it.each([{ NO_PROXY: '127.0.0.1' }, { no_proxy: 'localhost,127.0.0.1' }, { NO_PROXY: '*' }])(
    'goes past the proxy with %j',
    async (exception) => {
      const server = await startServer((socket) => void socket.write(httpResponse('past')));
      const proxy = await startProxy();
      expect(await get(open({ HTTP_PROXY: proxy.url, ...exception }), server.origin)).toBe('past');
      expect(proxy.targets).toEqual([]);
    },
  );

  it('sends no plain HTTP through a proxy for HTTPS', async () => {
    const server = await startServer((socket) => void socket.write(httpResponse('past')));
    const proxy = await startProxy();
    expect(await get(open({ HTTPS_PROXY: proxy.url }), server.origin)).toBe('past');
    expect(proxy.targets).toEqual([]);
  });

  it('uses an empty variable as none', async () => {
    const server = await startServer((socket) => void socket.write(httpResponse('past')));
    expect(await get(open({ HTTP_PROXY: '', HTTPS_PROXY: '' }), server.origin)).toBe('past');
  });

  it('takes the proxy from the environment it is given, not from the one of the process', async () => {
    const server = await startServer((socket) => void socket.write(httpResponse('past')));
    const [given, ofProcess] = [await startProxy(), await startProxy()];
    const before = process.env['http_proxy'];
    process.env['http_proxy'] = ofProcess.url;
    try {
      await get(open({ HTTP_PROXY: given.url }), server.origin);
      await get(open({ HTTPS_PROXY: given.url }), server.origin);
      await get(open({}), server.origin);
    } finally {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
    }
    expect(ofProcess.targets).toEqual([]);
    expect(given.targets).toHaveLength(1);
  });

  it.each(['http://upstream.test', 'https://upstream.test'])(
    'makes a connect fault of a proxy that refuses %s',
    async (origin) => {
      const proxy = await startProxy(407);
      const pool = open({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url });
      await expect(get(pool, origin)).rejects.toMatchObject({ fault: 'connect' });
    },
  );

  it.each(['upstream', 'proxy'])('gives up a silent %s after the time to connect', async (place) => {
    const { origin } = await startServer(() => undefined);
    const silent = origin.replace('http:', 'https:');
    const pool = open(place === 'proxy' ? { HTTPS_PROXY: silent } : {}, 10, 50);
    await expect(get(pool, place === 'proxy' ? 'https://upstream.test' : silent)).rejects.toMatchObject({
      fault: 'connect',
      message: 'no connection (UND_ERR_CONNECT_TIMEOUT)',
    });
  });
});
