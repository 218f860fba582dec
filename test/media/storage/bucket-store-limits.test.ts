import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BucketStore } from '../../../src/media/storage/bucket-store.ts';
import { parseBucketUri } from '../../../src/media/storage/parse-bucket-uri.ts';
import { type Answer, bodyAnswer, drip, head, inChunk, type Step } from '../../support/faulty-answers.ts';
import { readBody } from './read-body.ts';
import { testStores } from './test-stores.ts';

const OBJECT = parseBucketUri('gs://bucket/a.png');
const MIB = 1024 * 1024;
const never = new AbortController().signal;

const { server, storeOf } = testStores();

async function read(store: BucketStore, signal = never): Promise<Buffer> {
  return readBody((await store.open(OBJECT, { signal })).body);
}

/** As many bytes as are taken, without a length. */
function* endless(): Generator<Step> {
  yield head(200, { 'transfer-encoding': 'chunked' });
  for (;;) yield { write: inChunk(Buffer.alloc(65_536)) };
}

function* ofLength(bytes: number, sent = bytes): Generator<Step> {
  yield head(200, { 'content-length': String(bytes) });
  for (let left = sent; left > 0; left -= 65_536) yield { write: Buffer.alloc(Math.min(left, 65_536)) };
}

/** Looks again and again, since the other side's bytes take their way. */
async function eventually(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

describe('size', () => {
  const TOO_LARGE = {
    code: 'unsupported_media',
    message: 'gs://bucket/a.png is larger than the 1048576 bytes that this server fetches.',
  };

  it('may be exactly the limit', async () => {
    server().respond = () => ofLength(MIB);
    expect(await read(storeOf({ maxBytes: MIB }))).toHaveLength(MIB);
  });

  it('is refused by its length, before a byte is read', async () => {
    server().respond = () => ofLength(10 * 1024 * MIB);
    await expect(storeOf({ maxBytes: MIB }).open(OBJECT, { signal: never })).rejects.toMatchObject(TOO_LARGE);
    await server().last.closed;
    expect(server().requests).toHaveLength(1);
  });

  it('is refused as soon as more has come, where nobody told', async () => {
    server().respond = endless;
    await expect(read(storeOf({ maxBytes: MIB }))).rejects.toMatchObject(TOO_LARGE);
    await server().last.closed;
    expect(server().last.sentBytes).toBeLessThan(20 * MIB);
  });

  it('is 20 MiB without a limit', async () => {
    server().respond = () => ofLength(20 * MIB + 1, 0);
    await expect(read(storeOf())).rejects.toThrow('larger than the 20971520 bytes');
  });

  it.each([
    ['shorter than it was said to be', [...ofLength(100, 50), 'end']],
    ['broken off', [...ofLength(100, 50), 'reset']],
    ['no chunks', [head(200, { 'transfer-encoding': 'chunked' }), { write: 'zz\r\n' }]],
  ] satisfies [string, Answer][])('fails when the body is %s', async (_, answer) => {
    server().respond = () => answer;
    await expect(read(storeOf())).rejects.toMatchObject({
      code: 'invalid_argument',
      shouldRetry: true,
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ gave no complete answer for gs:\/\/bucket\/a\.png: /),
    });
  });

  it('ends with the length that was told, whatever comes after it', async () => {
    server().respond = () => ofLength(100, 300);
    expect(await read(storeOf())).toHaveLength(100);
  });
});

describe('time', () => {
  const SLOW = 'gs://bucket/a.png did not come within 0.3 seconds.';

  it.each([
    ['silent', ['hang']],
    ['silent after its head', [head(200, { 'content-length': '5' }), 'hang']],
    ['slow', [...drip(bodyAnswer('x'.repeat(1000)), 1, 20)]],
    ['overloaded for a while', bodyAnswer('', { status: 503, headers: { 'retry-after': '0.5' } })],
  ] satisfies [string, Answer][])('ends for a server that is %s', async (_, answer) => {
    server().respond = () => answer;
    await expect(read(storeOf({ timeoutMs: 300, retry: { maxHintMs: 1000 } }))).rejects.toMatchObject({
      code: 'invalid_argument',
      shouldRetry: true,
      message: SLOW,
    });
    expect(server().requests).toHaveLength(1);
  });

  it('ends for the words of an error, whose status is told', async () => {
    server().respond = () => [head(404, { 'content-length': '5' }), 'hang'];
    await expect(read(storeOf({ timeoutMs: 1000 }))).rejects.toThrow('has no object');
  });

  it('ends while nobody reads, too', async () => {
    server().respond = endless;
    const { body } = await storeOf({ timeoutMs: 1000 }).open(OBJECT, { signal: never });
    await server().last.closed;
    await expect(readBody(body)).rejects.toThrow('did not come within 1 seconds.');
  });
});

