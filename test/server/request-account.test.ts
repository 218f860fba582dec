import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CallerLimits } from '../../src/caller-policy.ts';
import { GatewayError } from '../../src/errors.ts';
import { LocalLimiter } from '../../src/state/limits/local-limiter.ts';
import { Meter } from '../../src/state/meter.ts';
import type { UsageEntry, UsageOutcome } from '../../src/state/usage/usage-entry.ts';
import { answer, type Script, type Step } from './scripted-backend.ts';
import {
  chatRequest,
  type ErrorEnvelope,
  eventsOf,
  TestServer,
  type TestServerOptions,
} from './test-server.ts';

/** A ledger in memory. */
class Books {
  readonly opened: UsageEntry[] = [];
  readonly settled: [UsageEntry, UsageOutcome][] = [];
  /** What a row waits for before it is written. */
  whenWritten: Promise<void> = Promise.resolve();

  async open(entry: UsageEntry): Promise<void> {
    this.opened.push(entry);
    await this.whenWritten;
  }

  async settle(entry: UsageEntry, outcome: UsageOutcome): Promise<void> {
    this.settled.push([entry, outcome]);
  }
}

interface Metered {
  readonly books: Books;
  readonly limiter: LocalLimiter;
  readonly server: TestServer;
}

function onError(error: unknown): never {
  throw error;
}

async function start(
  script: Script = {},
  { limits, ...options }: Omit<TestServerOptions, 'limits'> & { limits?: CallerLimits } = {},
): Promise<Metered> {
  const books = new Books();
  const limiter = new LocalLimiter({ used: { usedTokens: async () => 0 } });
  const meter = new Meter({ limiter, ledger: books, defaults: limits, assumedCompletionTokens: 50, onError });
  const accounting = { meter };
  const server = await TestServer.start({ script, accounting, ...options });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { books, limiter, server };
}

const REQUEST = chatRequest({ max_tokens: 40 });
const STREAM = { ...REQUEST, stream: true };
const USED = { promptTokens: 6, completionTokens: 24, totalTokens: 30 };

const fails = (code: GatewayError['code']): Step => ({ fail: new GatewayError(code, 'broken') });

const settledOf = async ({ books }: Metered): Promise<UsageOutcome> => {
  await vi.waitUntil(() => books.settled.length > 0);
  await pause(5);
  expect(books.settled).toHaveLength(1);
  expect(books.opened.map(({ id }) => id)).toEqual(books.settled.map(([{ id }]) => id));
  return books.settled[0]![1];
};

