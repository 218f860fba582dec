/** Clients that leave, or read slowly, while a real model server writes for them. */
import { request as httpRequest } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { APIUserAbortError } from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseEvents } from '../examples/endpoint-programs.ts';
import { readRelayedStream } from '../examples/answer-shapes.ts';
import { type LlamaCppServer, startLlamaCppServer } from '../support/llama-cpp-server.ts';
import { MISSING_SERVERS } from './missing-servers.ts';
import { type ParlanceInFront, startInFrontOfEndpoint } from './parlance-in-front-of.ts';

const ENDPOINT = '1234567890';
const QUESTION = {
  model: 'gemma-2-9b-it',
  messages: [{ role: 'user' as const, content: 'Write a story about a magic backpack.' }],
};

/** Never ends before the context is full, which takes half a minute. */
const ENDLESS = { ...QUESTION, ignore_eos: true };

/** llama.cpp looks once a second whether a client that waits for a whole answer is still there. In milliseconds. */
const SOON = { timeout: 5000, interval: 20 };

describe.skipIf(MISSING_SERVERS !== '')(`llama.cpp's server${MISSING_SERVERS}`, () => {
  let server: LlamaCppServer;
  let parlance: ParlanceInFront;

  beforeAll(async () => {
    server = await startLlamaCppServer({ slots: 1, contextSize: 2048 });
    parlance = await startInFrontOfEndpoint(server, ENDPOINT);
  });

  afterAll(async () => {
    await parlance.stop();
    await server.stop();
  });

  /** Tasks the log says something about. To ask the server itself would keep it from looking whether clients left. */
  function tasks(saying: string): number[] {
    const lines = new RegExp(`${saying}(\\d+)\\b`, 'g');
    return [...server.log().matchAll(lines)].map(([, task]) => Number(task));
  }

  const begun = (): number[] => tasks('launch_slot_: id +0 \\| task ');
  const cancelled = (): number[] => tasks('cancel task, id_task = ');
  const released = (): number[] => tasks('release: id +0 \\| task ');

  /** The server has given up what it did last, and its slot is free. */
  async function expectCancelled(): Promise<void> {
    const task = begun().at(-1);
    await vi.waitUntil(() => released().at(-1) === task, SOON);
    expect(cancelled().at(-1)).toBe(task);
    expect((await server.slots()).map(({ is_processing }) => is_processing)).toEqual([false]);
  }

  /** Aborts a stream after so many chunks. @returns how many came */
  async function readChunks(wanted: number): Promise<number> {
    const stream = await parlance.client(ENDPOINT).chat.completions.create({ ...ENDLESS, stream: true });
    let chunks = 0;
    for await (const _ of stream) {
      chunks += 1;
      if (chunks === wanted) stream.controller.abort();
    }
    return chunks;
  }

  /** What the SDK throws. */
  async function failureOf(request: typeof QUESTION, signal: AbortSignal): Promise<unknown> {
    return parlance
      .client(ENDPOINT)
      .chat.completions.create(request, { signal })
      .catch((error: unknown) => error);
  }

  it('stops when the client aborts a stream', async () => {
    expect(await readChunks(5)).toBe(5);
    await expectCancelled();
  });

  it('stops when the client aborts while it waits for a whole answer', async () => {
    const earlier = begun().length;
    const leaving = new AbortController();
    const failure = failureOf(ENDLESS, leaving.signal);
    await vi.waitUntil(() => begun().length > earlier, { timeout: 30_000, interval: 20 });
    leaving.abort();
    expect(await failure).toBeInstanceOf(APIUserAbortError);
    await expectCancelled();
  });

  it('is read to the end by a client that takes its time', async () => {
    const request = { ...QUESTION, temperature: 0, max_tokens: 40, ignore_eos: true };
    const whole = await parlance.client(ENDPOINT).chat.completions.create(request);
    const printed = await readSlowly(`${parlance.endpoint(ENDPOINT)}/chat/completions`, {
      ...request,
      stream: true,
    });
    const { model, text } = readRelayedStream(parseEvents(printed));
    expect({ model, text }).toEqual({ model: QUESTION.model, text: whole.choices[0]?.message.content });
  });
});

/** Reads a response with pauses, so that most of it waits for its reader. */
async function readSlowly(url: string, body: object): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<AsyncIterable<Buffer>>();
  const request = httpRequest(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  request.once('response', resolve);
  request.once('error', reject);
  request.end(JSON.stringify(body));
  const pieces: Buffer[] = [];
  for await (const piece of await promise) {
    pieces.push(piece);
    await pause(50);
  }
  return Buffer.concat(pieces).toString();
}
