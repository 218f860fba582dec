/** Large media on their way through the server, with a source and an upstream that fail. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bodyAnswer, cutAfter, head, type Step } from '../support/faulty-answers.ts';
import { FaultyServer } from '../support/faulty-server.ts';
import { answerAs, errorAnswer } from '../support/gemini-answers.ts';
import { RelayServer } from '../support/relay-server.ts';
import { ReplayUpstream } from '../support/replay-upstream.ts';

const MEBIBYTE = 1024 * 1024;

/** Larger than what is held. */
const LARGE = Buffer.concat([
  Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
  Buffer.alloc(3 * MEBIBYTE, 'large'),
]);
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const ANSWER = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'Seen.' }] }, finishReason: 'STOP' }],
};

const BUSY = errorAnswer({ code: 503, status: 'UNAVAILABLE', message: 'busy' });

let web: FaultyServer;
let gemini: ReplayUpstream;
let relay: RelayServer;

beforeAll(async () => {
  web = await FaultyServer.start();
  gemini = await ReplayUpstream.start(({ method }) => answerAs(method, [ANSWER]));
  relay = await RelayServer.start({
    fetch: { allow_private: true, timeout_ms: 2000 },
    upstreams: { gemini: { kind: 'gemini', api_key: 'k', base_url: gemini.origin, http2: false } },
  });
});

afterEach(() => {
  gemini.clear();
  web.requests.length = 0;
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await gemini[Symbol.asyncDispose]();
  await web[Symbol.asyncDispose]();
});

const large = (): Step[] => bodyAnswer(LARGE, { headers: { 'content-type': 'image/png' } });

const ask = (...paths: string[]) =>
  relay.post({
    model: 'gemini-2.5-flash',
    messages: [
      {
        role: 'user',
        content: paths.map((path) => ({ type: 'image_url', image_url: { url: `${web.url}/${path}` } })),
      },
    ],
  });

/** What came of the images, by their hash. */
const received = (): string[][] =>
  gemini.requests.map(({ body }) =>
    body.contents
      .flatMap(({ parts }) => parts)
      .map(({ inlineData }) => hashOf(Buffer.from(inlineData?.data ?? '', 'base64'))),
  );

describe('a large medium', () => {
  it('reaches the upstream as it is, twice where it stands twice', async () => {
    web.respond = large;
    expect((await ask('a', 'b', 'a')).status).toBe(200);
    const hash = hashOf(LARGE);
    expect(received()).toEqual([[hash, hash, hash]]);
  });

  it('is fetched again for another attempt', async () => {
    web.respond = large;
    gemini.answer(BUSY, BUSY);
    expect((await ask('a')).status).toBe(200);
    expect(received()).toEqual([[hashOf(LARGE)], [hashOf(LARGE)], [hashOf(LARGE)]]);
    expect(web.requests).toHaveLength(3);
  });

  it.each<[name: string, answer: () => Step[], message: RegExp]>([
    [
      'breaks off',
      () => cutAfter(large(), MEBIBYTE, 'reset'),
      /The medium at http:\/\/127\.0\.0\.1:\d+\/a\b/,
    ],
    ['stalls', () => cutAfter(large(), MEBIBYTE, 'hang'), /did not come within 2 seconds/],
    ['ends too early', () => cutAfter(large(), MEBIBYTE, 'end'), /The medium at/],
  ])('that %s on the way is the client’s to hear of, and nobody else’s fault', async (_, answer, message) => {
    web.respond = answer;
    const response = await ask('a');
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect({ status: response.status, code: error.code }).toEqual({ status: 400, code: 'invalid_argument' });
    expect(error.message).toMatch(message);
  });

  it('that is another one the second time is not sent half', async () => {
    let asked = 0;
    web.respond = () => (asked++ === 0 ? large() : bodyAnswer(LARGE.subarray(0, 2 * MEBIBYTE)));
    gemini.answer(BUSY);
    const response = await ask('a');
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('it changed while it was read');
  });

  it('is left alone when nobody takes the request', async () => {
    web.respond = ({ path }) => (path === '/none' ? [head(404, { 'content-length': '0' })] : large());
    expect((await ask('a', 'none')).status).toBe(400);
    await vi.waitUntil(() => web.openConnections === 0, { timeout: 5000 });
    expect(gemini.requests).toEqual([]);
  });
});
