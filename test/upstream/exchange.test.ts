import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BodyReceiver, exchange, type ExchangeRequest, readText } from '../../src/upstream/exchange.ts';
import { httpResponse, type RawServer, rawServers } from './raw-server.ts';
import { ScriptedExchange } from './scripted-exchange.ts';

const startServer = rawServers();
let agent: Agent;
beforeEach(() => {
  agent = new Agent({ connections: 1 });
});
afterEach(() => agent.destroy());

const never = new AbortController().signal;

function ask({ origin }: Pick<RawServer, 'origin'>, change: Partial<ExchangeRequest> = {}) {
  return exchange(agent, {
    origin,
    path: '/path?query=1',
    method: 'GET',
    headers: { 'x-test': 'yes' },
    signal: never,
    headersTimeoutMs: 10_000,
    idleTimeoutMs: 10_000,
    ...change,
  });
}

/** Writes a response whose body has no end yet. */
function begin(socket: Socket, body = ''): void {
  socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
  if (body !== '') writeChunk(socket, body);
}

function writeChunk(socket: Socket, text: string): void {
  socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

function end(socket: Socket): void {
  socket.write('0\r\n\r\n');
}

describe('exchange', () => {
  it('sends a request and gives status, headers and body of the answer', async () => {
    const server = await startServer((socket) => {
      socket.write('HTTP/1.1 404 Not Found\r\nx-one: 1\r\ncontent-length: 5\r\n\r\nhello');
    });
    const response = await ask(server, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: Buffer.from('sent'),
    });
    expect(response.status).toBe(404);
    expect(response.headers['x-one']).toBe('1');
    expect(await readText(response.body, 100)).toBe('hello');
    expect(server.received[0]).toMatch(/^POST \/path\?query=1 HTTP\/1\.1\r\n/);
    expect(server.received[0]).toMatch(/content-type: text\/plain\r\n(.*\r\n)*\r\nsent$/i);
  });

  it('gives headers that were sent more than once as one text', async () => {
    const server = await startServer((socket) => {
      socket.write(
        httpResponse('', 'HTTP/1.1 200 OK\r\nRetry-After: 1\r\nretry-after: 2\r\nvary: a\r\nvary: b'),
      );
    });
    const { headers } = await ask(server);
    expect(headers).toEqual({ 'retry-after': '1', vary: 'a, b', 'content-length': '0' });
  });

  it('reads an answer without a body', async () => {
    const server = await startServer((socket) => void socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const response = await ask(server);
    expect(response.status).toBe(204);
    expect(await readText(response.body, 0)).toBe('');
  });

  it('passes over informational answers', async () => {
    const server = await startServer((socket) => {
      socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${httpResponse('real')}`);
    });
    const response = await ask(server);
    expect(response.status).toBe(200);
    expect(await readText(response.body, 100)).toBe('real');
  });

  it('gives the body as it arrives', async () => {
    let upstream: Socket | undefined;
    const server = await startServer((socket) => {
      upstream = socket;
      begin(socket, 'one');
    });
    const { body } = await ask(server);
    const chunks = body[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('one');
    const second = chunks.next();
    writeChunk(upstream as Socket, 'two');
    expect(String((await second).value)).toBe('two');
    end(upstream as Socket);
    expect(await chunks.next()).toEqual({ value: undefined, done: true });
    expect(await chunks.next()).toEqual({ value: undefined, done: true });
  });

  it('uses the connection again after a body was read', async () => {
    const server = await startServer((socket) => void socket.write(httpResponse('again')));
    for (let number = 0; number < 3; number++) {
      expect(await readText((await ask(server)).body, 100)).toBe('again');
    }
    expect(server.received).toHaveLength(1);
  });

  it('closes the connection when the reader leaves, and others go on with a new one', async () => {
    const server = await startServer((socket, request) => {
      if (request.includes('/endless')) begin(socket, 'one');
      else socket.write(httpResponse('next'));
    });
    const { body } = await ask(server, { path: '/endless' });
    const [left] = server.sockets;
    for await (const chunk of body) {
      expect(String(chunk)).toBe('one');
      break;
    }
    await once(left as Socket, 'close');
    expect(await readText((await ask(server)).body, 100)).toBe('next');
  });

  it('pauses an upstream whose answer nobody reads', async () => {
    const total = 64 * 1024 * 1024;
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    let written = 0;
    let upstream: Socket | undefined;
    const server = await startServer((socket) => {
      upstream = socket;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
      const write = (): void => {
        while (written < total) {
          written += chunk.length;
          if (!socket.write(chunk)) {
            socket.once('drain', write);
            return;
          }
        }
      };
      write();
    });
    const { body } = await ask(server);
    let before = -1;
    // The kernel's buffers take what they hold; then the upstream stands still.
    while (before !== written) {
      before = written;
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
    expect(written).toBeLessThan(total);
    expect(upstream?.writableNeedDrain).toBe(true);
    let read = 0;
    for await (const part of body) read += part.length;
    expect(read).toBe(total);
  });
});

describe('a failed exchange', () => {
  it('is a connect fault when nobody listens', async () => {
    await expect(ask({ origin: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      name: 'TransportError',
      fault: 'connect',
    });
  });

  it('is a reset when the connection closes before an answer', async () => {
    const server = await startServer((socket) => socket.destroy());
    await expect(ask(server)).rejects.toMatchObject({ fault: 'reset' });
  });

  it('is a reset when the answer is no HTTP', async () => {
    const server = await startServer((socket) => void socket.write('SSH-2.0-OpenSSH_9\r\n\r\n'));
    await expect(ask(server)).rejects.toMatchObject({ fault: 'reset' });
  });

  it('is a timeout when the upstream says nothing', async () => {
    const server = await startServer(() => undefined);
    await expect(ask(server, { headersTimeoutMs: 50 })).rejects.toMatchObject({ fault: 'timeout' });
  });

  it('is a timeout when the upstream falls silent', async () => {
    const server = await startServer((socket) => begin(socket, 'one'));
    const { body } = await ask(server, { idleTimeoutMs: 50 });
    const chunks = body[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('one');
    await expect(chunks.next()).rejects.toMatchObject({ fault: 'timeout' });
    await expect(chunks.next()).rejects.toMatchObject({ fault: 'timeout' });
  });

  it.each([
    { name: 'chunks', head: 'transfer-encoding: chunked\r\n\r\n3\r\none\r\n' },
    { name: 'a length', head: 'content-length: 10\r\n\r\none' },
  ])('is a reset when a body with $name breaks off, after what had arrived', async ({ head }) => {
    const server = await startServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}`, () => socket.end());
    });
    const { body } = await ask(server);
    const chunks: string[] = [];
    const reading = (async () => {
      for await (const chunk of body) chunks.push(String(chunk));
    })();
    await expect(reading).rejects.toMatchObject({ fault: 'reset' });
    expect(chunks).toEqual(['one']);
  });

  it('is a connect fault, without the header, when a header cannot be sent', async () => {
    const server = await startServer((socket) => void socket.write(httpResponse('')));
    const failure = ask(server, { headers: { 'x-bad': 'secret\nsecret' } });
    await expect(failure).rejects.toMatchObject({
      fault: 'connect',
      message: expect.not.stringContaining('secret'),
    });
    expect(server.received).toEqual([]);
  });
});

