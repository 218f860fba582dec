import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DefaultVocabulary } from '../backends/embedded/default-vocabulary.ts';
import { isAlive } from '../support/is-alive.ts';
import { type ParlanceProcess, startParlance } from '../support/parlance-process.ts';

const running: ParlanceProcess[] = [];
let endOfTurn: number;

beforeAll(async () => {
  endOfTurn = (await DefaultVocabulary.load()).tokenOf('<|im_end|>');
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

async function start(config = ''): Promise<ParlanceProcess> {
  const upstream = 'upstreams:\n  local: { kind: embedded, context_size: 1024, threads: 1 }\n';
  const server = await startParlance({ config: upstream + config, env: { PARLANCE_LOG_LEVEL: 'info' } });
  running.push(server);
  return server;
}

/** The engine's process id, from the log. */
function enginePid(server: ParlanceProcess): number {
  const lines = [...server.output().matchAll(/^\{.*"msg":"engine ready".*\}$/gm)];
  return (JSON.parse(lines.at(-1)?.[0] ?? '{}') as { pid: number }).pid;
}

const chat = (url: string, body: object): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'any',
      messages: [{ role: 'user', content: 'Tell me a story.' }],
      ...body,
    }),
  });

interface RunningStream {
  text: () => string;
  /** Resolves when the response has ended, rejects when the connection broke. */
  end: Promise<void>;
}

/** A stream of exactly so many tokens that has begun. */
async function beginStream(url: string, maxTokens: number): Promise<RunningStream> {
  const response = await chat(url, {
    stream: true,
    max_tokens: maxTokens,
    logit_bias: { [endOfTurn]: -100 },
  });
  expect(response.status).toBe(200);
  let text = '';
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
  };
  const ended = read();
  ended.catch(() => {});
  await vi.waitUntil(() => text.split('data: ').length > 4, { timeout: 20_000, interval: 5 });
  return { text: () => text, end: ended };
}

describe('SIGTERM', () => {
  it('lets a stream finish, takes nothing new, ends with 0 and takes the engine along', async () => {
    const server = await start();
    const engine = enginePid(server);
    const stream = await beginStream(server.url, 100);
    process.kill(server.pid, 'SIGTERM');
    await vi.waitFor(
      async () => {
        await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
      },
      { timeout: 10_000, interval: 50 },
    );
    expect(stream.text()).not.toContain('[DONE]');
    await stream.end;
    expect(stream.text()).toMatch(/"finish_reason":"length"[\s\S]*data: \[DONE\]\n\n$/);
    expect(stream.text().match(/"content":"/g)?.length).toBeGreaterThan(90);
    await vi.waitUntil(() => !isAlive(server.pid), { timeout: 10_000, interval: 20 });
    expect(await server.stop()).toBe(0);
    expect(isAlive(engine)).toBe(false);
  });

  it('ends an idle server at once, and its engine', async () => {
    const server = await start();
    const engine = enginePid(server);
    expect(isAlive(engine)).toBe(true);
    // An idle connection that is kept open must not hold it up.
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    process.kill(server.pid, 'SIGTERM');
    await vi.waitUntil(() => !isAlive(server.pid), { timeout: 5000, interval: 20 });
    expect(await server.stop()).toBe(0);
    expect(isAlive(engine)).toBe(false);
  });

  it('waits no longer than configured', async () => {
    const server = await start('server: { shutdown_grace_ms: 300 }\n');
    const engine = enginePid(server);
    const stream = await beginStream(server.url, 900);
    process.kill(server.pid, 'SIGTERM');
    await vi.waitUntil(() => !isAlive(server.pid), { timeout: 10_000, interval: 20 });
    await Promise.allSettled([stream.end]);
    expect(stream.text()).not.toContain('[DONE]');
    expect(await server.stop()).toBe(0);
    expect(isAlive(engine)).toBe(false);
  });

  it('twice ends it at once', async () => {
    const server = await start();
    const engine = enginePid(server);
    const stream = await beginStream(server.url, 900);
    process.kill(server.pid, 'SIGTERM');
    await vi.waitUntil(() => server.output().includes('Stopping'), { timeout: 5000, interval: 10 });
    process.kill(server.pid, 'SIGTERM');
    await vi.waitUntil(() => !isAlive(server.pid), { timeout: 5000, interval: 20 });
    await Promise.allSettled([stream.end]);
    expect(stream.text()).not.toContain('[DONE]');
    expect(await server.stop()).toBe(1);
    await vi.waitUntil(() => !isAlive(engine), { timeout: 10_000, interval: 20 });
    expect(isAlive(engine)).toBe(false);
  });
});

describe('an engine that is killed in the middle of a stream', () => {
  it('ends the stream with an error event; the server stays and the next request succeeds', async () => {
    const server = await start();
    const engine = enginePid(server);
    const stream = await beginStream(server.url, 900);
    process.kill(engine, 'SIGKILL');
    await stream.end;
    const last = stream.text().trimEnd().split('\n\n').at(-1) ?? '';
    const { error } = JSON.parse(last.replace(/^data: /, '')) as { error: { code: string; type: string } };
    expect(error).toMatchObject({ code: 'engine_crashed', type: 'server_error' });
    expect(stream.text()).not.toContain('[DONE]');
    const next = await chat(server.url, { max_tokens: 3 });
    expect(next.status).toBe(200);
    expect(isAlive(server.pid)).toBe(true);
    expect(enginePid(server)).not.toBe(engine);
  });
});
