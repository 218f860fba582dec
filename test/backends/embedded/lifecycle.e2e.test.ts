import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatCompletionChunk } from '../../../src/wire/openai/response.ts';
import { isAlive } from '../../support/is-alive.ts';
import { DefaultVocabulary } from './default-vocabulary.ts';
import { defaultModelPath, type Fields, LocalModel } from './local-model.ts';

const SHORT: Fields = { ask: 'Hi', temperature: 0, max_tokens: 4 };

let endOfTurn: number;

/** An answer that does not end by itself. */
function endless(more: Fields = {}): Fields {
  return { ask: 'Tell me a long story.', temperature: 0, logit_bias: { [endOfTurn]: -100 }, ...more };
}

beforeAll(async () => {
  endOfTurn = (await DefaultVocabulary.load()).tokenOf('<|im_end|>');
});

interface RunningStream {
  chunks: ChatCompletionChunk[];
  /** Resolves with `undefined` for a complete stream, else with what went wrong. */
  end: Promise<GatewayError | undefined>;
  abort: () => void;
}

/** Starts a stream and waits until it has said something. */
async function begin(model: LocalModel, fields: Fields): Promise<RunningStream> {
  const controller = new AbortController();
  const answer = await model.answer({ ...fields, stream: true }, { signal: controller.signal });
  if (answer.mode !== 'stream') throw new Error('the answer is no stream');
  const chunks: ChatCompletionChunk[] = [];
  const consume = async (): Promise<GatewayError | undefined> => {
    try {
      for await (const batch of answer.chunks) chunks.push(...batch.chunks);
      return undefined;
    } catch (error) {
      return error as GatewayError;
    }
  };
  const end = consume();
  await vi.waitUntil(() => chunks.length >= 3, { timeout: 20_000, interval: 5 });
  return { chunks, end, abort: () => controller.abort() };
}

describe('a running engine', () => {
  let model: LocalModel;

  beforeAll(async () => {
    model = await LocalModel.start({ slots: 2, queueSize: 1, contextSize: 256 });
  });

  afterAll(async () => {
    await model.close();
  });

  it('answers several requests at the same time', async () => {
    const first = await begin(model, endless());
    const second = await begin(model, endless());
    const [before, after] = [first.chunks.length, second.chunks.length];
    await vi.waitUntil(() => first.chunks.length > before + 3 && second.chunks.length > after + 3);
    expect(model.backend.load).toEqual({ running: 2, queued: 0 });
    first.abort();
    second.abort();
    await Promise.all([first.end, second.end]);
  });

  it('answers 429 with the time to wait when the queue is full, and then recovers', async () => {
    const running = [await begin(model, endless()), await begin(model, endless())];
    const queued = model.text(SHORT);
    await vi.waitUntil(() => model.backend.load.queued === 1);
    await expect(model.text(SHORT)).rejects.toMatchObject({
      status: 429,
      code: 'queue_full',
      retryAfterSeconds: expect.any(Number),
    });
    for (const one of running) one.abort();
    expect(await queued).not.toBe('');
    expect(await model.text(SHORT)).not.toBe('');
    await Promise.all(running.map(({ end }) => end));
  });

  it('stops working for a client that has left, and gives its slot to the next', async () => {
    const { chunks, end, abort } = await begin(model, endless());
    abort();
    const seen = chunks.length;
    await vi.waitUntil(() => model.backend.load.running === 0, { timeout: 5000, interval: 2 });
    expect(await end).toBeInstanceOf(Error);
    expect(chunks.length).toBe(seen);
    expect(await model.text(SHORT)).not.toBe('');
  });

  it('does not pass off an answer cut by the clock as a whole one', async () => {
    const controller = new AbortController();
    const answer = model.complete(endless(), { signal: controller.signal });
    answer.catch(() => {});
    await vi.waitUntil(() => model.backend.load.running === 1);
    await pause(500);
    controller.abort(new GatewayError('timeout', 'too long'));
    await expect(answer).rejects.toMatchObject({ code: 'timeout' });
  });

  it('stops while it still reads a long prompt', async () => {
    const controller = new AbortController();
    const answer = model.text({ ask: 'word '.repeat(220) }, { signal: controller.signal });
    answer.catch(() => {});
    await vi.waitUntil(() => model.backend.load.running === 1);
    controller.abort();
    await vi.waitUntil(() => model.backend.load.running === 0, { timeout: 5000, interval: 2 });
    await expect(answer).rejects.toThrow(/abort|cancel/i);
  });

  it('does nothing for a client that leaves while it waits', async () => {
    const running = [await begin(model, endless()), await begin(model, endless())];
    const controller = new AbortController();
    const waiting = model.text(SHORT, { signal: controller.signal });
    waiting.catch(() => {});
    await vi.waitUntil(() => model.backend.load.queued === 1);
    controller.abort();
    expect(model.backend.load).toEqual({ running: 2, queued: 0 });
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    for (const one of running) one.abort();
    await Promise.all(running.map(({ end }) => end));
  });

  it('waits for a client that reads slowly, and goes on where it was', async () => {
    const fields = endless({ max_tokens: 100 });
    const answer = await model.answer({ ...fields, stream: true });
    if (answer.mode !== 'stream') throw new Error('the answer is no stream');
    const iterator = answer.chunks[Symbol.asyncIterator]();
    await iterator.next();
    // Reads nothing until the engine must have been told to wait: the slot stays taken and no answer is finished.
    await pause(4000);
    expect(model.backend.load.running).toBe(1);
    let text = '';
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      text += next.value.chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
    }
    expect(text).toBe(await model.text(fields));
  });

  describe('that is killed', () => {
    it('ends the streams in flight with an error, and the next request succeeds', async () => {
      const { end, chunks } = await begin(model, endless());
      const { enginePid } = model.backend;
      process.kill(enginePid ?? 0, 'SIGKILL');
      expect(await end).toMatchObject({ code: 'engine_crashed', status: 502 });
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBeNull();
      expect(await model.text(SHORT)).not.toBe('');
      expect(model.backend.enginePid).not.toBe(enginePid);
    });

    it('fails an answer in one piece with the same error', async () => {
      const answer = model.text(endless());
      answer.catch(() => {});
      // By then it has begun: a prompt this short is read at once.
      await vi.waitUntil(() => model.backend.load.running === 1);
      await pause(500);
      process.kill(model.backend.enginePid ?? 0, 'SIGKILL');
      await expect(answer).rejects.toMatchObject({ code: 'engine_crashed' });
    });

    it('is replaced each time, several times in a row, idle or loading', async () => {
      for (let round = 0; round < 3; round++) {
        await vi.waitUntil(() => model.backend.enginePid !== undefined, { timeout: 20_000 });
        const { enginePid } = model.backend;
        process.kill(enginePid ?? 0, 'SIGKILL');
        await vi.waitUntil(() => model.backend.enginePid !== enginePid, { timeout: 20_000 });
      }
      await model.untilReady();
      expect(await model.text(SHORT)).not.toBe('');
    });
  });
});

