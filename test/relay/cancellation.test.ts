/** A client that leaves, and a request whose time is up, end the work at once, and are no fault of the replica. */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FORMS, readAnswer } from '../gemini/fixture.ts';
import {
  type Answer,
  chunks,
  errorAnswer,
  goodAnswer,
  head,
  inChunk,
  sseAnswer,
  type Step,
} from '../support/faulty-answers.ts';
import type { FaultyServer } from '../support/faulty-server.ts';
import type { RelayServer } from '../support/relay-server.ts';
import { answerFirst, chat, chatsOf, loadOf, nameOf, startPlace, until, sortedLoadOf } from './fixture.ts';

/** From the client's departure to the end of the upstream's connection, in milliseconds. */
const AT_ONCE = 100;

const whole = goodAnswer('POST', '/v1/chat/completions', '{}');
const [start = '', word = ''] = chunks();

/** Answers that never end, by how far they get. */
const ENDLESS: readonly { readonly name: string; readonly stream: boolean; readonly answer: Answer }[] = [
  { name: 'the head of a whole answer', stream: false, answer: ['hang'] },
  {
    name: 'the body of a whole answer',
    stream: false,
    answer: [whole[0]!, { write: '{"choices":' }, 'hang'],
  },
  { name: 'the head of a stream', stream: true, answer: ['hang'] },
  { name: 'the first event of a stream', stream: true, answer: sseAnswer([], { ending: 'hang' }) },
  { name: 'the next event of a stream', stream: true, answer: sseAnswer([start, word], { ending: 'hang' }) },
];

/** Sends a request, reads nothing of the answer, and leaves when it is told to. */
function deafClient(relay: RelayServer, body: object): Socket {
  const text = JSON.stringify(body);
  const socket = connect(Number(new URL(relay.url).port), '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on('error', () => {});
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
  );
  return socket;
}

/** A stream of events as large as one read, without end. */
function* flood(stream: boolean): Generator<Step> {
  const filler = 'x'.repeat(64 * 1024);
  if (!stream) {
    yield head(200, { 'content-type': 'application/json', 'content-length': String(1e9) });
    yield { write: '{"choices":[{"message":{"content":"' };
    for (;;) yield { write: filler };
  }
  yield sseAnswer([])[0]!;
  for (;;) yield { write: inChunk(`data: {"choices":[{"index":0,"delta":{"content":"${filler}"}}]}\n\n`) };
}

/**
 * How many of the next requests each replica gets. One whose lease was kept would get none: the replica with the fewest
 * is asked, and there is one request at a time.
 */
async function sharesOf(relay: RelayServer, servers: readonly FaultyServer[]): Promise<number[]> {
  const before = loadOf(servers);
  for (let sent = 0; sent < 24; sent++) await readAnswer(await relay.post(chat()));
  return loadOf(servers).map((load, index) => load - before[index]!);
}

