import { GatewayError } from '../../../errors.ts';
import type { CheckOrder, CheckOutcome } from './check-protocol.ts';
import { CheckFailure, CheckThread } from './check-thread.ts';
import type { SchemaVerdict } from './schema-verdict.ts';

export interface SchemaCheckerOptions {
  /** Checks that may wait for the one under way. @default 256 */
  readonly queueSize?: number;
  /** How long one check may take, in milliseconds. @default 1000 */
  readonly timeLimitMs?: number;
  /** Script the thread runs. @default the one beside this file */
  readonly entry?: string;
}

export type JsonSchema = Readonly<Record<string, unknown>> | boolean;

interface Job {
  readonly order: CheckOrder;
  readonly resolve: (outcome: CheckOutcome) => void;
  readonly reject: (reason: unknown) => void;
}

const QUEUE_SIZE = 256;
const TIME_LIMIT = 1000;
/** Longest answer and longest schema, in UTF-16 code units: many times what any model writes or a request holds. */
const MAX_TEXT = 2 * 1024 * 1024;

/** Where the schema stands in a request, for messages. */
const SCHEMA_PATH = 'response_format.json_schema.schema';

/**
 * Holds answers against the JSON Schemas of clients, drafts 4 to 2020-12. Both may be hostile, a pattern alone can
 * take a regular expression years: so the work is done in a thread of its own, under limits of time and memory, and a
 * thread that passes them is replaced.
 */
export class SchemaChecker {
  readonly #options: SchemaCheckerOptions;
  readonly #queue: Job[] = [];
  #running: Job | undefined;
  #thread: CheckThread | undefined;
  #isClosed = false;

  constructor(options: SchemaCheckerOptions = {}) {
    this.#options = options;
  }

  /**
   * Whether the text of an answer is JSON that matches `schema`. A Markdown fence around it is left aside.
   *
   * @throws {GatewayError} `unsupported_schema` when the schema itself cannot be used or takes too long to check,
   *   `schema_mismatch` when the answer is too long for any check, `overloaded` when too many checks wait or the
   *   checker is closed, `internal_error` when the thread fails
   * @throws the signal's reason
   */
  async check(text: string, schema: JsonSchema, signal?: AbortSignal): Promise<SchemaVerdict> {
    if (text.length > MAX_TEXT) {
      throw new GatewayError(
        'schema_mismatch',
        `The model's answer has ${text.length} characters, too many to be checked against ${SCHEMA_PATH}. Limit its length with max_completion_tokens.`,
      );
    }
    const outcome = await this.#perform({ schema: textOf(schema), text }, signal);
    if (outcome.kind === 'verdict') return outcome.verdict;
    throw failureOf(outcome);
  }

  /**
   * Finds out whether a schema can be used at all, before anything is sent.
   *
   * @throws {GatewayError} as {@link check} does
   * @throws the signal's reason
   */
  async assertUsable(schema: JsonSchema, signal?: AbortSignal): Promise<void> {
    const outcome = await this.#perform({ schema: textOf(schema) }, signal);
    if (outcome.kind !== 'usable') throw failureOf(outcome);
  }

  /** Ends the thread. Checks that wait or are under way fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const jobs = [...(this.#running === undefined ? [] : [this.#running]), ...this.#queue.splice(0)];
    for (const job of jobs) job.reject(shuttingDown());
    await this.#thread?.stop();
  }

  async #perform(order: CheckOrder, signal: AbortSignal | undefined): Promise<CheckOutcome> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw shuttingDown();
    if (this.#queue.length >= (this.#options.queueSize ?? QUEUE_SIZE)) {
      throw new GatewayError(
        'overloaded',
        `${this.#queue.length} answers wait to be checked against their schemas. Try again shortly.`,
        { retryAfterSeconds: 1 },
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<CheckOutcome>();
    const job = { order, resolve, reject };
    const onAbort = (): void => {
      const at = this.#queue.indexOf(job);
      if (at !== -1) this.#queue.splice(at, 1);
      // A check under way goes on to its end: that is cheaper than another thread.
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(job);
    if (this.#running === undefined) void this.#work();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** One job after the other until none is left. Never rejects. */
  async #work(): Promise<void> {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      this.#running = job;
      try {
        job.resolve(await this.#aliveThread().perform(job.order));
      } catch (error) {
        job.reject(this.#failureOfThread(error));
        // The next one starts when this one is gone: however many hostile schemas come, they have one thread.
        await this.#thread?.stop();
      }
    }
    this.#running = undefined;
  }

  #aliveThread(): CheckThread {
    if (this.#thread?.isAlive !== true) {
      this.#thread = new CheckThread(this.#options.timeLimitMs ?? TIME_LIMIT, this.#options.entry);
    }
    return this.#thread;
  }

  #failureOfThread(error: unknown): GatewayError {
    const kind = error instanceof CheckFailure ? error.kind : 'crashed';
    switch (kind) {
      case 'too-slow':
        return unusable(
          `takes longer than ${this.#options.timeLimitMs ?? TIME_LIMIT} ms to be checked. Simplify its patterns and its references.`,
          error,
        );
      case 'too-much-memory':
        return unusable(
          'takes too much memory to be checked. Simplify its references and alternatives.',
          error,
        );
      case 'stopped':
        return shuttingDown();
      case 'crashed':
        return new GatewayError(
          'internal_error',
          `The check of the answer against ${SCHEMA_PATH} failed. Send the request again.`,
          { cause: error },
        );
    }
  }
}

/** @throws {GatewayError} `unsupported_schema` */
function textOf(schema: JsonSchema): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(schema);
  } catch (error) {
    // The call stack is full.
    throw unusable('nests too deeply to be checked.', error);
  }
  if (text.length > MAX_TEXT) throw unusable('is too large to be checked.');
  return text;
}

function failureOf(outcome: CheckOutcome): GatewayError {
  if (outcome.kind === 'unusable') return unusable(`cannot be used: ${outcome.message}.`);
  return new GatewayError('internal_error', `The check of the answer against ${SCHEMA_PATH} failed.`, {
    cause: new Error(outcome.kind === 'failed' ? outcome.message : 'unexpected outcome'),
  });
}

/** @param problem goes on from the schema's name */
function unusable(problem: string, cause?: unknown): GatewayError {
  return new GatewayError('unsupported_schema', `${SCHEMA_PATH} ${problem}`, { param: SCHEMA_PATH, cause });
}

function shuttingDown(): GatewayError {
  return new GatewayError('overloaded', 'The server is shutting down.', { retryAfterSeconds: 1 });
}