it('ends its engine when it is closed in the middle of an answer', async () => {
  const model = await LocalModel.start({ slots: 1, contextSize: 256 });
  const { enginePid } = model.backend;
  const { end } = await begin(model, endless());
  await model.close();
  expect(await end).toMatchObject({ code: 'overloaded', status: 503 });
  expect(isAlive(enginePid)).toBe(false);
  await expect(model.text(SHORT)).rejects.toMatchObject({ code: 'model_not_ready' });
});

describe('a model that cannot be used', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parlance-broken-'));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it.each<[name: string, make: (path: string) => Promise<unknown>, reason: RegExp]>([
    [
      'a truncated file',
      async (path) => {
        await copyFile(await defaultModelPath(), path);
        await truncate(path, 20_000_000);
      },
      /corrupted or incomplete/,
    ],
    ['a file that is something else', (path) => writeFile(path, 'PK\u0003\u0004 not a model'), /GGUF/],
    ['an empty file', (path) => writeFile(path, ''), /GGUF/],
    ['no file', () => Promise.resolve(), /ENOENT|no such file/i],
    [
      'a damaged head',
      async (path) => {
        await copyFile(await defaultModelPath(), path);
        const file = await open(path, 'r+');
        await file.write(Buffer.alloc(64, 0xff), 0, 64, 8);
        await file.close();
      },
      /could not load/,
    ],
  ])('%s: says why to those who ask, and the server lives', async (_, make, reason) => {
    const path = join(folder, 'bad.gguf');
    await rm(path, { force: true });
    await make(path);
    const model = new LocalModel();
    model.backend.start(path);
    await vi.waitFor(
      () => {
        expect(model.backend.readiness()).toMatchObject({
          ready: false,
          reason: expect.stringMatching(reason),
          retryAfterSeconds: expect.any(Number),
        });
      },
      { timeout: 30_000, interval: 50 },
    );
    await expect(model.text(SHORT)).rejects.toMatchObject({
      status: 503,
      code: 'model_not_ready',
      message: expect.stringMatching(reason),
      retryAfterSeconds: expect.any(Number),
    });
    expect(JSON.stringify(model.backend.readiness())).not.toContain(folder);
    await model.close();
  });

  it('a chat template that is no Jinja: says so', async () => {
    const model = new LocalModel({ slots: 1, chatTemplate: '{% for %}' });
    model.backend.start(await defaultModelPath());
    await vi.waitFor(
      () => {
        expect(model.backend.readiness()).toMatchObject({
          ready: false,
          reason: expect.stringContaining('chat template'),
        });
      },
      { timeout: 30_000, interval: 50 },
    );
    await expect(model.text(SHORT)).rejects.toMatchObject({ code: 'model_not_ready', status: 503 });
    await model.close();
  });

  it('a chat template that refuses every message: 400 with its words', async () => {
    const model = await LocalModel.start({
      slots: 1,
      chatTemplate: `{{ raise_exception('never on Mondays') }}`,
    });
    await expect(model.text(SHORT)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('never on Mondays'),
    });
    await model.close();
  });
});

it('ends with the server it belongs to, however that goes', async () => {
  const server = spawn(
    process.execPath,
    [fileURLToPath(import.meta.resolve('./engine-owner.ts')), await defaultModelPath()],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const printed = new Promise<string>((settle) => server.stdout.setEncoding('utf8').once('data', settle));
  const enginePid = Number(await printed);
  expect(isAlive(enginePid)).toBe(true);
  server.kill('SIGKILL');
  await vi.waitUntil(() => !isAlive(enginePid), { timeout: 10_000, interval: 20 });
  expect(isAlive(enginePid)).toBe(false);
});
