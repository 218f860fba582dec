/** Limits and the ledger, with real upstreams, a real database and clients that leave. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/state/database/open-database.ts';
import { UsageLedger } from '../../src/state/usage/usage-ledger.ts';
import { makeTestHome, type TestHome } from '../state/embedded-home.ts';
import { jsonAnswer, sseAnswer, type Step } from '../support/faulty-answers.ts';
import { RelayServer } from '../support/relay-server.ts';
import { chat, startServers, upstreamOf } from './fixture.ts';

let home: TestHome;

beforeAll(async () => {
  home = await makeTestHome();
});

afterAll(() => home[Symbol.asyncDispose]());

/** What a request of {@link chat} reserves with an answer of 40 tokens: two bytes of text among eleven of names. */
const RESERVED = 46;
const USAGE = { prompt_tokens: 6, completion_tokens: 40, total_tokens: RESERVED };
const FACTS = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'faulty-model' };

const chunk = (choices: object[], fields: object = {}) =>
  JSON.stringify({ ...FACTS, object: 'chat.completion.chunk', choices, ...fields });

/** A stream with counts, if it was asked for them. */
function streamOf(body: string): Step[] {
  const { stream_options: options } = JSON.parse(body) as { stream_options?: { include_usage?: boolean } };
  const events = [
    chunk([{ index: 0, delta: { role: 'assistant', content: 'Hello' }, finish_reason: null }]),
    chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
    ...(options?.include_usage === true ? [chunk([], { usage: USAGE })] : []),
    '[DONE]',
  ];
  return sseAnswer(events);
}

const WHOLE = jsonAnswer({
  ...FACTS,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  usage: USAGE,
});

describe('a budget', () => {
  it('holds against 200 parallel calls with funds for 50, of which many fail or are left', async () => {
    const [server] = await startServers(1);
    let posts = 0;
    server!.respond = ({ method, body }) => {
      if (method !== 'POST') return undefined;
      posts++;
      if (posts % 10 === 0) return [{ wait: 5 }, 'reset'];
      return body.includes('"stream":true') ? streamOf(body) : WHOLE;
    };
    const relay = await RelayServer.start(
      {
        auth: { limits: { tokens_per_day: 50 * RESERVED } },
        upstreams: { servers: upstreamOf([server!], { retries: 0 }) },
      },
      { home: home.path },
    );
    const statuses = new Map<number | string, number>();
    const count = (what: number | string) => statuses.set(what, (statuses.get(what) ?? 0) + 1);
    const texts: Record<'refused' | 'streamed' | 'whole', string[]> = {
      refused: [],
      streamed: [],
      whole: [],
    };
    try {
      await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const signal = index % 9 === 0 ? AbortSignal.timeout(8) : undefined;
          const stream = index % 2 === 0;
          const body = chat({ max_completion_tokens: 40, stream });
          try {
            const response = await relay.post(body, signal === undefined ? {} : { signal });
            const text = await response.text();
            count(response.status);
            if (response.status === 429) texts.refused.push(text);
            else texts[stream ? 'streamed' : 'whole'].push(text);
          } catch {
            count('left');
          }
        }),
      );
    } finally {
      await relay[Symbol.asyncDispose]();
    }
    for (const text of texts.refused) expect(text).toContain('"code":"insufficient_quota"');
    // The counts are for the books: the client has not asked for them.
    for (const text of texts.streamed) expect(text).not.toContain('total_tokens');
    expect(statuses.get(200)).toBeGreaterThan(20);
    expect(statuses.get(200)).toBeLessThanOrEqual(50);
    expect(statuses.get(429)).toBeGreaterThan(100);
    const database = await openDatabase({ home: home.path });
    const ledger = new UsageLedger(database);
    const [total] = await ledger.totals({ by: [] });
    await ledger.close();
    await database.close();
    expect(total).toMatchObject({ open: 0 });
    expect(total!.totalTokens).toBeLessThanOrEqual(50 * RESERVED);
    // What was answered was paid, whatever else happened.
    expect(total!.totalTokens).toBeGreaterThanOrEqual(statuses.get(200)! * RESERVED);
  }, 60_000);
});