describe('number', () => {
  it('is never more than the limit, and those who wait have their turn', async () => {
    const hold = Promise.withResolvers<void>();
    let underWay = 0;
    let most = 0;
    server().respond = function* () {
      most = Math.max(most, ++underWay);
      yield { until: hold.promise };
      underWay -= 1;
      yield* bodyAnswer('bytes');
    };
    const store = storeOf({ maxTransfers: 3 });
    const all = Array.from({ length: 10 }, () => read(store));
    await eventually(() => server().requests.length === 3);
    hold.resolve();
    expect((await Promise.all(all)).map(String)).toEqual(Array(10).fill('bytes'));
    expect({ most, requests: server().requests.length }).toEqual({ most: 3, requests: 10 });
  });

  it.each([
    ['is refused', bodyAnswer('', { status: 404 })],
    ['breaks off', [...ofLength(100, 50), 'reset']],
    ['is too large', ofLength(2 * MIB)],
  ] satisfies [string, Answer][])('counts nothing that %s', async (_, answer) => {
    server().respond = () => (server().requests.length === 1 ? answer : bodyAnswer('bytes'));
    const store = storeOf({ maxTransfers: 1, maxBytes: MIB });
    await expect(read(store)).rejects.toThrow('gs://bucket/a.png');
    expect(String(await read(store))).toBe('bytes');
  });

  it('counts nothing that is read by nobody, once its time is up', async () => {
    server().respond = () => bodyAnswer('bytes');
    const store = storeOf({ maxTransfers: 1, timeoutMs: 1000 });
    await store.open(OBJECT, { signal: never });
    // So that the other has time left when it gets the place.
    await pause(600);
    expect(String(await read(store))).toBe('bytes');
  });
});

describe('a turn', () => {
  it('is not waited for longer than an object may take', async () => {
    server().respond = () => ['hang'];
    const store = storeOf({ maxTransfers: 1, timeoutMs: 60 });
    const [first, second] = [read(store), read(store)];
    await Promise.all([
      expect(first).rejects.toMatchObject({ code: 'invalid_argument' }),
      expect(second).rejects.toMatchObject({
        code: 'overloaded',
        retryAfterSeconds: 1,
        message: 'gs://bucket/a.png did not come within 0.06 seconds, for it had to wait for others.',
      }),
    ]);
  });
});

describe('a reader', () => {
  const reason = new Error('the client left');

  it('that leaves while it waits for its turn asks nothing', async () => {
    server().respond = () => ['hang'];
    const [store, client] = [storeOf({ maxTransfers: 1 }), new AbortController()];
    const first = read(store, client.signal);
    const second = read(store, client.signal);
    await eventually(() => server().requests.length === 1);
    client.abort(reason);
    await expect(first).rejects.toBe(reason);
    await expect(second).rejects.toBe(reason);
    await server().last.closed;
    expect(server().requests).toHaveLength(1);
  });

  it.each([
    ['the head', ['hang']],
    ['the words of an error', [head(404, { 'content-length': '100' }), 'hang']],
    ['the next attempt', bodyAnswer('', { status: 503 })],
    ['the body', [...ofLength(100, 50), 'hang']],
  ] satisfies [string, Answer][])(
    'that leaves while it waits for %s gets its own reason',
    async (_, answer) => {
      const client = new AbortController();
      server().respond = () => answer;
      const reading = read(storeOf({ retry: { baseDelayMs: 60_000, random: () => 1 } }), client.signal);
      await eventually(() => server().requests.length === 1);
      setTimeout(() => client.abort(reason), 20);
      await expect(reading).rejects.toBe(reason);
    },
  );

  it('that leaves the loop ends the transfer', async () => {
    server().respond = endless;
    const { body } = await storeOf().open(OBJECT, { signal: never });
    let pieces = 0;
    for await (const _ of body) if (++pieces === 3) break;
    await server().last.closed;
    expect(pieces).toBe(3);
  });

  it('that is slow slows the server down', async () => {
    server().respond = () => ofLength(64 * MIB);
    const { body } = await storeOf({ maxBytes: 64 * MIB }).open(OBJECT, { signal: never });
    let before = -1;
    // The kernel's buffers take what they hold; then the server stands still.
    while (before !== server().last.sentBytes) {
      before = server().last.sentBytes;
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
    expect(before).toBeLessThan(32 * MIB);
    expect(await readBody(body)).toHaveLength(64 * MIB);
  });
});

it('breaks off what is being read when it is closed', async () => {
  server().respond = () => [...ofLength(100, 50), 'hang'];
  const store = storeOf();
  const { body } = await store.open(OBJECT, { signal: never });
  const reading = readBody(body);
  await Promise.all([
    expect(reading).rejects.toMatchObject({
      code: 'overloaded',
      message: 'The server is shutting down.',
      retryAfterSeconds: 1,
    }),
    store.close(),
  ]);
  await expect(store.open(OBJECT, { signal: never })).rejects.toMatchObject({ code: 'overloaded' });
});
