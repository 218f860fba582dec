import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createStandIn, httpChunk, wholeAnswer } from '../../bench/stand-in.ts';
import { listen } from '../../scripts/listen.ts';

const REQUEST = 'POST /path HTTP/1.1\r\nhost: a\r\nContent-Length: 8\r\n\r\nbräd\r\n\r';

describe('createStandIn', () => {
  it('reads requests however they are cut, with and without a body', async () => {
    const seen: string[] = [];
    const server = createStandIn(({ head, body }, socket) => {
      seen.push(`${head.split('\r\n')[0]} ${body.toString()}`);
      socket.write('done');
    });
    const socket = connect({
      port: await listen(server),
      host: '127.0.0.1',
      noDelay: true,
    });
    onTestFinished(() => {
      socket.destroy();
      server.close();
    });
    const bytes = Buffer.from(REQUEST);
    for (let cut = 1; cut < bytes.length; cut += 7) {
      socket.write(bytes.subarray(0, cut));
      await new Promise((resolve) => {
        setTimeout(resolve, 2);
      });
      socket.write(bytes.subarray(cut));
      await once(socket, 'data');
    }
    socket.write('GET /models HTTP/1.1\r\n\r\n');
    await once(socket, 'data');
    expect(seen.pop()).toBe('GET /models HTTP/1.1 ');
    expect(new Set(seen)).toEqual(new Set(['POST /path HTTP/1.1 bräd\r\n\r']));
  });
});

describe('the framing', () => {
  it('counts bytes', () => {
    expect(httpChunk('é\n')).toBe('3\r\né\n\r\n');
    expect(wholeAnswer('é', 'text/plain').toString()).toContain('\r\nContent-Length: 2\r\n\r\né');
  });
});
