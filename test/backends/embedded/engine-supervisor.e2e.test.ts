import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { JobStream } from '../../../src/backends/embedded/engine/job-stream.ts';
import type { GenerationPlan } from '../../../src/backends/embedded/engine/protocol.ts';
import {
  EngineSupervisor,
  type SupervisorOptions,
} from '../../../src/backends/embedded/engine-supervisor.ts';
import type { GatewayError } from '../../../src/errors.ts';
import { isAlive } from '../../support/is-alive.ts';

const opened: EngineSupervisor[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((supervisor) => supervisor.close()));
});

type Options = Partial<Pick<SupervisorOptions, 'queueSize' | 'cancelTimeoutMs' | 'log'>> & {
  model?: string;
  slots?: number;
};

const SILENT = { info: () => {}, warn: () => {}, debug: () => {} };

function start({ model = 'good', slots = 1, queueSize = 4, ...more }: Options = {}): EngineSupervisor {
  const supervisor = new EngineSupervisor({
    engine: { modelPath: `/models/${model}.gguf`, slots, gpu: false },
    entry: fileURLToPath(import.meta.resolve('./fake-engine.ts')),
    queueSize,
    log: SILENT,
    ...more,
  });
  opened.push(supervisor);
  supervisor.start();
  return supervisor;
}

async function startReady(options?: Options): Promise<EngineSupervisor> {
  const supervisor = start(options);
  await vi.waitFor(() => {
    expect(supervisor.readiness()).toEqual({ ready: true });
  }, 10_000);
  return supervisor;
}

type Order = 'answer' | 'wait' | 'ignore' | 'fail' | 'die' | 'die at once';

function generate(supervisor: EngineSupervisor, ...orders: Order[]): JobStream[] {
  return supervisor.generate(
    orders.map((text): GenerationPlan => ({
      prompt: [{ text, trusted: true }],
      stop: [],
      sampling: {
        temperature: 0,
        topP: 1,
        topK: 0,
        seed: 0,
        presencePenalty: 0,
        frequencyPenalty: 0,
        logitBias: [],
      },
    })),
  );
}

/** How an answer ends: with which events, or with which error. */
async function outcome(stream: JobStream | undefined): Promise<string> {
  const seen: string[] = [];
  try {
    for await (const { type } of stream ?? []) seen.push(type);
  } catch (error) {
    seen.push((error as GatewayError).code);
  }
  return seen.join(' ');
}

const ANSWERED = 'started tokens finished';

