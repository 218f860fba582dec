import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  brokenChunks,
  chunks,
  completion,
  cutAfter,
  drip,
  errorAnswer,
  FAULTY_MODEL,
  htmlAnswer,
  INVALID_UTF8,
  jsonAnswer,
  largeAnswer,
  sseAnswer,
} from './faulty-answers.ts';
import { FaultyServer, refusingUrl } from './faulty-server.ts';

const POST = 'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}';
const MEGABYTE = 1_000_000;

let server: FaultyServer;
let client: BareClient;

beforeEach(async () => {
  server = await FaultyServer.start();
  client = await BareClient.open(server.url);
});

afterEach(async () => {
  client.socket.destroy();
  await server.stop();
});

/** Sees single bytes, and how a connection ends. */
class BareClient {
  readonly socket: Socket;
  /** One character a byte. */
  received = '';
  ending: 'open' | 'end' | 'reset' = 'open';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.received += text;
    });
    socket.once('end', () => {
      this.ending = 'end';
    });
    socket.once('error', () => {
      this.ending = 'reset';
    });
  }

  static async open(url: string): Promise<BareClient> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    return new BareClient(socket);
  }
}

/** An answer with its steps in one line. */
function written(answer: Answer): string {
  return [...answer]
    .map((step) =>
      typeof step === 'object' && 'write' in step
        ? Buffer.from(step.write).toString('latin1')
        : `<${JSON.stringify(step)}>`,
    )
    .join('');
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(1);
}

const post = (body: object): Promise<Response> =>
  fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) });

describe('FaultyServer', () => {
  it.each<[name: string, answer: Answer, sent: string, ending: BareClient['ending']]>([
    ['nothing', ['hang'], '', 'open'],
    ['a reset at once', ['reset'], '', 'reset'],
    ['an end at once', ['end'], '', 'end'],
    ['a head, then silence', cutAfter(jsonAnswer({}), 12, 'hang'), 'HTTP/1.1 200', 'open'],
    ['some bytes, then a reset', cutAfter(jsonAnswer({}), 9, 'reset'), 'HTTP/1.1 ', 'reset'],
    [
      'half an event, then a reset',
      sseAnswer([], { partial: 'data: {"id', ending: 'reset' }),
      'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\na\r\ndata: {"id\r\n',
      'reset',
    ],
    [
      'events until the connection ends',
      sseAnswer(['1', INVALID_UTF8], { untilClose: true }),
      'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: 1\n\n\xC3(',
      'end',
    ],
    [
      'a length that is too large',
      [...jsonAnswer({}, { headers: { 'content-length': '9' } }), 'end'],
      'HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-type: application/json\r\n\r\n{}',
      'end',
    ],
    [
      'broken chunks',
      brokenChunks('{}'),
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\nno size\r\n{}\r\n',
      'open',
    ],
  ])('sends %s', async (_name, answer, sent, ending) => {
    server.queue(answer);
    client.socket.write(POST);
    await until(() => client.received.length >= sent.length && client.ending === ending);
    await until(() => server.requests.length === 1);
    expect(client.received).toBe(sent);
    expect(server.requests).toMatchObject([{ method: 'POST', body: '{}', sentBytes: sent.length }]);
    client.socket.destroy();
    await expect(server.last.closed).resolves.toBeUndefined();
    expect(server.openConnections).toBe(0);
  });

  it('answers as a server in good health when nothing else is said', async () => {
    const models: unknown = await (await fetch(`${server.url}/v1/models`)).json();
    expect(models).toMatchObject({ data: [{ id: FAULTY_MODEL }] });
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect((await fetch(`${server.url}/nowhere`)).status).toBe(404);
    expect(await (await post({ model: 'm' })).json()).toEqual(completion({ model: 'm' }));
    const stream = await (await post({ stream: true })).text();
    expect(stream).toBe(chunks().reduce((text, data) => `${text}data: ${data}\n\n`, ''));
  });

  it('gives queued answers to POST requests, then asks the responder, then answers well', async () => {
    server.queue(errorAnswer(429, { 'retry-after': '7' }), htmlAnswer(502));
    server.respond = ({ path, body }) =>
      path === '/health' || body.includes('again') ? errorAnswer(503) : undefined;
    const statuses: number[] = [];
    for (const path of ['health', 'v1/models']) {
      statuses.push((await fetch(`${server.url}/${path}`)).status);
    }
    const limited = await post({});
    expect(limited.headers.get('retry-after')).toBe('7');
    statuses.push(limited.status);
    for (const body of [{}, { again: 1 }, {}]) statuses.push((await post(body)).status);
    expect(statuses).toEqual([503, 200, 429, 502, 503, 200]);
  });

  it('reads requests of one connection one after the other, cut anywhere', async () => {
    server.respond = () => jsonAnswer('ok');
    const request = POST.replace('host: a', 'Host: a\r\nX-A: 1\r\nx-a:2').replace('{}', 'é');
    for (const byte of Buffer.from(request)) {
      client.socket.write(Buffer.of(byte));
      await pause(0);
    }
    client.socket.write(request + request);
    await until(() => client.received.split('"ok"').length === 4);
    expect(server.requests).toHaveLength(3);
    for (const seen of server.requests) {
      const headers = { host: 'a', 'x-a': '1, 2', 'content-length': '2' };
      expect(seen).toMatchObject({ path: '/v1/chat/completions', headers, body: 'é', connection: 1 });
    }
  });

  it('breaks all connections at once, goes away, and comes back on the same port', async () => {
    const other = await BareClient.open(server.url);
    await until(() => server.openConnections === 2);
    server.kill();
    await until(() => client.ending === 'reset' && other.ending === 'reset');
    expect((await fetch(`${server.url}/health`)).ok).toBe(true);
    await server.stop();
    await expect(fetch(`${server.url}/health`)).rejects.toThrow('fetch failed');
    await server.restart();
    expect((await fetch(`${server.url}/health`)).ok).toBe(true);
    await expect(fetch(await refusingUrl())).rejects.toThrow('fetch failed');
  });

  it('hands over a large body as fast as it is read', async () => {
    server.queue(largeAnswer(50 * MEGABYTE));
    const response = await post({});
    for (let sent = -1; sent !== server.last.sentBytes; await pause(100)) sent = server.last.sentBytes;
    expect(server.last.sentBytes).toBeLessThan(25 * MEGABYTE);
    const body = await response.text();
    expect(body).toHaveLength(50 * MEGABYTE);
    expect(Object.keys(JSON.parse(body) as object)).toEqual(Object.keys(completion()));
  });
});

describe('cutAfter and drip', () => {
  const answer = [{ write: 'abc' }, { wait: 1 }, { write: 'def' }] as const;

  it.each([
    [0, '<"end">'],
    [2, 'ab<"end">'],
    [3, 'abc<"end">'],
    [4, 'abc<{"wait":1}>d<"end">'],
    [9, 'abc<{"wait":1}>def<"end">'],
  ])('cutAfter keeps %i bytes', (bytes, steps) => {
    expect(written(cutAfter(answer, bytes, 'end'))).toBe(steps);
  });

  it('drip waits before each piece', () => {
    const wait = '<{"wait":5}>';
    expect(written(drip(answer, 2, 5))).toBe(`${wait}ab${wait}c<{"wait":1}>${wait}de${wait}f`);
  });
});
