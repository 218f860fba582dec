/**
 * The engine process: a child of the server that owns the model. Started by `engine-supervisor.ts`; ends with it.
 */
import { generate, GenerationError, type GenerationSink, preparePrompt } from './generate.ts';
import { LlamaBinding, type Token } from './llama-binding.ts';
import { endWithServer, leaveWith } from './process-end.ts';
import type { FromEngine, GeneratedToken, GenerationPlan, ToEngine } from './protocol.ts';
import { Slots } from './slots.ts';

interface Job {
  id: number;
  plan: GenerationPlan;
  isCancelled: boolean;
  /** Set while the client is behind. */
  resume?: () => void;
  paused?: Promise<void>;
}

const jobs = new Map<number, Job>();
/** Jobs without a slot. The server sends no more than there are slots; a job may wait for one being released. */
const waiting: { job: Job; prompt: Token[] }[] = [];
let engine: { binding: LlamaBinding; slots: Slots } | undefined;

function send(message: FromEngine): void {
  // The channel is gone only when the server is; `disconnect` ends this process then.
  if (process.connected) process.send?.(message);
}

async function load(message: Extract<ToEngine, { type: 'load' }>): Promise<void> {
  try {
    const binding = await LlamaBinding.load(message.options);
    engine = { binding, slots: new Slots(binding.sequences) };
    send({ type: 'loaded', model: binding.facts });
  } catch (error) {
    leaveWith({ type: 'load-failed', message: error instanceof Error ? error.message : String(error) });
  }
}

function accept(id: number, plan: GenerationPlan): void {
  if (engine === undefined) throw new Error('generate before load');
  const job: Job = { id, plan, isCancelled: false };
  jobs.set(id, job);
  try {
    waiting.push({ job, prompt: preparePrompt(engine.binding, plan) });
  } catch (error) {
    fail(job, error);
    return;
  }
  startWaiting();
}

function startWaiting(): void {
  if (engine === undefined) return;
  const { binding, slots } = engine;
  for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
    const slot = slots.take(next.prompt);
    if (slot === undefined) return;
    waiting.shift();
    void run(binding, slot, next);
  }
}

async function run(
  binding: LlamaBinding,
  slot: NonNullable<ReturnType<Slots['take']>>,
  { job, prompt }: { job: Job; prompt: Token[] },
): Promise<void> {
  try {
    const result = await generate(binding, slot.sequence, { plan: job.plan, prompt }, sinkOf(job));
    jobs.delete(job.id);
    send({ type: 'finished', job: job.id, ...result });
  } catch (error) {
    fail(job, error);
  } finally {
    slot.release();
    startWaiting();
  }
}

function sinkOf(job: Job): GenerationSink {
  let unsent: GeneratedToken[] = [];
  return {
    started: (promptTokens, cachedTokens) => {
      send({ type: 'started', job: job.id, promptTokens, cachedTokens });
    },
    token: (token) => {
      unsent.push(token);
      // One message for tokens of the same turn, such as a forced closing tag.
      if (unsent.length === 1) {
        queueMicrotask(() => {
          send({ type: 'tokens', job: job.id, tokens: unsent });
          unsent = [];
        });
      }
    },
    ready: () => job.paused,
    get isCancelled() {
      return job.isCancelled;
    },
  };
}

function fail(job: Job, error: unknown): void {
  jobs.delete(job.id);
  const failure =
    error instanceof GenerationError
      ? error.failure
      : { kind: 'internal' as const, message: error instanceof Error ? error.message : String(error) };
  send({ type: 'failed', job: job.id, failure });
}

function pause(job: Job): void {
  if (job.paused !== undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  job.paused = promise;
  job.resume = resolve;
}

function resume(job: Job): void {
  job.resume?.();
  delete job.paused;
  delete job.resume;
}

process.on('message', (message: ToEngine) => {
  if (message.type === 'load') {
    void load(message);
    return;
  }
  if (message.type === 'generate') {
    accept(message.job, message.plan);
    return;
  }
  const job = jobs.get(message.job);
  if (job === undefined) return;
  switch (message.type) {
    case 'cancel':
      job.isCancelled = true;
      resume(job);
      break;
    case 'pause':
      pause(job);
      break;
    case 'resume':
      resume(job);
      break;
  }
});

endWithServer();
