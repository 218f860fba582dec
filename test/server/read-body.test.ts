import { PassThrough } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LargeBodies } from '../../src/server/large-bodies.ts';
import { readBody } from '../../src/server/read-body.ts';
import { chatRequest, TestServer } from './test-server.ts';

const MEBIBYTE = 1024 * 1024;
const NOBODY = new PassThrough();

function read(pieces: readonly Buffer[], headers: Record<string, string>): Promise<Buffer> {
  const stream = new PassThrough();
  const request = { headers, socket: NOBODY } as unknown as FastifyRequest;
  const rules = {
    maxBytes: 4 * MEBIBYTE,
    largeBodies: new LargeBodies({ bytes: 8 * MEBIBYTE, maxWaitMs: 1000 }),
  };
  return new Promise((resolve, reject) => {
    readBody(request, stream, rules, (error, body) => {
      if (error === null) resolve(body!);
      else reject(error);
    });
    for (const piece of pieces) stream.write(piece);
    stream.end();
  });
}

describe('readBody', () => {
  it('reads every byte, however long the body is, in whatever pieces, its length told or not', async () => {
    const length = fc.oneof(fc.nat(100), fc.nat(70_000), fc.nat(900_000));
    await fc.assert(
      fc.asyncProperty(fc.array(length, { maxLength: 4 }), fc.boolean(), async (lengths, isTold) => {
        const pieces = lengths.map((bytes, at) => Buffer.alloc(bytes, `${at}abc`));
        const whole = Buffer.concat(pieces);
        const headers: Record<string, string> = isTold
          ? { 'content-length': String(whole.length) }
          : { 'transfer-encoding': 'chunked' };
        expect((await read(pieces, headers)).equals(whole)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('leaves alone what its pieces are parts of', async () => {
    const slab = Buffer.alloc(3 * MEBIBYTE, 'slab');
    const pieces = [slab.subarray(0, MEBIBYTE), slab.subarray(MEBIBYTE)];
    const body = await read(pieces, { 'content-length': String(slab.length) });
    expect(body.equals(slab)).toBe(true);
    expect(slab.length).toBe(3 * MEBIBYTE);
  });

  it.each([3 * MEBIBYTE, 100])('refuses what is too long, in pieces of %d bytes', async (size) => {
    const pieces = Array.from({ length: Math.ceil((4 * MEBIBYTE + 1) / size) }, () => Buffer.alloc(size));
    await expect(read(pieces, { 'transfer-encoding': 'chunked' })).rejects.toMatchObject({
      code: 'request_too_large',
      message: expect.stringContaining(String(4 * MEBIBYTE)) as string,
    });
  });
});

const chunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

describe('a client that has left', () => {
  const largeBodies = new LargeBodies({ bytes: 4 * MEBIBYTE, maxWaitMs: 5000 });
  const socket = new PassThrough().destroy();
  const request = { headers: {}, socket } as unknown as FastifyRequest;

  it('takes no room, and does not wait for any', async () => {
    await expect(largeBodies.take(3 * MEBIBYTE, request)).rejects.toMatchObject({ code: 'cancelled' });
    await largeBodies.take(4 * MEBIBYTE, { ...request, socket: NOBODY } as unknown as FastifyRequest);
    await expect(largeBodies.take(3 * MEBIBYTE, request)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it.each([
    ['before', true],
    ['while it is read', false],
  ])('is not waited for: %s', async (_, isGone) => {
    const stream = new PassThrough();
    if (isGone) stream.destroy();
    const outcome = new Promise<Error | null>((resolve) => {
      readBody(request, stream, { maxBytes: MEBIBYTE, largeBodies }, resolve);
    });
    stream.destroy();
    expect(await outcome).toMatchObject({ code: 'cancelled' });
  });
});

describe('a body that hardly comes', () => {
  const headers = { 'content-length': String(3 * MEBIBYTE) };
  const request = { headers, socket: NOBODY } as unknown as FastifyRequest;
  const largeBodies = (): LargeBodies =>
    new LargeBodies({ bytes: 4 * MEBIBYTE, maxWaitMs: 5000, lookEveryMs: 30 });

  /** How reading ends that gets a byte, and the rest only after a while. */
  async function readSlowly(bodies: LargeBodies, restAfterMs: number): Promise<string> {
    const stream = new PassThrough();
    await bodies.take(3 * MEBIBYTE, request);
    const outcome = new Promise<string>((resolve) => {
      readBody(request, stream, { maxBytes: 4 * MEBIBYTE, largeBodies: bodies }, (error, body) => {
        resolve(error === null ? `${body!.length} bytes` : ((error as { code?: string }).code ?? ''));
      });
    });
    stream.write(Buffer.alloc(1));
    await pause(restAfterMs);
    stream.end(Buffer.alloc(3 * MEBIBYTE - 1));
    return await outcome;
  }

  it('keeps its room as long as nobody wants it', async () => {
    expect(await readSlowly(largeBodies(), 150)).toBe(`${3 * MEBIBYTE} bytes`);
  });

  it('loses its room to others', async () => {
    const bodies = largeBodies();
    const slow = readSlowly(bodies, 150);
    await pause(1);
    const share = request.bodyShare;
    const next = bodies.take(2 * MEBIBYTE, { ...request });
    expect(await slow).toBe('request_timeout');
    share?.release();
    await next;
  });

  it('keeps its room when it comes fast enough, whoever wants it', async () => {
    const bodies = largeBodies();
    await bodies.take(3 * MEBIBYTE, request);
    const next = bodies.take(2 * MEBIBYTE, { ...request }).catch(() => {});
    const stream = new PassThrough();
    const outcome = new Promise<Error | null>((resolve) => {
      readBody(request, stream, { maxBytes: 4 * MEBIBYTE, largeBodies: bodies }, resolve);
    });
    for (let sent = 0; sent < 6; sent++) {
      stream.write(Buffer.alloc(MEBIBYTE / 2));
      await pause(20);
    }
    stream.end();
    expect(await outcome).toBeNull();
    request.bodyShare?.release();
    await next;
  });
});

describe('a large body whose length nobody told', () => {
  const LARGE = Buffer.from(
    JSON.stringify(chatRequest({ messages: [{ role: 'user', content: 'x'.repeat(2 * MEBIBYTE) }] })),
  );
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    'content-type: application/json',
    'transfer-encoding: chunked',
  ];
  const END = '0\r\n\r\n';

  async function start(): Promise<TestServer> {
    const server = await TestServer.start({
      limits: { maxBodyBytes: 4 * MEBIBYTE, largeBodyBytes: 4 * MEBIBYTE },
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    return server;
  }

  async function open(server: TestServer): Promise<Awaited<ReturnType<TestServer['connect']>>> {
    const connection = await server.connect();
    connection.send(`${[...head, 'host: x'].join('\r\n')}\r\n\r\n`);
    return connection;
  }

  it('is told that there is no room, and may go on sending', async () => {
    const server = await TestServer.start({
      script: { before: ['silence'], answerTimeoutMs: 1500 },
      limits: { maxBodyBytes: 4 * MEBIBYTE, largeBodyBytes: 4 * MEBIBYTE, requestTimeoutMs: 600 },
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const first = server.post(JSON.parse(LARGE.toString()) as object);
    await vi.waitUntil(() => server.backend.calls.length === 1);
    const second = await open(server);
    second.send(chunk(LARGE));
    expect((await second.response()).status).toBe(503);
    second.send(Buffer.concat([chunk(LARGE), Buffer.from(`${END}GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n`)]));
    expect((await second.response()).status).toBe(200);
    expect((await first).status).toBe(504);
  });

  it('that no memory can be had for is a failure of its own', async () => {
    const stream = new PassThrough();
    const request = { headers: {}, socket: NOBODY } as unknown as FastifyRequest;
    const largeBodies = new LargeBodies({ bytes: MEBIBYTE, maxWaitMs: 1000 });
    const outcome = new Promise<Error | null>((resolve) => {
      readBody(request, stream, { maxBytes: 2 ** 52, largeBodies }, resolve);
    });
    stream.write(LARGE);
    expect(await outcome).toBeInstanceOf(RangeError);
  });

  it('waits in the middle until there is room', async () => {
    const server = await start();
    const [first, second] = [await open(server), await open(server)];
    first.send(chunk(LARGE));
    await pause(50);
    second.send(Buffer.concat([chunk(LARGE), Buffer.from(END)]));
    await pause(50);
    expect(server.backend.calls).toHaveLength(0);
    first.send(END);
    expect([(await first.response()).status, (await second.response()).status]).toEqual([200, 200]);
  });

  it('gives the room back when its client leaves, waiting or not', async () => {
    const server = await start();
    const [first, second, third] = [await open(server), await open(server), await open(server)];
    for (const each of [first, second, third]) {
      each.send(chunk(LARGE));
      await pause(30);
    }
    second.destroy();
    first.destroy();
    third.send(END);
    expect((await third.response()).status).toBe(200);
  });
});
