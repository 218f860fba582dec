import type { ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import { GatewayError } from '../../errors.ts';
import type { Readiness } from '../backend.ts';
import { EngineOutput } from './engine-output.ts';
import { JobStream } from './engine/job-stream.ts';
import type {
  EngineModel,
  EngineOptions,
  FromEngine,
  GenerationPlan,
  MediaEngineOptions,
  ToEngine,
} from './engine/protocol.ts';
import { spawnEngine, TEXT_ENGINE } from './spawn-engine.ts';
import { toGatewayFailure } from './to-gateway-failure.ts';

/** @typeParam Model what the kind of engine reports about a model */
export interface SupervisorOptions<Model = EngineModel> {
  readonly engine: EngineOptions | MediaEngineOptions;
  /** Requests that may wait for a slot. */
  readonly queueSize: number;
  readonly log: SupervisorLog;
  /** Called when a model is loaded, at first and after every restart. */
  readonly onLoaded?: (model: Model) => void;
  /** Script the process runs. @default the engine for text */
  readonly entry?: string;
  /** How long a cancelled job may go on before the process counts as hung, in milliseconds. @default a minute */
  readonly cancelTimeoutMs?: number;
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
  isCancelled: boolean;
  /** Runs from its cancellation until the engine has given up the slot. */
  cancelTimer?: NodeJS.Timeout;
}

/** Wait before the n-th restart in a row, in milliseconds: at once, then longer and longer. */
const RESTART_DELAYS = [0, 500, 1000, 2000, 5000, 10_000, 30_000];
/** The longest of these that requests wait through, in milliseconds. */
const LONGEST_WAIT_IN_QUEUE = 2000;
/** A process that lived this long was healthy, in milliseconds. */
const HEALTHY_AFTER = 10_000;
/** How long a client should wait for a restart, in seconds. */
const RESTART_RETRY_AFTER = 2;
/** How long the process may take to go when the server closes, in milliseconds. */
const CLOSE_TIMEOUT = 2000;
/** Many times what the longest step of an engine takes, in milliseconds. */
const CANCEL_TIMEOUT = 60_000;
/** Longest reason of a failed start that is shown. */
const MAX_REASON_LENGTH = 300;

type State<Model> =
  | { name: 'stopped' }
  | { name: 'starting'; child: ChildProcess }
  | { name: 'ready'; child: ChildProcess; model: Model; since: number }
  | { name: 'waiting'; timer: NodeJS.Timeout; reason: string; isBrief: boolean }
  | { name: 'closed' };

/**
 * Keeps one engine process running: starts it, hands it jobs, restarts it when it dies. What happens inside the
 * process cannot reach the server otherwise than as a failed job.
 */
export class EngineSupervisor<Model extends { readonly name: string } = EngineModel> {
  readonly #options: SupervisorOptions<Model>;
  readonly #running = new Map<number, Job>();
  #queue: Job[] = [];
  #nextJob = 1;
  #failedStarts = 0;
  #state: State<Model> = { name: 'stopped' };
  #output: EngineOutput;
  /** Why the model could not be loaded, in the engine's words. */
  #loadFailure: string | undefined;
  /** Why the last process ended; `undefined` once another has loaded the model. */
  #lastEnd: string | undefined;

  constructor(options: SupervisorOptions<Model>) {
    this.#options = options;
    this.#output = this.#listen();
  }

  start(): void {
    if (this.#state.name === 'stopped') this.#spawn();
  }

  get model(): Model | undefined {
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
      case 'starting': {
        const reason =
          this.#lastEnd === undefined
            ? 'the engine is loading the model'
            : `${this.#lastEnd}; it is being started again`;
        return { ready: false, reason, retryAfterSeconds: RESTART_RETRY_AFTER };
      }
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
    if ((this.#state.name === 'waiting' && !this.#state.isBrief) || this.#state.name === 'closed') {
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
    this.#queue.push({ id, plan, stream, hasStarted: false, crashes: 0, isCancelled: false });
    return stream;
  }

  #control(id: number, order: 'pause' | 'resume' | 'cancel'): void {
    const job = this.#running.get(id);
    if (job !== undefined) {
      this.#send({ type: order, job: id });
      if (order === 'cancel') this.#watchCancelled(job);
    } else if (order === 'cancel') this.#queue = this.#queue.filter((other) => other.id !== id);
  }

  /** An engine that does not react is hung: nothing but its end frees the slot. */
  #watchCancelled(job: Job): void {
    job.isCancelled = true;
    job.cancelTimer = setTimeout(() => {
      if (!('child' in this.#state) || !this.#running.has(job.id)) return;
      this.#options.log.warn({ pid: this.#state.child.pid }, 'engine does not react, ending it');
      this.#state.child.kill('SIGKILL');
    }, this.#options.cancelTimeoutMs ?? CANCEL_TIMEOUT);
    job.cancelTimer.unref();
  }

  /** Takes a job off the engine. */
  #release(id: number): Job | undefined {
    const job = this.#running.get(id);
    clearTimeout(job?.cancelTimer);
    this.#running.delete(id);
    return job;
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
    const printed = this.#listen();
    this.#output = printed;
    this.#loadFailure = undefined;
    const child = spawnEngine(this.#options.entry ?? TEXT_ENGINE);
    this.#state = { name: 'starting', child };
    child.on('message', (message: FromEngine<Model>) => {
      this.#receive(child, message);
    });
    child.on('error', (error) => {
      this.#gone(child, error.message);
    });
    // Not `exit`: what the process wrote last is still to be read then, and it may say why.
    child.on('close', (code, signal) => {
      this.#gone(child, signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
    for (const output of [child.stdout, child.stderr]) {
      output?.setEncoding('utf8');
      output?.on('data', (text: string) => {
        printed.push(text);
      });
    }
    this.#send({ type: 'load', options: this.#options.engine });
  }

  #listen(): EngineOutput {
    return new EngineOutput((line) => this.#options.log.debug({ engine: line }, 'engine output'));
  }

  #receive(child: ChildProcess, message: FromEngine<Model>): void {
    if (!('child' in this.#state) || this.#state.child !== child) return;
    switch (message.type) {
      case 'loaded':
        this.#output.beginRequests();
        this.#state = { name: 'ready', child, model: message.model, since: Date.now() };
        this.#lastEnd = undefined;
        this.#options.log.info({ model: message.model.name, pid: child.pid }, 'engine ready');
        this.#options.onLoaded?.(message.model);
        this.#dispatch();
        return;
      case 'load-failed':
        this.#loadFailure = message.message;
        // It ends by itself after a last word about the cause; should it not, it is ended.
        setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT).unref();
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
        this.#release(message.job)?.stream.push(message);
        this.#dispatch();
        return;
      }
      case 'failed': {
        this.#release(message.job)?.stream.fail(toGatewayFailure(message.failure));
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
    this.#lastEnd = wasReady ? `the engine process ended (${how})` : this.#describeFailedStart(how);
    this.#options.log.warn({ how, reason: this.#lastEnd, output: this.#output.last }, 'engine process ended');
    this.#queue = [...this.#takeSurvivors(), ...this.#queue];
    this.#failedStarts = wasHealthy ? 0 : this.#failedStarts + 1;
    const delay = RESTART_DELAYS[Math.min(this.#failedStarts, RESTART_DELAYS.length) - 1] ?? 0;
    if (delay === 0) {
      this.#spawn();
      return;
    }
    const timer = setTimeout(() => {
      this.#spawn();
    }, delay);
    // A model that was loaded before will be again: requests may wait for it, unless it takes long.
    const isBrief = wasReady && delay <= LONGEST_WAIT_IN_QUEUE;
    this.#state = { name: 'waiting', timer, reason: this.#lastEnd, isBrief };
    if (isBrief) return;
    this.#failAll(
      new GatewayError('model_not_ready', `The embedded engine is not available: ${this.#lastEnd}.`, {
        retryAfterSeconds: RESTART_RETRY_AFTER,
      }),
    );
  }

  /** Empties the list of running jobs: those the engine had begun fail, the others get a second chance, and no third. */
  #takeSurvivors(): Job[] {
    const survivors: Job[] = [];
    for (const { id } of this.#running.values()) {
      const job = this.#release(id);
      if (job === undefined || job.isCancelled) continue;
      job.crashes++;
      if (!job.hasStarted && job.crashes < 2) survivors.push(job);
      else {
        job.stream.fail(
          new GatewayError('engine_crashed', 'The embedded engine stopped while it wrote the answer.'),
        );
      }
    }
    return survivors;
  }

  #describeFailedStart(how: string): string {
    const { modelPath } = this.#options.engine;
    const details = this.#output.last.flatMap((line) => /error[^:]*: (.+)/i.exec(line)?.[1] ?? []);
    const why = [this.#loadFailure ?? how, ...details.slice(0, 1)].join(': ');
    const printable = why.replaceAll(modelPath, basename(modelPath)).replaceAll(/\p{Cc}+/gu, ' ');
    return `the engine could not load ${basename(modelPath)}: ${printable.slice(0, MAX_REASON_LENGTH)}`;
  }

  #failAll(error: GatewayError): void {
    const jobs = [...this.#running.values(), ...this.#queue];
    for (const { id } of jobs) this.#release(id);
    this.#queue = [];
    for (const job of jobs) job.stream.fail(error);
  }
}
