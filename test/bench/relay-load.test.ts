import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { gatewayRequest, type GatewayRequest } from '../../bench/gateway-fixtures.ts';
import { generateGatewayLoad } from '../../bench/gateway-load.ts';
import type { HandedOut } from '../../bench/large-answers.ts';
import { createRawProxy } from '../../bench/node-raw.ts';
import { createOpenAIStandIn } from '../../bench/openai-upstream.ts';
import { generatePacedLoad, type PacedOrder } from '../../bench/paced-load.ts';
import { postRequest } from '../../bench/post-request.ts';
import { NumberedPieceReader, numberedPiece, orderText, SERVED_MODEL } from '../../bench/relay-fixtures.ts';
import { readSlowly, type SlowReadersOptions } from '../../bench/slow-readers.ts';
import { listenForTest } from './listen-for-test.ts';

const PLACES = [
  { name: 'at the stand-in itself', start: () => listenForTest(createOpenAIStandIn()) },
  {
    name: 'through the pass-through',
    start: async () =>
      listenForTest(createRawProxy(`http://127.0.0.1:${await listenForTest(createOpenAIStandIn())}`)),
  },
];

function pacedOrder(port: number): PacedOrder {
  return { port, headers: {}, model: SERVED_MODEL, streams: 21, pieces: 5, everyMs: 3 };
}

function slowOrder(port: number, stream = true): SlowReadersOptions {
  const user = orderText({ kind: 'large', bytes: 20_000_000 });
  const body = gatewayRequest({ stream, model: SERVED_MODEL, user });
  return { port, body, readers: 2, bytesPerSecond: 8192, seconds: 1 };
}

async function ask(port: number, request: GatewayRequest): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: gatewayRequest(request),
  });
  return response.text();
}

async function handedOut(port: number): Promise<HandedOut> {
  return (await (await fetch(`http://127.0.0.1:${port}/handed-out`)).json()) as HandedOut;
}

describe.each(PLACES)('$name', ({ start }) => {
  it.each([{ stream: true }, { stream: false }])(
    'every request is answered in full: %j',
    async ({ stream }) => {
      const request = { stream, model: SERVED_MODEL };
      const order = { port: await start(), headers: {}, request, connections: 3, requests: 12, isRaw: false };
      await expect(generateGatewayLoad(order)).resolves.toBeDefined();
    },
  );

  it('paced pieces come with the time they were sent', async () => {
    const { medianMs, p99Ms } = await generatePacedLoad(pacedOrder(await start()));
    expect(medianMs).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(medianMs);
  });

  it('slow readers get the beginning of a large answer, streamed or not', async () => {
    const port = await start();
    const reading = [true, false].map((stream) => readSlowly(slowOrder(port, stream)));
    await expect(Promise.all(reading)).resolves.toBeDefined();
  });
});

describe('large answers', () => {
  const bytes = 100_000;
  const user = orderText({ kind: 'large', bytes });

  it('are whole streams', async () => {
    const text = await ask(await listenForTest(createOpenAIStandIn()), { stream: true, user });
    expect(text.length).toBeGreaterThan(bytes);
    expect(text).toMatch(/"finish_reason":"stop".*data: \[DONE\]\n\n$/s);
    const events = text.split('\n\n').filter((event) => event.includes('|'));
    expect(events.every((event) => JSON.parse(event.slice('data: '.length)) !== null)).toBe(true);
    const numbers = new NumberedPieceReader().push(Buffer.from(text)).map(({ number }) => number);
    expect(numbers).toEqual(events.map((_, at) => at));
  });

  it('are whole bodies', async () => {
    const text = await ask(await listenForTest(createOpenAIStandIn()), { stream: false, user });
    const { choices } = JSON.parse(text) as { choices: { message: { content: string } }[] };
    const content = choices[0]?.message.content ?? '';
    expect(content.length).toBeGreaterThanOrEqual(bytes);
    const pieces = content.length / numberedPiece(0, 0).length;
    expect(content).toBe(Array.from({ length: pieces }, (_, at) => numberedPiece(at, 0)).join(''));
  });

  it('wait for their reader', async () => {
    const port = await listenForTest(createOpenAIStandIn());
    const socket = connect({ port, host: '127.0.0.1' });
    socket.pause();
    onTestFinished(() => {
      socket.destroy();
    });
    const huge = orderText({ kind: 'large', bytes: 2e9 });
    socket.write(postRequest({ port, body: gatewayRequest({ stream: true, user: huge }) }));
    await expect
      .poll(async () => {
        const before = await handedOut(port);
        await new Promise((resolve) => {
          setTimeout(resolve, 50);
        });
        const after = await handedOut(port);
        return after.answers === 1 && after.bytes > 0 && after.bytes === before.bytes;
      })
      .toBe(true);
    expect((await handedOut(port)).bytes).toBeLessThan(1e9);
    socket.destroy();
    await expect.poll(() => handedOut(port)).toEqual({ answers: 0, bytes: 0 });
  });
});

describe('the pass-through', () => {
  it('gives up at the upstream when the client leaves', async () => {
    const upstreamPort = await listenForTest(createOpenAIStandIn());
    const port = await listenForTest(createRawProxy(`http://127.0.0.1:${upstreamPort}`));
    const socket = connect({ port, host: '127.0.0.1' });
    const user = orderText({ kind: 'large', bytes: 2e9 });
    socket.write(postRequest({ port, body: gatewayRequest({ stream: true, user }) }));
    await once(socket, 'data');
    expect((await handedOut(upstreamPort)).answers).toBe(1);
    socket.destroy();
    await expect.poll(async () => (await handedOut(upstreamPort)).answers).toBe(0);
  });
});

const piece = (number: number): string => `data: {"content":"${numberedPiece(number, 1)}"}\n\n`;

describe('the load generators', () => {
  it.each([
    { name: 'an error', status: 503, body: 'overloaded', problem: 'status 503: overloaded' },
    { name: 'a lost piece', status: 200, body: piece(0) + piece(2), problem: 'piece 2 instead of 1' },
    { name: 'a doubled piece', status: 200, body: piece(0) + piece(0), problem: 'piece 0 instead of 1' },
    { name: 'an early end', status: 200, body: piece(0), problem: '1 pieces instead of 5' },
    {
      name: 'a missing mark of the end',
      status: 200,
      body: [0, 1, 2, 3, 4].map(piece).join(''),
      problem: 'it does not end with [DONE]',
    },
  ])('for paced streams stops at $name', async ({ status, body, problem }) => {
    const port = await listenForTest(
      createServer((_request, response) => {
        response.writeHead(status, { 'transfer-encoding': 'chunked' }).end(body);
      }),
    );
    await expect(generatePacedLoad(pacedOrder(port))).rejects.toThrow(problem);
  });

  it.each([
    { name: 'an error', status: 503, body: 'overloaded', problem: '503' },
    { name: 'a lost piece', status: 200, body: piece(0) + piece(2), problem: 'piece 2 instead of 1' },
    { name: 'nothing', status: 200, body: ' ', problem: 'no piece' },
  ])('for slow readers stops at $name', async ({ status, body, problem }) => {
    const port = await listenForTest(
      createServer((_request, response) => {
        response.writeHead(status).write(body);
      }),
    );
    await expect(readSlowly({ ...slowOrder(port), seconds: 0.5 })).rejects.toThrow(problem);
  });
});
