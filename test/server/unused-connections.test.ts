import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { listen } from '../../scripts/listen.ts';
import { UnusedConnections } from '../../src/server/unused-connections.ts';

const server = createServer((_request, response) => {
  response.end('ok');
});
const unused = new UnusedConnections(server);

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('UnusedConnections', () => {
  it('closes connections without a request, and no others', async () => {
    const port = await listen(server);
    const used = connect(port, '127.0.0.1');
    used.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(used, 'data');
    const silent = connect(port, '127.0.0.1');
    await once(server, 'connection');
    const closed = once(silent, 'close');
    silent.resume();
    unused.close();
    await closed;
    used.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const [answer] = (await once(used, 'data')) as [Buffer];
    expect(answer.toString()).toContain('200 OK');
    used.destroy();
  });
});
