import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GatewayError } from '../../errors.ts';
import type { Readiness } from '../backend.ts';
import { JobStream } from './engine/job-stream.ts';
import type {
  EngineModel,
  EngineOptions,
  FromEngine,
  GenerationFailure,
  GenerationPlan,
  ToEngine,
} from './engine/protocol.ts';

export interface SupervisorOptions {
  readonly engine: EngineOptions;
  /** Requests that may wait for a slot. */
  readonly queueSize: number;
  readonly log: SupervisorLog;
  /** Called when a model is loaded, at first and after every restart. */
  readonly onLoaded?: (model: EngineModel) => void;
}

export interface SupervisorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

interface Job {
  id: number;
  plan: GenerationPlan;
  stream: JobStream;
  /** The engine has begun to answer; a job it had not begun survives a crash. */
  hasStarted: boolean;
  /** Engine processes that died while they held this job. */
  crashes: number;
}

/** Wait before the n-th restart in a row, in milliseconds: at once, then longer and longer. */
const RESTART_DELAYS = [0, 500, 1000, 2000, 5000, 10_000, 30_000];
/** A process that lived this long was healthy, in milliseconds. */
const HEALTHY_AFTER = 10_000;
/** How long a client should wait for a restart, in seconds. */
const RESTART_RETRY_AFTER = 2;
/** How long the process may take to go when the server closes, in milliseconds. */
const CLOSE_TIMEOUT = 2000;
/** Lines of native output kept for the message of a failed start. */
const KEPT_OUTPUT_LINES = 5;

type State =
  | { name: 'stopped' }
  | { name: 'starting'; child: ChildProcess }
  | { name: 'ready'; child: ChildProcess; model: EngineModel; since: number }
  | { name: 'waiting'; timer: NodeJS.Timeout; reason: string }
  | { name: 'closed' };

/**
 * Keeps one engine process running: starts it, hands it jobs, restarts it when it dies. What happens inside the
 * process cannot reach the server otherwise than as a failed job.
 */
