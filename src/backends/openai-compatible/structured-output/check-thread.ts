import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { CheckOrder, CheckOutcome, FromChecker } from './check-protocol.ts';

/** Why an order has no outcome. */
export type CheckFailureKind = 'too-slow' | 'too-much-memory' | 'crashed' | 'stopped';

export class CheckFailure extends Error {
  override readonly name = 'CheckFailure';
  readonly kind: CheckFailureKind;

  constructor(kind: CheckFailureKind, cause?: unknown) {
    super(`the check of an answer has ended: ${kind}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** How long the thread may take to load its modules, in milliseconds: many times what it does on a busy machine. */
const START_LIMIT = 20_000;

/** Many times what a check takes, and little enough for any host. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 };

/**
 * One thread that checks one answer at a time. It does not keep the process alive, a check does. After a failure
 * it is of no more use.
 */
export class CheckThread {
  readonly #worker: Worker;
  readonly #timeLimit: number;
  readonly #ready = Promise.withResolvers<void>();
  #current: PromiseWithResolvers<CheckOutcome> | undefined;
  #failure: CheckFailure | undefined;

  /**
   * @param timeLimit how long one check may take, in milliseconds
   * @param entry the script it runs
   */
  constructor(timeLimit: number, entry: string = checkerEntry()) {
    this.#timeLimit = timeLimit;
    // Without the server's secrets, which are in its environment.
    this.#worker = new Worker(entry, { env: {}, execArgv: [], resourceLimits: RESOURCE_LIMITS });
    this.#ready.promise.catch(() => {});
    this.#worker.on('message', (message: FromChecker) => {
      if (message.kind === 'ready') this.#begin();
      else this.#current?.resolve(message);
    });
    this.#worker.on('error', (error: Error & { code?: string }) => {
      const isFull = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#fail(new CheckFailure(isFull ? 'too-much-memory' : 'crashed', error));
    });
    this.#worker.on('exit', () => {
      this.#fail(new CheckFailure('crashed'));
    });
  }

  /** Whether it can take another order. */
  get isAlive(): boolean {
    return this.#failure === undefined;
  }

  /**
   * One at a time. The limit on its time runs from the moment the thread can begin.
   *
   * @throws {CheckFailure}
   */
  async perform(order: CheckOrder): Promise<CheckOutcome> {
    if (this.#failure !== undefined) throw this.#failure;
    await within(this.#ready.promise, START_LIMIT, 'crashed');
    const current = Promise.withResolvers<CheckOutcome>();
    this.#current = current;
    this.#worker.postMessage(order, []);
    return await within(current.promise, this.#timeLimit, 'too-slow');
  }

  /** Ends the thread wherever it is. An order under way fails. */
  async stop(): Promise<void> {
    this.#fail(new CheckFailure('stopped'));
    await this.#worker.terminate();
  }

  #begin(): void {
    // Earlier it has no effect: the thread's start takes it back.
    this.#worker.unref();
    this.#ready.resolve();
  }

  #fail(failure: CheckFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#ready.reject(failure);
    this.#current?.reject(failure);
  }
}

/** @throws {CheckFailure} of the given kind when `promise` takes longer than `limit` milliseconds */
async function within<Result>(
  promise: Promise<Result>,
  limit: number,
  kind: CheckFailureKind,
): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    // Where the server's own thread was held up, the outcome may be here already: it is read first.
    setImmediate(() => {
      late.reject(new CheckFailure(kind));
    });
  }, limit);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The sources of a checkout run as they are, an installed package has them compiled. */
function checkerEntry(): string {
  const self = fileURLToPath(import.meta.url);
  return fileURLToPath(new URL(`./check-worker${extname(self)}`, import.meta.url));
}