describe('an abort', () => {
  const reason = new Error('the client left');

  it('before the exchange sends nothing', async () => {
    const server = await startServer(() => undefined);
    await expect(ask(server, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.received).toEqual([]);
  });

  it('while the exchange waits for a connection sends nothing', async () => {
    const server = await startServer((socket, request) => {
      if (request.includes('/first')) begin(socket);
      else socket.write(httpResponse('late'));
    });
    const first = await ask(server, { path: '/first' });
    const aborted = new AbortController();
    const second = ask(server, { path: '/second', signal: aborted.signal });
    aborted.abort(reason);
    await expect(second).rejects.toBe(reason);
    end([...server.sockets][0] as Socket);
    expect(await readText(first.body, 100)).toBe('');
    expect(await readText((await ask(server, { path: '/third' })).body, 100)).toBe('late');
    expect(server.received.join('')).not.toContain('/second');
  });

  it('before the head closes the connection', async () => {
    const requested = Promise.withResolvers<Socket>();
    const server = await startServer((socket) => requested.resolve(socket));
    const aborted = new AbortController();
    const waiting = ask(server, { signal: aborted.signal });
    const socket = await requested.promise;
    aborted.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await once(socket, 'close');
  });

  it.each([
    { name: 'an error', abortReason: reason },
    { name: 'no error', abortReason: 'left' },
  ])('within the body rejects the read that waits, with $name as reason', async ({ abortReason }) => {
    const server = await startServer((socket) => begin(socket, 'one'));
    const aborted = new AbortController();
    const { body } = await ask(server, { signal: aborted.signal });
    const [socket] = server.sockets;
    const chunks = body[Symbol.asyncIterator]();
    await chunks.next();
    const next = chunks.next();
    aborted.abort(abortReason);
    await expect(next).rejects.toBe(abortReason);
    await expect(chunks.next()).rejects.toBe(abortReason);
    await once(socket as Socket, 'close');
  });

  it('within the body is seen by the next read, whatever had arrived', async () => {
    const server = await startServer((socket) => begin(socket, 'one'));
    const aborted = new AbortController();
    const { body } = await ask(server, { signal: aborted.signal });
    const chunks = body[Symbol.asyncIterator]();
    await chunks.next();
    const [socket] = server.sockets;
    writeChunk(socket as Socket, 'two');
    // The same connection carries both, so 'two' is there once a turn of the loop has passed.
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    aborted.abort(reason);
    await expect(chunks.next()).rejects.toBe(reason);
  });

  it('after the end changes nothing', async () => {
    const server = await startServer((socket) => void socket.write(httpResponse('all')));
    const aborted = new AbortController();
    const { body } = await ask(server, { signal: aborted.signal });
    expect(await readText(body, 100)).toBe('all');
    aborted.abort(reason);
    expect(await readText((await ask(server)).body, 100)).toBe('all');
    expect(server.received).toHaveLength(1);
  });
});

async function* chunksOf(...chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

describe('readText', () => {
  it('joins characters that were cut', async () => {
    const bytes = Buffer.from('größer €');
    const pieces = Array.from(bytes, (byte) => Buffer.from([byte]));
    expect(await readText(chunksOf(...pieces), bytes.length)).toBe('größer €');
  });

  it('refuses a byte more than the limit, and leaves the body', async () => {
    let hasLeft = false;
    async function* body(): AsyncGenerator<Buffer> {
      try {
        yield Buffer.from('12');
        yield Buffer.from('34');
        yield Buffer.from('5');
      } finally {
        hasLeft = true;
      }
    }
    await expect(readText(body(), 3)).rejects.toMatchObject({ name: 'TransportError', fault: 'too-large' });
    expect(hasLeft).toBe(true);
  });
});

/** A receiver that writes down what it is told. */
class Listener implements BodyReceiver {
  readonly heard: unknown[] = [];
  readonly #takes: (text: string) => boolean;

  constructor(takes: (text: string) => boolean = () => true) {
    this.#takes = takes;
  }

  onData(chunk: Buffer): boolean {
    const text = chunk.length > 20 ? `${chunk.length} bytes` : chunk.toString();
    this.heard.push(text);
    return this.#takes(text);
  }

  onEnd(): void {
    this.heard.push('end');
  }

  onError(error: unknown): void {
    this.heard.push(error);
  }
}

describe('a body that is pushed', () => {
  it('comes at once, and its end once', async () => {
    const upstream = await ScriptedExchange.open();
    const listener = new Listener();
    upstream.send('one');
    upstream.body.receive(listener);
    upstream.send('two', 'three').end();
    upstream.body.resume();
    expect(listener.heard).toEqual(['one', 'two', 'three', 'end']);
    expect(upstream.pauses).toBe(0);
  });

  it('is what a loop has left', async () => {
    const upstream = await ScriptedExchange.open();
    upstream.send('one', 'two', 'three');
    const chunks = upstream.body[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('one');
    const listener = new Listener();
    upstream.body.receive(listener);
    upstream.send('four').end();
    expect(listener.heard).toEqual(['two', 'three', 'four', 'end']);
  });

  it('has come to its end before anybody receives it', async () => {
    const upstream = await ScriptedExchange.open();
    upstream.send('one').end();
    const listener = new Listener();
    upstream.body.receive(listener);
    expect(listener.heard).toEqual(['one', 'end']);
  });

  it('has broken before anybody receives it', async () => {
    const upstream = await ScriptedExchange.open();
    upstream.send('one').break();
    const listener = new Listener();
    upstream.body.receive(listener);
    upstream.break();
    expect(listener.heard).toEqual(['one', expect.objectContaining({ fault: 'reset' })]);
  });

  it('waits from the beginning', async () => {
    const upstream = await ScriptedExchange.open();
    const listener = new Listener();
    upstream.send('one');
    upstream.body.receive(listener, { isPaused: true });
    upstream.send('two').end();
    expect(listener.heard).toEqual([]);
    upstream.body.resume();
    expect(listener.heard).toEqual(['one', 'two', 'end']);
  });

  it('waits while its receiver has no room, and so does its end', async () => {
    const upstream = await ScriptedExchange.open();
    const listener = new Listener((text) => text !== 'two');
    upstream.body.receive(listener);
    upstream.send('one', 'two', 'three').end();
    expect(listener.heard).toEqual(['one', 'two']);
    upstream.body.resume();
    expect(listener.heard).toEqual(['one', 'two', 'three', 'end']);
  });

  it('stops again and again, one chunk at a time', async () => {
    const upstream = await ScriptedExchange.open();
    const listener = new Listener(() => false);
    upstream.send('one', 'two');
    upstream.body.receive(listener);
    upstream.send('three').end();
    for (const heard of [['one'], ['one', 'two'], ['one', 'two', 'three']]) {
      expect(listener.heard).toEqual(heard);
      upstream.body.resume();
    }
    expect(listener.heard).toEqual(['one', 'two', 'three', 'end']);
  });

  it('goes on when the receiver asks from within', async () => {
    const upstream = await ScriptedExchange.open();
    const listener = new Listener(() => true);
    let isNested = false;
    upstream.send('one', 'two', 'three');
    upstream.body.receive({
      onData: (chunk) => {
        expect(isNested).toBe(false);
        isNested = true;
        listener.onData(chunk);
        isNested = false;
        return true;
      },
      onEnd: () => listener.onEnd(),
      onError: (error) => listener.onError(error),
    });
    upstream.end();
    expect(listener.heard).toEqual(['one', 'two', 'three', 'end']);
  });

  it('pauses the upstream once enough is waiting', async () => {
    const upstream = await ScriptedExchange.open();
    const listener = new Listener((text) => text !== 'one');
    upstream.body.receive(listener);
    upstream.send('one');
    const chunk = Buffer.alloc(16 * 1024);
    for (let count = 0; count < 100; count++) upstream.send(chunk);
    expect(upstream.isPaused).toBe(true);
    expect(upstream.delivered).toBeLessThan(100 * 1024);
    upstream.end();
    upstream.body.resume();
    expect(listener.heard).toEqual(['one', ...Array.from({ length: 100 }, () => '16384 bytes'), 'end']);
    expect(upstream.isPaused).toBe(false);
  });

  it('goes to the next receiver from where the last one stopped', async () => {
    const upstream = await ScriptedExchange.open();
    const first = new Listener((text) => text !== 'two');
    const second = new Listener();
    upstream.body.receive(first);
    upstream.send('one', 'two', 'three');
    upstream.body.receive(second);
    upstream.send('four').end();
    expect(first.heard).toEqual(['one', 'two']);
    expect(second.heard).toEqual(['three', 'four', 'end']);
  });

  it('goes to another receiver while it is pushed', async () => {
    const upstream = await ScriptedExchange.open();
    const second = new Listener();
    const first = new Listener((text) => {
      if (text === 'two') upstream.body.receive(second);
      return true;
    });
    upstream.send('one', 'two', 'three');
    upstream.body.receive(first);
    upstream.end();
    expect(first.heard).toEqual(['one', 'two']);
    expect(second.heard).toEqual(['three', 'end']);
  });

  it.each([
    { name: 'its end', over: (upstream: ScriptedExchange) => upstream.end(), last: 'end' },
    {
      name: 'its failure',
      over: (upstream: ScriptedExchange) => upstream.break(),
      last: expect.objectContaining({ fault: 'reset' }) as unknown,
    },
  ])('$name is told to each receiver', async ({ over, last }) => {
    const upstream = await ScriptedExchange.open();
    const first = new Listener();
    const second = new Listener();
    upstream.body.receive(first);
    upstream.send('one');
    over(upstream);
    upstream.body.receive(second);
    upstream.body.resume();
    expect(first.heard).toEqual(['one', last]);
    expect(second.heard).toEqual([last]);
  });

  it('breaks off behind what had arrived', async () => {
    const upstream = await ScriptedExchange.open();
    const listener = new Listener(() => false);
    upstream.body.receive(listener);
    upstream.send('one', 'two').break();
    expect(listener.heard).toEqual(['one']);
    upstream.body.resume();
    upstream.body.resume();
    expect(listener.heard).toEqual(['one', 'two', expect.objectContaining({ fault: 'reset' })]);
  });

  it('is of no use any more: nothing is told', async () => {
    const upstream = await ScriptedExchange.open();
    const listener = new Listener();
    upstream.body.receive(listener);
    upstream.send('one');
    upstream.body.cancel();
    upstream.send('two').end();
    upstream.body.resume();
    upstream.body.cancel();
    expect(listener.heard).toEqual(['one']);
    expect(upstream.isAborted).toBe(true);
  });

  it.each([true, false])('is cancelled by its receiver, which goes on: %s', async (goesOn) => {
    const upstream = await ScriptedExchange.open();
    const listener = new Listener(() => {
      upstream.body.cancel();
      return goesOn;
    });
    upstream.send('one', 'two');
    upstream.body.receive(listener);
    expect(listener.heard).toEqual(['one']);
    expect(upstream.isAborted).toBe(true);
  });

  it('was cancelled before somebody else receives it: that is no end', async () => {
    const upstream = await ScriptedExchange.open();
    upstream.send('one');
    upstream.body.cancel();
    const listener = new Listener();
    upstream.body.receive(listener);
    expect(listener.heard).toEqual([expect.objectContaining({ fault: 'reset' })]);
  });

  it('is not closed by a cancel that comes too late', async () => {
    const upstream = await ScriptedExchange.open();
    upstream.body.receive(new Listener());
    upstream.send('one').end();
    upstream.body.cancel();
    expect(upstream.isAborted).toBe(false);
  });

  it.each([{ hasRoom: true }, { hasRoom: false }])(
    'ends with the signal, once, also without room (room: $hasRoom)',
    async ({ hasRoom }) => {
      const left = new AbortController();
      const upstream = await ScriptedExchange.open(left.signal);
      const listener = new Listener(() => hasRoom);
      upstream.body.receive(listener);
      upstream.send('one', 'two');
      const reason = new Error('left');
      left.abort(reason);
      const heard = [...(hasRoom ? ['one', 'two'] : ['one']), reason];
      expect(listener.heard).toEqual(heard);
      upstream.body.resume();
      expect(listener.heard).toEqual(heard);
      expect(upstream.isAborted).toBe(true);
    },
  );

  it('has ended with the signal before anybody receives it, also paused', async () => {
    const left = new AbortController();
    const upstream = await ScriptedExchange.open(left.signal);
    upstream.send('one');
    const reason = new Error('left');
    left.abort(reason);
    const listener = new Listener();
    upstream.body.receive(listener, { isPaused: true });
    expect(listener.heard).toEqual([reason]);
  });

  it('does not run into the idle timeout while it waits, and does when it goes on', async () => {
    const server = await startServer((socket) => {
      begin(socket, 'one');
      for (let count = 0; count < 40; count++) writeChunk(socket, 'x'.repeat(16 * 1024));
    });
    const { body } = await ask(server, { idleTimeoutMs: 100 });
    const over = Promise.withResolvers<unknown>();
    let received = 0;
    body.receive({
      onData: (chunk) => {
        received += chunk.length;
        return received > 3;
      },
      onEnd: () => over.resolve('end'),
      onError: over.resolve,
    });
    await sleep(400);
    expect(received).toBeLessThan(20 * 1024);
    body.resume();
    expect(await over.promise).toMatchObject({ fault: 'timeout' });
    expect(received).toBe(3 + 40 * 16 * 1024);
  });

  it('leaves the connection for the next exchange', async () => {
    const server = await startServer((socket) => void socket.write(httpResponse('again')));
    for (let number = 0; number < 3; number++) {
      const { body } = await ask(server);
      const over = Promise.withResolvers<void>();
      const listener = new Listener();
      body.receive({
        onData: (chunk) => listener.onData(chunk),
        onEnd: () => over.resolve(),
        onError: over.reject,
      });
      await over.promise;
      expect(listener.heard).toEqual(['again']);
    }
    expect(server.received).toHaveLength(1);
  });
});