describe('a client that leaves while its server is about to write', () => {
  it.each(ENDLESS)('$name is told within a tenth of a second', async ({ stream, answer }) => {
    const { servers, relay } = await startPlace();
    const [server] = servers;
    const delays: number[] = [];
    // The fastest of three counts: this machine may be busy.
    for (let round = 1; round <= 3; round++) {
      server!.queue(answer);
      const client = new AbortController();
      const reading = relay
        .post(chat({ stream }), { signal: client.signal })
        .then((began) => began.text())
        .catch(() => 'gone');
      await until(() => chatsOf(server!).length === round);
      await pause(20);
      const left = performance.now();
      client.abort();
      await server!.last.closed;
      delays.push(performance.now() - left);
      expect(await reading).toBe('gone');
    }
    expect(Math.min(...delays)).toBeLessThan(AT_ONCE);
  });

  it.each(ENDLESS)('$name does not speak against the replica', async ({ stream, answer }) => {
    const { servers, relay } = await startPlace({ replicas: 2, upstream: { circuit: { failures: 1 } } });
    answerFirst(servers, answer);
    const client = new AbortController();
    const reading = relay
      .post(chat({ stream }), { signal: client.signal })
      .then((began) => began.text())
      .catch(() => 'gone');
    await until(() => servers.some((server) => chatsOf(server).length === 1));
    await pause(20);
    client.abort();
    expect(await reading).toBe('gone');
    const [asked] = servers.flatMap(chatsOf);
    await asked!.closed;
    expect((await relay.readiness()).status).toBe('ready');
    expect(await sharesOf(relay, servers)).not.toContain(0);
  });

  it('before there is a connection for it is never sent', async () => {
    const { servers, relay } = await startPlace({ upstream: { max_connections: 1 } });
    const [server] = servers;
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    server!.queue([{ until: opened }, ...whole]);
    const first = relay.post(chat());
    await until(() => chatsOf(server!).length === 1);
    const client = new AbortController();
    const second = relay.post(chat({ seed: 2 }), { signal: client.signal });
    await pause(50);
    client.abort();
    await expect(second).rejects.toThrow('abort');
    await until(() => relay.log.some(({ error }) => error === 'cancelled'));
    open();
    expect((await readAnswer(await first)).status).toBe(200);
    await readAnswer(await relay.post(chat({ seed: 3 })));
    expect(chatsOf(server!).map(({ body }) => (JSON.parse(body) as { seed?: number }).seed)).toEqual([
      undefined,
      3,
    ]);
  });

  it('in the pause before it is asked again ends the request', async () => {
    const { servers, relay } = await startPlace();
    const [server] = servers;
    server!.queue(errorAnswer(429, { 'retry-after': '0.3' }));
    const client = new AbortController();
    const answer = relay.post(chat(), { signal: client.signal });
    await until(() => chatsOf(server!).length === 1);
    await pause(50);
    client.abort();
    await expect(answer).rejects.toThrow('abort');
    await until(() => relay.log.some(({ msg }) => msg === 'request' || msg === 'request failed'));
    expect(relay.log.findLast(({ route }) => route === 'chat plain')).toMatchObject({
      status: 499,
      error: 'cancelled',
    });
    await pause(400);
    expect(chatsOf(server!)).toHaveLength(1);
  });
});

it.each(FORMS)(
  'a client that does not read its $form answer and leaves frees its replica',
  async ({ stream }) => {
    const { servers, relay } = await startPlace({ replicas: 2 });
    answerFirst(servers, flood(stream));
    const client = deafClient(relay, chat({ stream }));
    await until(() => servers.some((server) => chatsOf(server).length === 1));
    await pause(150);
    client.destroy();
    await until(() => relay.log.some(({ route }) => route === 'chat plain'));
    expect(await sharesOf(relay, servers)).not.toContain(0);
  },
);

describe('a request whose time is up', () => {
  const upstream = { request_timeout_ms: 200, retries: 0, circuit: { failures: 1 } };

  it.concurrent.for(ENDLESS)(
    'ends while its server is about to write $name',
    async ({ stream, answer }, { onTestFinished: onFinished }) => {
      const { servers, relay } = await startPlace({ upstream, onFinished });
      servers[0]!.queue(answer);
      const began = performance.now();
      const { status, error, isDone } = await readAnswer(await relay.post(chat({ stream })));
      expect(performance.now() - began).toBeLessThan(1500);
      expect(error).toMatchObject({ code: 'timeout', message: 'The answer took longer than 0.2 seconds.' });
      const hasBegun = answer === ENDLESS[4]!.answer;
      expect({ status, isDone }).toEqual({ status: hasBegun ? 200 : 504, isDone: false });
      await servers[0]!.last.closed;
      expect((await relay.readiness()).status).toBe('ready');
    },
  );

  it('waits for no replica beyond it', async () => {
    const { servers, relay } = await startPlace({ upstream: { ...upstream, retries: 2 } });
    servers[0]!.queue(errorAnswer(503, { 'retry-after': '5' }));
    const began = performance.now();
    const { status, error } = await readAnswer(await relay.post(chat()));
    expect({ status, code: error?.code }).toEqual({ status: 504, code: 'timeout' });
    expect(performance.now() - began).toBeLessThan(1500);
    expect(chatsOf(servers[0]!)).toHaveLength(1);
  });

  it('counts for all replicas together', async () => {
    const { servers, relay } = await startPlace({ replicas: 2, upstream: { ...upstream, retries: 2 } });
    for (const server of servers) server.respond = ({ method }) => (method === 'POST' ? ['hang'] : undefined);
    const { status } = await readAnswer(await relay.post(chat()));
    expect(status).toBe(504);
    expect(sortedLoadOf(servers)).toEqual([0, 1]);
    expect(nameOf(servers[0]!)).not.toBe(nameOf(servers[1]!));
  });
});
