/** Two real model servers behind one upstream, and what becomes of requests when they are killed and come back. */
import { APIError, InternalServerError } from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LlamaCppServer, startLlamaCppServer } from '../support/llama-cpp-server.ts';
import { MISSING_SERVERS } from './missing-servers.ts';
import { type ParlanceInFront, startInFrontOf } from './parlance-in-front-of.ts';

const QUESTION = {
  model: 'gemma-2-9b-it',
  messages: [{ role: 'user' as const, content: 'Write a story about a magic backpack.' }],
  max_tokens: 16,
};

/** Time in which a server that is back gets requests again, in milliseconds. */
const BACK_IN_USE = 5000;

interface Answered {
  readonly upstream: string | null;
  readonly replica: string | null;
  readonly passedOver: string | null;
  readonly model: string;
}

function startReplica(port = 0): Promise<LlamaCppServer> {
  return startLlamaCppServer({ slots: 1, contextSize: 512, port });
}

/** Starts a server again where it was. */
function restart({ url }: LlamaCppServer): Promise<LlamaCppServer> {
  return startReplica(Number(new URL(url).port));
}

describe.skipIf(MISSING_SERVERS !== '')(`two llama.cpp servers${MISSING_SERVERS}`, () => {
  let first: LlamaCppServer;
  let second: LlamaCppServer;
  let parlance: ParlanceInFront;
  let names: string[];

  beforeAll(async () => {
    [first, second] = await Promise.all([startReplica(), startReplica()]);
    names = [first, second].map(({ url }) => new URL(url).host);
    const urls = `["${first.url}", "${second.url}"]`;
    parlance = await startInFrontOf(`
upstreams:
  gemma: { kind: llamacpp, base_url: ${urls} }
  backed: { kind: llamacpp, base_url: ${urls}, fallback: [local] }
  local: { kind: embedded, context_size: 256 }
models:
  - { match: "*", upstream: gemma }
endpoints:
  gemma: { upstream: gemma }
  backed: { upstream: backed }
`);
  });

  afterAll(async () => {
    await parlance.stop();
    await Promise.all([first.stop(), second.stop()]);
  });

  async function ask(endpoint = 'gemma'): Promise<Answered> {
    const { data, response } = await parlance
      .client(endpoint)
      .chat.completions.create(QUESTION)
      .withResponse();
    return {
      upstream: response.headers.get('x-parlance-upstream'),
      replica: response.headers.get('x-parlance-replica'),
      passedOver: response.headers.get('x-parlance-passed-over'),
      model: data.model,
    };
  }

  /** Which replicas answer two requests that are under way together. */
  async function askTwice(): Promise<Set<string | null>> {
    const answers = await Promise.all([ask(), ask()]);
    return new Set(answers.map(({ replica }) => replica));
  }

  it('share requests that come together', async () => {
    expect(await askTwice()).toEqual(new Set(names));
  });

  it('stand in for each other: one is killed, and no request fails', async () => {
    const stopping = new AbortController();
    const answers: Answered[] = [];
    const clients = [1, 2, 3].map(async () => {
      while (!stopping.signal.aborted) answers.push(await ask());
    });
    await vi.waitUntil(() => answers.length >= 6, { timeout: 30_000 });
    await second.kill();
    const before = answers.length;
    await vi.waitUntil(() => answers.length >= before + 6, { timeout: 60_000 });
    stopping.abort();
    await Promise.all(clients);
    expect(new Set(answers.slice(0, before).map(({ replica }) => replica))).toEqual(new Set(names));
    expect(new Set(answers.slice(before + 3).map(({ replica }) => replica))).toEqual(new Set([names[0]]));
    expect(answers.find(({ passedOver }) => passedOver !== null)?.passedOver).toContain(names[1]);
  });

  it('are both used again soon after the one that was killed is back', async () => {
    second = await restart(second);
    await vi.waitUntil(async () => (await askTwice()).size === 2, { timeout: BACK_IN_USE, interval: 0 });
    expect(second.log()).toContain('launch_slot_');
  });

  it('cannot hide that one is killed in the middle of a stream', async () => {
    const endless = { ...QUESTION, max_tokens: 400, ignore_eos: true, stream: true as const };
    const stream = await parlance.client('gemma').chat.completions.create(endless).withResponse();
    const replica = stream.response.headers.get('x-parlance-replica');
    const server = replica === names[0] ? first : second;
    const read = async (): Promise<void> => {
      for await (const _ of stream.data) await server.kill();
    };
    const failure = await read().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(APIError);
    expect(failure).toMatchObject({ code: 'upstream_disconnected', type: 'server_error' });
    expect((await ask()).replica).toBe(names.find((name) => name !== replica));
  });

  it('are missed when both are killed, with an error that says so', async () => {
    await Promise.all([first.kill(), second.kill()]);
    const failure = await ask().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InternalServerError);
    expect(failure).toMatchObject({
      status: 503,
      code: 'upstream_unavailable',
      message: expect.stringContaining('gemma'),
    });
    const { headers, message } = failure as InternalServerError;
    expect(headers.get('retry-after')).toBe('1');
    for (const name of names) expect(message).toContain(name);
  });

  it('have the embedded model to answer for them when both are killed', async () => {
    const answer = { upstream: 'local', replica: null, model: QUESTION.model };
    expect(await ask('backed')).toMatchObject({ ...answer, passedOver: expect.stringContaining('backed') });
    const stream = await parlance.client('backed').chat.completions.stream(QUESTION).finalChatCompletion();
    expect(stream).toMatchObject({ model: QUESTION.model });
    expect(stream.choices[0]?.message.content).toMatch(/./);
  });

  it('answer again when they are back', async () => {
    [first, second] = await Promise.all([restart(first), restart(second)]);
    await vi.waitUntil(async () => (await ask('backed')).upstream === 'backed', {
      timeout: BACK_IN_USE,
      interval: 100,
    });
    expect((await ask()).upstream).toBe('gemma');
  });
});