describe('EngineSupervisor', () => {
  it('answers in turn when there are more requests than slots, also such as came before the model', async () => {
    const supervisor = start({ slots: 2 });
    expect(supervisor.readiness()).toMatchObject({
      ready: false,
      reason: expect.stringContaining('loading'),
    });
    const streams = generate(supervisor, 'answer', 'answer', 'answer', 'answer');
    expect(await Promise.all(streams.map(outcome))).toEqual([ANSWERED, ANSWERED, ANSWERED, ANSWERED]);
    expect(supervisor.load).toEqual({ running: 0, queued: 0 });
  });

  it('reports a failed job and goes on', async () => {
    const supervisor = await startReady();
    const [failed, next] = generate(supervisor, 'fail', 'answer');
    expect(await outcome(failed)).toBe('started internal_error');
    expect(await outcome(next)).toBe(ANSWERED);
  });

  describe('a full queue', () => {
    it('refuses with the time to wait, and takes requests again afterwards', async () => {
      const supervisor = await startReady({ queueSize: 1 });
      const [running, queued] = generate(supervisor, 'wait', 'answer');
      expect(supervisor.load).toEqual({ running: 1, queued: 1 });
      expect(() => generate(supervisor, 'answer')).toThrow(
        expect.objectContaining({ code: 'queue_full', status: 429, retryAfterSeconds: 2 }),
      );
      running?.cancel();
      expect(await outcome(queued)).toBe(ANSWERED);
      expect(await outcome(generate(supervisor, 'answer')[0])).toBe(ANSWERED);
    });

    it('takes all choices of a request or none', async () => {
      const supervisor = await startReady({ queueSize: 2 });
      expect(() => generate(supervisor, 'answer', 'answer', 'answer', 'answer')).toThrow(
        expect.objectContaining({ code: 'queue_full' }),
      );
      expect(supervisor.load).toEqual({ running: 0, queued: 0 });
      expect(await Promise.all(generate(supervisor, 'answer', 'answer', 'answer').map(outcome))).toEqual([
        ANSWERED,
        ANSWERED,
        ANSWERED,
      ]);
    });
  });

  describe('cancelling', () => {
    it('takes a waiting request out of the queue', async () => {
      const supervisor = await startReady();
      const [running, waiting] = generate(supervisor, 'wait', 'answer');
      waiting?.cancel();
      expect(supervisor.load).toEqual({ running: 1, queued: 0 });
      expect(await outcome(waiting)).toBe('');
      running?.cancel();
    });

    it('frees the slot of a running one', async () => {
      const supervisor = await startReady();
      const [running, waiting] = generate(supervisor, 'wait', 'answer');
      await running?.next();
      running?.cancel();
      expect(await outcome(waiting)).toBe(ANSWERED);
    });

    it('ends a process that does not react, and the next one answers', async () => {
      const supervisor = await startReady({ cancelTimeoutMs: 20 });
      const hung = supervisor.pid;
      const [running, waiting] = generate(supervisor, 'ignore', 'answer');
      await running?.next();
      running?.cancel();
      expect(await outcome(waiting)).toBe(ANSWERED);
      expect(supervisor.pid).not.toBe(hung);
      expect(isAlive(hung)).toBe(false);
    });
  });

  describe('a process that dies', () => {
    it('fails what it had begun, keeps what it had not, and is replaced', async () => {
      const supervisor = await startReady({ slots: 2 });
      const first = supervisor.pid;
      const [begun, dying, waiting] = generate(supervisor, 'wait', 'die', 'answer');
      expect(await outcome(begun)).toMatch(/^started .*engine_crashed$/);
      expect(await outcome(dying)).toBe('started engine_crashed');
      expect(await outcome(waiting)).toBe(ANSWERED);
      expect(supervisor.pid).not.toBe(first);
    });

    it('takes a request with it twice, no more, and the others are answered', async () => {
      const supervisor = await startReady();
      const [poisoned, harmless] = generate(supervisor, 'die at once', 'answer');
      expect(await outcome(poisoned)).toBe('engine_crashed');
      expect(await outcome(harmless)).toBe(ANSWERED);
    });

    it('does not get a cancelled request back', async () => {
      const supervisor = await startReady();
      const [running] = generate(supervisor, 'ignore');
      await running?.next();
      running?.cancel();
      process.kill(supervisor.pid ?? 0, 'SIGKILL');
      await vi.waitFor(() => {
        expect(supervisor.load).toEqual({ running: 0, queued: 0 });
      }, 5000);
      expect(await outcome(generate(supervisor, 'answer')[0])).toBe(ANSWERED);
    });
  });

  describe('a model that cannot be loaded', () => {
    it.each<[model: string, reason: RegExp]>([
      ['broken', /could not load broken\.gguf: no model in broken\.gguf: the tensors are torn/],
      ['fatal', /could not load fatal\.gguf: exit code 7/],
    ])('%s: says why, refuses requests and tries again later', async (model, reason) => {
      const supervisor = start({ model });
      await vi.waitFor(() => {
        expect(() => generate(supervisor, 'answer')).toThrow(
          expect.objectContaining({
            code: 'model_not_ready',
            status: 503,
            retryAfterSeconds: 2,
            message: expect.stringMatching(reason),
          }),
        );
      }, 10_000);
      expect(supervisor.readiness()).toMatchObject({ ready: false, reason: expect.stringMatching(reason) });
      await vi.waitFor(() => {
        expect(supervisor.pid).toBeDefined();
      }, 5000);
      expect(supervisor.readiness()).toMatchObject({ ready: false, reason: expect.stringMatching(reason) });
    });

    it('fails the requests that waited for it', async () => {
      const supervisor = start({ model: 'fatal' });
      expect(await outcome(generate(supervisor, 'answer')[0])).toBe('model_not_ready');
    });
  });

  it('reads whatever the process prints, and keeps none of the flood', async () => {
    const lengths: number[] = [];
    const supervisor = await startReady({
      model: 'talkative',
      log: { ...SILENT, warn: (fields) => lengths.push(JSON.stringify(fields).length) },
    });
    expect(await outcome(generate(supervisor, 'answer')[0])).toBe(ANSWERED);
    expect(await outcome(generate(supervisor, 'die')[0])).toBe('started engine_crashed');
    expect(lengths).toHaveLength(1);
    expect(lengths[0]).toBeLessThan(3000);
  });

  it('shows the process nothing of the environment but what native code needs', async () => {
    vi.stubEnv('GEMINI_API_KEY', 'secret');
    vi.stubEnv('LD_LIBRARY_PATH', '/opt/lib');
    const supervisor = await startReady({ model: 'secretive' });
    const names = supervisor.model?.name.split(' ') ?? [];
    expect(names).toContain('LD_LIBRARY_PATH');
    expect(names).not.toContain('GEMINI_API_KEY');
    vi.unstubAllEnvs();
  });

  describe('closing', () => {
    it.each<[name: string, model: string, orders: Order[]]>([
      ['while it waits', 'good', []],
      ['while it writes', 'good', ['wait', 'wait']],
      ['while it loads', 'never', []],
      ['while it loads and requests wait', 'never', ['answer']],
    ])('ends the process %s', async (_, model, orders) => {
      const supervisor = model === 'good' ? await startReady({ model }) : start({ model });
      const { pid } = supervisor;
      const streams = generate(supervisor, ...orders);
      const outcomes = Promise.all(streams.map(outcome));
      expect(isAlive(pid)).toBe(true);
      await supervisor.close();
      expect(isAlive(pid)).toBe(false);
      expect((await outcomes).every((one) => one.endsWith('overloaded'))).toBe(true);
      expect(() => generate(supervisor, 'answer')).toThrow(
        expect.objectContaining({ code: 'model_not_ready' }),
      );
    });

    it('ends the attempts to load a broken model', async () => {
      const supervisor = start({ model: 'fatal' });
      await vi.waitFor(() => {
        expect(() => generate(supervisor)).toThrow('fatal.gguf');
      }, 10_000);
      await supervisor.close();
      expect(supervisor.readiness()).toMatchObject({ reason: expect.stringContaining('shutting down') });
      expect(supervisor.pid).toBeUndefined();
    });

    it('may be asked for twice, and before the start', async () => {
      const supervisor = await startReady();
      await Promise.all([supervisor.close(), supervisor.close()]);
      supervisor.start();
      expect(supervisor.pid).toBeUndefined();
    });
  });
});
