import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import {
  ANSWER_PIECES,
  deepSchema,
  GATEWAY_PIECES,
  gatewayRequest,
  PIECE_MARK,
  referenceBomb,
} from '../../bench/gateway-fixtures.ts';
import { generateGatewayLoad, type GatewayOrder } from '../../bench/gateway-load.ts';
import { createGeminiStandIn } from '../../bench/gemini-upstream.ts';
import { createRawProxy } from '../../bench/node-raw.ts';
import { createTranslatingProxy } from '../../bench/node-translate.ts';
import { createOpenAIStandIn } from '../../bench/openai-upstream.ts';
import { SERVED_MODEL } from '../../bench/relay-fixtures.ts';
import { parseChatRequest } from '../../src/wire/openai/validate-request.ts';
import { listenForTest } from './listen-for-test.ts';

async function startUpstream(): Promise<string> {
  return `http://127.0.0.1:${await listenForTest(createGeminiStandIn())}`;
}

function order(port: number, stream: boolean, isRaw = false): GatewayOrder {
  return { port, headers: {}, request: { stream }, connections: 3, requests: 12, isRaw };
}

describe('the requests', () => {
  it.each([
    { name: 'streamed', request: { stream: true } },
    { name: 'whole', request: { stream: false } },
    { name: 'with an order', request: { stream: true, user: 'paced-200-20' } },
    { name: 'with an image', request: { stream: false, imageLength: 64 } },
    { name: 'with a reference bomb', request: { stream: false, schema: referenceBomb() } },
  ])('are valid: $name', ({ request }) => {
    const body: unknown = JSON.parse(gatewayRequest(request));
    expect(parseChatRequest(body, { modelRequired: true }).problems).toBeUndefined();
  });

  it('hold the whole image and the whole schema', () => {
    expect(gatewayRequest({ stream: false, imageLength: 4000 }).length).toBeGreaterThan(4000);
    const body = gatewayRequest({ stream: false, schema: deepSchema(3) });
    expect(body).toContain(
      '"a":{"type":"object","properties":{"a":{"type":"object","properties":{"a":{"type":"string"}}',
    );
    expect(() => JSON.parse(body) as unknown).not.toThrow();
  });
});

describe('the answer', () => {
  it('has a mark in every piece, once', () => {
    expect(GATEWAY_PIECES).toHaveLength(ANSWER_PIECES);
    for (const piece of GATEWAY_PIECES) expect(piece.split(PIECE_MARK)).toHaveLength(2);
  });
});

describe.each([
  { name: 'the translation floor', create: createTranslatingProxy, isRaw: false },
  { name: 'the pass-through', create: (url: string) => createRawProxy(url, 'gemini'), isRaw: true },
])('under load, $name', ({ create, isRaw }) => {
  it.each([{ stream: true }, { stream: false }])('answers every request in full: %j', async ({ stream }) => {
    const port = await listenForTest(create(await startUpstream()));
    const { firstPieceMs, wholeMs } = await generateGatewayLoad(order(port, stream, isRaw));
    expect(firstPieceMs).toBeGreaterThan(0);
    expect(wholeMs).toBeGreaterThanOrEqual(firstPieceMs);
  });
});

describe('the load generator', () => {
  it('waits for streams whose pieces come slowly', async () => {
    const port = await listenForTest(createTranslatingProxy(await startUpstream()));
    const request = { stream: true, model: 'gemini-2.5-flash-d1' };
    const { firstPieceMs, wholeMs } = await generateGatewayLoad({
      ...order(port, true),
      requests: 1,
      request,
    });
    expect(wholeMs).toBeGreaterThan(firstPieceMs);
  });

  it.each([
    { name: 'an error', status: 503, body: 'overloaded', problem: 'status 503: overloaded' },
    {
      name: 'a piece too few',
      status: 200,
      body: GATEWAY_PIECES.slice(1).join(''),
      problem: '63 pieces instead of 64',
    },
  ])('stops at $name', async ({ status, body, problem }) => {
    const port = await listenForTest(
      createServer((_request, response) => {
        response.writeHead(status).end(body);
      }),
    );
    // Pass-through: what comes is counted, not parsed.
    await expect(generateGatewayLoad(order(port, false, true))).rejects.toThrow(problem);
  });

  it('finds an answer of another model', async () => {
    const port = await listenForTest(createTranslatingProxy(await startUpstream()));
    const request = { stream: false, model: 'gemini-2.5-pro' };
    await expect(generateGatewayLoad({ ...order(port, false), request })).resolves.toBeDefined();
    const renamed = await listenForTest(createOpenAIStandIn());
    await expect(generateGatewayLoad({ ...order(renamed, false), request })).rejects.toThrow(
      `model ${SERVED_MODEL}`,
    );
  });

  it('misses the end of a stream', async () => {
    const port = await listenForTest(
      createServer((_request, response) => {
        response.writeHead(200).end(GATEWAY_PIECES.map((text) => `data: ${text}\n\n`).join(''));
      }),
    );
    await expect(generateGatewayLoad(order(port, true))).rejects.toThrow('[DONE]');
  });
});