export class EngineSupervisor {
  readonly #options: SupervisorOptions;
  readonly #running = new Map<number, Job>();
  #queue: Job[] = [];
  #nextJob = 1;
  #failedStarts = 0;
  #state: State = { name: 'stopped' };
  #lastOutput: string[] = [];

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#state.name === 'stopped') this.#spawn();
  }

  get model(): EngineModel | undefined {
    return this.#state.name === 'ready' ? this.#state.model : undefined;
  }

  /** Process id of the engine, for tests and diagnosis. */
  get pid(): number | undefined {
    return this.#state.name === 'ready' || this.#state.name === 'starting'
      ? this.#state.child.pid
      : undefined;
  }

  readiness(): Readiness {
    switch (this.#state.name) {
      case 'ready':
        return { ready: true };
      case 'waiting':
        return { ready: false, reason: this.#state.reason, retryAfterSeconds: RESTART_RETRY_AFTER };
      case 'stopped':
      case 'starting':
        return {
          ready: false,
          reason: 'the engine is loading the model',
          retryAfterSeconds: RESTART_RETRY_AFTER,
        };
      case 'closed':
        return {
          ready: false,
          reason: 'the server is shutting down',
          retryAfterSeconds: RESTART_RETRY_AFTER,
        };
    }
  }

  /** Generations being written and waiting, for metrics and tests. */
  get load(): { running: number; queued: number } {
    return { running: this.#running.size, queued: this.#queue.length };
  }

  /**
   * Starts one generation for each plan, all or none of them.
   *
   * @throws {GatewayError} `queue_full` when the queue has no room, `model_not_ready` when the engine cannot start
   */
  generate(plans: readonly GenerationPlan[]): JobStream[] {
    if (this.#state.name === 'waiting' || this.#state.name === 'closed') {
      const readiness = this.readiness();
      throw new GatewayError(
        'model_not_ready',
        `The embedded engine is not available: ${this.#stateReason()}.`,
        {
          retryAfterSeconds: readiness.ready ? RESTART_RETRY_AFTER : readiness.retryAfterSeconds,
        },
      );
    }
    const free = this.#options.engine.slots - this.#running.size;
    if (this.#queue.length + plans.length > Math.max(0, free) + this.#options.queueSize) {
      throw new GatewayError(
        'queue_full',
        `The embedded engine is busy: ${this.#running.size} answers are being written and ${this.#queue.length} requests wait. Try again shortly.`,
        { retryAfterSeconds: 1 + Math.ceil(this.#queue.length / this.#options.engine.slots) },
      );
    }
    const streams = plans.map((plan) => this.#enqueue(plan));
    this.#dispatch();
    return streams;
  }

  /** Ends the process. Jobs in flight fail. */
  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { name: 'closed' };
    if (state.name === 'waiting') clearTimeout(state.timer);
    this.#failAll(new GatewayError('overloaded', 'The server is shutting down.', { retryAfterSeconds: 1 }));
    if (state.name !== 'ready' && state.name !== 'starting') return;
    const { child } = state;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    // The process ends when its channel closes; a native call that does not return is killed.
    child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT);
    await gone;
    clearTimeout(timer);
  }

  #stateReason(): string {
    return this.#state.name === 'waiting' ? this.#state.reason : 'the server is shutting down';
  }

  #enqueue(plan: GenerationPlan): JobStream {
    const id = this.#nextJob++;
    const stream = new JobStream((order) => {
      this.#control(id, order);
    });
    this.#queue.push({ id, plan, stream, hasStarted: false, crashes: 0 });
    return stream;
  }

  #control(id: number, order: 'pause' | 'resume' | 'cancel'): void {
    if (this.#running.has(id)) this.#send({ type: order, job: id });
    else if (order === 'cancel') this.#queue = this.#queue.filter((job) => job.id !== id);
  }

  #dispatch(): void {
    while (this.#state.name === 'ready' && this.#running.size < this.#options.engine.slots) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#running.set(job.id, job);
      this.#send({ type: 'generate', job: job.id, plan: job.plan });
    }
  }

  #send(message: ToEngine): void {
    if (this.#state.name !== 'ready' && this.#state.name !== 'starting') return;
    // A channel that breaks is reported by `exit`.
    if (this.#state.child.connected) this.#state.child.send(message, () => {});
  }

  #spawn(): void {
    const self = fileURLToPath(import.meta.url);
    const entry = fileURLToPath(new URL(`./engine/engine-process${extname(self)}`, import.meta.url));
    this.#lastOutput = [];
    const child = fork(entry, [], {
      // The engine needs nothing of the environment but what the loader of native libraries reads.
      env: engineEnvironment(process.env),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
    });
    this.#state = { name: 'starting', child };
    child.on('message', (message: FromEngine) => {
      this.#receive(child, message);
    });
    child.on('error', (error) => {
      this.#gone(child, error.message);
    });
    child.on('exit', (code, signal) => {
      this.#gone(child, signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
    for (const output of [child.stdout, child.stderr]) {
      output?.setEncoding('utf8');
      output?.on('data', (text: string) => {
        this.#keepOutput(text);
      });
    }
    this.#send({ type: 'load', options: this.#options.engine });
  }

  #keepOutput(text: string): void {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    for (const line of lines) this.#options.log.debug({ engine: line }, 'engine output');
    this.#lastOutput = [...this.#lastOutput, ...lines].slice(-KEPT_OUTPUT_LINES);
  }

  #receive(child: ChildProcess, message: FromEngine): void {
    if (!('child' in this.#state) || this.#state.child !== child) return;
    switch (message.type) {
      case 'loaded':
        this.#state = { name: 'ready', child, model: message.model, since: Date.now() };
        this.#options.log.info({ model: message.model.name, pid: child.pid }, 'engine ready');
        this.#options.onLoaded?.(message.model);
        this.#dispatch();
        return;
      case 'load-failed':
        this.#keepOutput(message.message);
        child.kill('SIGKILL');
        return;
      case 'started': {
        const job = this.#running.get(message.job);
        if (job === undefined) return;
        job.hasStarted = true;
        job.stream.push(message);
        return;
      }
      case 'tokens':
        this.#running.get(message.job)?.stream.push(message);
        return;
      case 'finished': {
        const job = this.#running.get(message.job);
        this.#running.delete(message.job);
        job?.stream.push(message);
        this.#dispatch();
        return;
      }
      case 'failed': {
        const job = this.#running.get(message.job);
        this.#running.delete(message.job);
        job?.stream.fail(toError(message.failure));
        this.#dispatch();
        return;
      }
    }
  }

  /** The process is gone: fail what it was writing, keep what it had not begun, start another. */
  #gone(child: ChildProcess, how: string): void {
    if (!('child' in this.#state) || this.#state.child !== child) return;
    const wasReady = this.#state.name === 'ready';
    const wasHealthy = this.#state.name === 'ready' && Date.now() - this.#state.since >= HEALTHY_AFTER;
    this.#options.log.warn({ how, output: this.#lastOutput }, 'engine process ended');
    const survivors: Job[] = [];
    for (const job of this.#running.values()) {
      job.crashes++;
      if (!job.hasStarted && job.crashes < 2) survivors.push(job);
      else
        job.stream.fail(
          new GatewayError('engine_crashed', 'The embedded engine stopped while it wrote the answer.'),
        );
    }
    this.#running.clear();
    this.#queue = [...survivors, ...this.#queue];
    this.#failedStarts = wasHealthy ? 0 : this.#failedStarts + 1;
    const delay = RESTART_DELAYS[Math.min(this.#failedStarts, RESTART_DELAYS.length) - 1] ?? 0;
    if (delay === 0) {
      this.#spawn();
      return;
    }
    const reason = wasReady
      ? `the engine process ended (${how})`
      : `the engine could not load the model: ${this.#lastOutput.at(-1) ?? how}`;
    this.#failAll(
      new GatewayError('model_not_ready', `The embedded engine is not available: ${reason}.`, {
        retryAfterSeconds: RESTART_RETRY_AFTER,
      }),
    );
    const timer = setTimeout(() => {
      this.#spawn();
    }, delay);
    this.#state = { name: 'waiting', timer, reason };
  }

  #failAll(error: GatewayError): void {
    const jobs = [...this.#running.values(), ...this.#queue];
    this.#running.clear();
    this.#queue = [];
    for (const job of jobs) job.stream.fail(error);
  }
}

function toError(failure: GenerationFailure): GatewayError {
  switch (failure.kind) {
    case 'context-overflow':
      return new GatewayError(
        'context_length_exceeded',
        `The messages take ${failure.promptTokens} tokens, and this model's context is ${failure.contextSize} tokens, of which the answer needs some too. Shorten the messages, or configure a larger context_size.`,
        { param: 'messages' },
      );
    case 'unknown-token':
      return new GatewayError(
        'invalid_argument',
        `logit_bias names token ${failure.token}, which is not in this model's vocabulary.`,
        { param: 'logit_bias' },
      );
    case 'invalid-grammar':
      return new GatewayError('internal_error', 'The engine refused the grammar made for this request.', {
        cause: failure.message,
      });
    case 'internal':
      return new GatewayError('internal_error', 'The embedded engine failed while it wrote the answer.', {
        cause: failure.message,
      });
  }
}

const ENGINE_VARIABLES =
  /^(PATH|HOME|TMPDIR|TEMP|TMP|LANG|LC_|LD_|DYLD_|SYSTEMROOT|WINDIR|CUDA|HIP|ROCR|GGML_|VK_|OMP_)/i;

/** Secrets of the server are no business of native code. */
function engineEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => ENGINE_VARIABLES.test(name)));
}