describe('one row for each request', () => {
  it.each<[name: string, script: Script, body: object, outcome: UsageOutcome]>([
    ['a whole answer', {}, REQUEST, { status: 'completed', ...USED }],
    ['a stream', {}, STREAM, { status: 'completed', ...USED }],
    [
      'an answer without counts, as it was reserved',
      { steps: answer('Hi').slice(0, -1) },
      STREAM,
      { status: 'completed' },
    ],
    [
      'a backend that refuses',
      { before: [fails('overloaded')] },
      REQUEST,
      { status: 'failed', totalTokens: 0 },
    ],
    [
      'a backend that breaks off',
      { before: [fails('upstream_disconnected')] },
      REQUEST,
      { status: 'failed' },
    ],
    [
      'an answer that takes too long',
      { before: ['silence'], answerTimeoutMs: 20 },
      REQUEST,
      { status: 'failed' },
    ],
    [
      'a stream that fails',
      { steps: [...answer('Hi').slice(0, 2), fails('overloaded')] },
      STREAM,
      { status: 'failed' },
    ],
    [
      'a stream that fails after its counts',
      { steps: [...answer('Hi').slice(0, 2), answer()[2]!, fails('overloaded')] },
      STREAM,
      { status: 'failed', ...USED },
    ],
  ])('%s', async (_name, script, body, outcome) => {
    const metered = await start(script);
    await (await metered.server.post(body)).text();
    expect(await settledOf(metered)).toEqual(outcome);
    expect(metered.books.settled[0]![0]).toMatchObject({
      principal: 'anonymous',
      upstream: 'scripted',
      model: 'gemini-2.5-flash',
      endpoint: 'chat.completions',
      reservedTokens: 46,
    });
  });

  it.each<[name: string, script: Script, body: object, outcome: UsageOutcome]>([
    ['before the answer', { before: ['silence'] }, REQUEST, { status: 'cancelled' }],
    ['in a stream', { steps: [...answer('Hi').slice(0, 2), 'silence'] }, STREAM, { status: 'cancelled' }],
    [
      'in a stream that told its counts',
      { steps: [answer()[0]!, answer()[2]!, 'silence'] },
      STREAM,
      { status: 'cancelled', ...USED },
    ],
  ])('a client that leaves %s', async (_name, script, body, outcome) => {
    const metered = await start(script);
    const controller = new AbortController();
    const response = fetch(`${metered.server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: controller.signal,
    });
    response.catch(() => {});
    await vi.waitUntil(() => metered.server.backend.calls.length > 0);
    await pause(20);
    controller.abort();
    expect(await settledOf(metered)).toEqual(outcome);
  });

  it('none for what was never dispatched', async () => {
    const { books, server } = await start();
    expect((await server.post(chatRequest({ n: 0 }))).status).toBe(400);
    expect(books.opened).toEqual([]);
  });
});

describe('the row', () => {
  it.each([REQUEST, STREAM])('is written before the first byte of an answer: %#', async (body) => {
    const { books, server } = await start();
    const written = Promise.withResolvers<void>();
    books.whenWritten = written.promise;
    let hasAnswered = false;
    const response = server.post(body).finally(() => {
      hasAnswered = true;
    });
    await vi.waitUntil(() => server.backend.calls.length > 0);
    await pause(30);
    expect(hasAnswered).toBe(false);
    written.resolve();
    expect((await response).status).toBe(200);
    await (await response).text();
  });

  it.each([REQUEST, STREAM])(
    'that cannot be written lets nothing out, and ends the work: %#',
    async (body) => {
      const metered = await start({
        steps: [...answer('Hi').slice(0, 2), { pause: 10 }, ...answer().slice(1)],
      });
      metered.books.whenWritten = Promise.reject(new GatewayError('overloaded', 'no database'));
      metered.books.whenWritten.catch(() => {});
      const response = await metered.server.post(body);
      expect(response.status).toBe(503);
      expect(((await response.json()) as ErrorEnvelope).error.message).toBe('no database');
      expect((await settledOf(metered)).status).toBe('failed');
      expect(metered.server.backend.aborts).toBe(1);
    },
  );
});

describe('limits', () => {
  it('stand in the headers of every answer, and end in a 429 that says when to come back', async () => {
    const metered = await start({}, { limits: { requestsPerMinute: 2, tokensPerMinute: 10_000 } });
    const whole = await metered.server.post(REQUEST);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '1',
      'x-ratelimit-reset-requests': '30s',
      'x-ratelimit-limit-tokens': '10000',
      'x-ratelimit-remaining-tokens': '9954',
    });
    const stream = await metered.server.post(STREAM);
    expect(stream.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(eventsOf(await stream.text()).at(-1)).toBe('[DONE]');
    const refused = await metered.server.post(REQUEST);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(25);
    const { error } = (await refused.json()) as ErrorEnvelope;
    expect(error).toMatchObject({ type: 'rate_limit_error', code: 'rate_limit_exceeded', param: null });
    expect(error.message).toMatch(/2 requests per minute.*Try again in (29|30) seconds/);
    expect(metered.server.backend.calls).toHaveLength(2);
    expect(metered.books.opened).toHaveLength(2);
  });

  it("are the caller's own where it has some", async () => {
    const { server } = await start(
      {},
      {
        limits: { requestsPerMinute: 2, concurrentRequests: 7 },
        gate: {
          kind: 'closed',
          keys: { find: () => undefined } as never,
          authenticators: [
            {
              authenticate: async (credential) => ({
                kind: 'key',
                id: credential,
                tenant: credential,
                policy: { limits: { requestsPerMinute: 5 } },
              }),
            },
          ],
        },
      },
    );
    const answered = await server.post(REQUEST, undefined, { authorization: 'Bearer one' });
    expect(answered.headers.get('x-ratelimit-limit-requests')).toBe('5');
    const other = await server.post(REQUEST, undefined, { authorization: 'Bearer two' });
    expect(other.headers.get('x-ratelimit-remaining-requests')).toBe('4');
  });

  it('of requests at the same time are free again when an answer is over, whichever way', async () => {
    const metered = await start({ before: [{ pause: 300 }] }, { limits: { concurrentRequests: 1 } });
    const running = metered.server.post(STREAM);
    await vi.waitUntil(() => metered.server.backend.calls.length === 1);
    const refused = await metered.server.post(REQUEST);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    await (await running).text();
    await vi.waitUntil(() => metered.books.settled.length === 1);
    expect((await metered.server.post(REQUEST)).status).toBe(200);
  });

  it('give back at once what a client has reserved that left before it was dispatched', async () => {
    const metered = await start({}, { limits: { concurrentRequests: 1 } });
    const asked = Promise.withResolvers<void>();
    const reserve = metered.limiter.reserve.bind(metered.limiter);
    const reserved = vi.spyOn(metered.limiter, 'reserve').mockImplementationOnce(async (...args) => {
      await asked.promise;
      return reserve(...args);
    });
    const connection = await metered.server.connect();
    const head = ['POST /v1/chat/completions HTTP/1.1', 'Host: x', 'Content-Type: application/json'];
    const body = JSON.stringify(REQUEST);
    connection.send(`${[...head, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`);
    await vi.waitUntil(() => reserved.mock.calls.length === 1);
    connection.destroy();
    await pause(20);
    asked.resolve();
    expect(await settledOf(metered)).toEqual({ status: 'cancelled', totalTokens: 0 });
    expect(metered.server.backend.calls).toEqual([]);
    expect((await metered.server.post(REQUEST)).status).toBe(200);
  });
});
