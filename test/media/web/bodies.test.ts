import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bodyAnswer,
  brokenChunks,
  cutAfter,
  drip,
  head,
  inChunk,
  type Step,
} from '../../support/faulty-answers.ts';
import { FaultyServer } from '../../support/faulty-server.ts';
import { readBody, webMediaFactory } from './open-web.ts';

const openWeb = webMediaFactory();

const KIB = 1024;
const MIB = 1024 * KIB;
/** What lies between two sockets of one machine, at most: the buffers of both, and of this side's reader. */
const ON_THE_WAY = 16 * MIB;

/** Ten gigabytes, made as they are taken. */
function* tenGigabytes(headers: Readonly<Record<string, string>>): Generator<Step> {
  const piece = Buffer.alloc(64 * KIB, 1);
  const write = 'transfer-encoding' in headers ? inChunk(piece) : piece;
  yield head(200, headers);
  for (let bytes = 0; bytes < 10_000_000_000; bytes += piece.length) yield { write };
}

describe('the body of a medium from the web', () => {
  it('is not asked for when it is said to be too large', async () => {
    await using server = await FaultyServer.start();
    server.respond = () => tenGigabytes({ 'content-length': '10000000000' });
    await expect(openWeb({ allowPrivate: true }).open(`${server.url}/video`)).rejects.toMatchObject({
      code: 'unsupported_media',
      message: `The medium at ${server.url}/video is larger than the 20971520 bytes that this server fetches.`,
    });
    await server.last.closed;
    expect(server.last.sentBytes).toBeLessThan(ON_THE_WAY);
  });

  it.each([{ 'transfer-encoding': 'chunked' }, { connection: 'close' }])(
    'is cut off at the limit when nobody said how large it is: %j',
    async (headers) => {
      await using server = await FaultyServer.start();
      server.respond = () => tenGigabytes(headers);
      const { open } = openWeb({ allowPrivate: true });
      const medium = await open(`${server.url}/video`);
      expect(medium.length).toBeUndefined();
      let bytes = 0;
      const reading = (async () => {
        for await (const chunk of medium.body) bytes += chunk.length;
      })();
      await expect(reading).rejects.toMatchObject({
        code: 'unsupported_media',
        message: `The medium at ${server.url}/video is larger than the 20971520 bytes that this server fetches.`,
      });
      await server.last.closed;
      expect(bytes).toBeLessThanOrEqual(20 * MIB);
      expect(bytes).toBeGreaterThan(19 * MIB);
      expect(server.last.sentBytes).toBeLessThan(20 * MIB + ON_THE_WAY);
    },
  );

  it('may have as many bytes as the limit says', async () => {
    await using server = await FaultyServer.start();
    server.respond = ({ path }) => bodyAnswer('x'.repeat(Number(path.slice(1))));
    const { read } = openWeb({ allowPrivate: true, limits: { maxBytes: 1000 } });
    expect(await read(`${server.url}/1000`)).toHaveLength(1000);
    await expect(read(`${server.url}/1001`)).rejects.toThrow('larger than the 1000 bytes');
  });

  it('waits for its reader', async () => {
    await using server = await FaultyServer.start();
    server.respond = () => tenGigabytes({ 'transfer-encoding': 'chunked' });
    const { open } = openWeb({ allowPrivate: true, limits: { maxBytes: 20_000_000_000 } });
    const { body } = await open(server.url);
    const iterator = body[Symbol.asyncIterator]();
    await iterator.next();
    await pause(150);
    expect(server.last.sentBytes).toBeLessThan(ON_THE_WAY);
    await iterator.return?.();
    await server.last.closed;
    expect(server.openConnections).toBe(0);
  });

  it('ends when its time is over, however steadily it drips', async () => {
    await using server = await FaultyServer.start();
    // As slow as a byte a second, in a tenth of the time.
    server.respond = () => [
      head(200, { 'content-length': '1000' }),
      ...drip([{ write: 'x'.repeat(1000) }], 1, 100),
    ];
    const { open } = openWeb({ allowPrivate: true, limits: { totalMs: 1000 } });
    const medium = await open(`${server.url}/slow`);
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of medium.body) bytes += chunk.length;
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'invalid_argument',
      shouldRetry: true,
      message: `The medium at ${server.url}/slow did not come within 1 seconds.`,
    });
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(20);
    await server.last.closed;
    expect(server.openConnections).toBe(0);
  });

  it('ends when its time is over though nobody reads it', async () => {
    await using server = await FaultyServer.start();
    server.respond = () => tenGigabytes({ connection: 'close' });
    const { open } = openWeb({ allowPrivate: true, limits: { totalMs: 1000, maxTransfers: 1 } });
    const medium = await open(server.url);
    await server.last.closed;
    await expect(readBody(medium)).rejects.toMatchObject({ code: 'invalid_argument' });
    const next = await open(server.url);
    expect(next.length).toBeUndefined();
  });

  it.each<{ name: string; answer: Step[]; reason: string }>([
    {
      name: 'it is shorter than was said',
      answer: [...bodyAnswer('half', { headers: { 'content-length': '8' } }), 'end'],
      reason: 'the connection broke (',
    },
    {
      name: 'the connection breaks',
      answer: [head(200, { 'content-length': '8' }), { write: 'half' }, { wait: 20 }, 'reset'],
      reason: 'the connection broke (',
    },
    {
      name: 'the connection breaks between chunks',
      answer: [
        head(200, { 'transfer-encoding': 'chunked' }),
        { write: inChunk('half') },
        { wait: 20 },
        'reset',
      ],
      reason: 'the connection broke (',
    },
    {
      name: 'the last chunk is missing',
      answer: [head(200, { 'transfer-encoding': 'chunked' }), { write: inChunk('half') }, 'end'],
      reason: 'the connection broke (',
    },
    { name: 'a chunk has no size', answer: brokenChunks('half'), reason: 'the connection broke' },
  ])('fails when $name', async ({ answer, reason }) => {
    await using server = await FaultyServer.start();
    server.respond = () => answer;
    await expect(openWeb({ allowPrivate: true }).read(`${server.url}/x?token=secret`)).rejects.toMatchObject({
      code: 'invalid_argument',
      shouldRetry: true,
      message: expect.stringContaining(`The medium at ${server.url}/x cannot be fetched: ${reason}`),
    });
    await server.last.closed;
    expect(server.openConnections).toBe(0);
  });

  it('has no more bytes than were said', async () => {
    await using server = await FaultyServer.start();
    server.respond = () => bodyAnswer('cat and more', { headers: { 'content-length': '3' } });
    expect(String(await openWeb({ allowPrivate: true }).read(server.url))).toBe('cat');
  });

  it('tells its end as often as it is asked', async () => {
    await using server = await FaultyServer.start();
    server.respond = () => [head(200, { 'content-length': '8' }), { write: 'half' }, 'end'];
    const { body } = await openWeb({ allowPrivate: true }).open(server.url);
    const iterator = body[Symbol.asyncIterator]();
    expect(String((await iterator.next()).value)).toBe('half');
    for (let round = 0; round < 2; round++)
      await expect(iterator.next()).rejects.toThrow('the connection broke');
  });

  it('comes whole, wherever it is cut on the way', async () => {
    await using server = await FaultyServer.start();
    const { read } = openWeb({ allowPrivate: true });
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        async (bytes, size, isChunked) => {
          const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
            bytes.subarray(at * size, (at + 1) * size),
          );
          server.respond = () => [
            head(
              200,
              isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(bytes.length) },
            ),
            ...pieces.map((piece) => ({ write: isChunked ? inChunk(piece) : piece })),
            ...(isChunked ? [{ write: '0\r\n\r\n' }] : []),
          ];
          expect([...(await read(server.url))]).toEqual([...bytes]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('fails wherever the connection ends before it does', async () => {
    await using server = await FaultyServer.start();
    const { read } = openWeb({ allowPrivate: true });
    const whole = bodyAnswer('0123456789');
    const size = whole.reduce(
      (sum, step) => sum + (typeof step === 'object' && 'write' in step ? step.write.length : 0),
      0,
    );
    for (let at = 1; at < size; at++) {
      server.respond = () => cutAfter(whole, at, 'end');
      await expect(read(server.url)).rejects.toMatchObject({ code: 'invalid_argument' });
    }
  });
});
