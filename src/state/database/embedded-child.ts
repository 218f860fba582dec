import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inTime } from '../in-time.ts';
import type { SqlValue } from './database.ts';
import type { EmbeddedOrder, EmbeddedOutcome } from './embedded-protocol.ts';

/** What the database said about a statement. */
class EmbeddedFailure extends Error {
  override readonly name = 'EmbeddedFailure';
  /** SQLSTATE. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/** Many times what anything takes. A process that takes longer is ended, and another one takes its place. */
const ORDER_LIMIT = 60_000;

/** For making the data on a slow machine, or for reading a long log. */
const OPEN_LIMIT = 300_000;

/**
 * The process of the embedded database, which has the data open. It takes one order at a time. It does not keep the
 * server alive, an order does.
 */
export class EmbeddedChild {
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  #current: PromiseWithResolvers<EmbeddedOutcome> | undefined;
  #end: Error | undefined;

  private constructor() {
    this.#process = fork(processEntry(), [], {
      // Without the server's secrets, which are in its environment.
      env: {},
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#process.on('message', (outcome: EmbeddedOutcome) => {
      this.#current?.resolve(outcome);
    });
    this.#exited = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#fail(new Error(`the process of the embedded database has ended: ${how}`));
        resolve();
      };
      this.#process.once('error', (error) => {
        end(error.message);
      });
      this.#process.once('exit', (code, signal) => {
        end(signal === null ? `exit code ${code}` : `killed by ${signal}`);
      });
    });
  }

  /**
   * @param folder absolute; the data are made where there are none
   * @throws {Error} whose message says what to do
   */
  static async open(folder: string): Promise<EmbeddedChild> {
    const child = new EmbeddedChild();
    const outcome = await child.#perform({ kind: 'open', folder }).catch(async (error: Error) => {
      await child.kill();
      throw new Error(
        `The embedded database in ${folder} cannot be opened: ${error.message}. ` +
          'If it is damaged, move the folder away to begin with an empty one, or put a copy of it back.',
        { cause: error },
      );
    });
    if (outcome.kind === 'opened') return child;
    await child.kill();
    if (outcome.kind !== 'in-use') return await EmbeddedChild.open(folder);
    throw new Error(
      `${folder} is in use by ${outcome.holder}: the embedded database serves one Parlance at a time. ` +
        'Stop that one first, or let both use a Postgres server.',
    );
  }

  /** Whether it can take another order. */
  get isAlive(): boolean {
    return this.#end === undefined;
  }

  /** @throws {EmbeddedFailure} for what the database refuses; another error when the process has ended */
  async query(sql: string, parameters: readonly SqlValue[]): Promise<readonly object[]> {
    const outcome = await this.#perform({ kind: 'query', sql, parameters });
    return outcome.kind === 'rows' ? outcome.rows : [];
  }

  /** Closes the data in good order and ends the process. */
  async close(): Promise<void> {
    try {
      await this.#perform({ kind: 'close' });
    } finally {
      await this.kill();
    }
  }

  /** Ends the process wherever it is. What was answered is in the log of the database. */
  async kill(): Promise<void> {
    this.#process.ref();
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  async #perform(order: EmbeddedOrder): Promise<EmbeddedOutcome> {
    if (this.#end !== undefined) throw this.#end;
    const current = Promise.withResolvers<EmbeddedOutcome>();
    this.#current = current;
    this.#process.ref();
    this.#process.channel?.ref();
    this.#process.send(order, (error) => {
      if (error !== null) current.reject(error);
    });
    const limit = order.kind === 'open' ? OPEN_LIMIT : ORDER_LIMIT;
    try {
      const outcome = await inTime(current.promise, limit, () => new Error('no answer in time'));
      if (outcome.kind === 'failed') throw new EmbeddedFailure(outcome.message, outcome.code);
      return outcome;
    } catch (error) {
      if (!(error instanceof EmbeddedFailure)) await this.kill();
      throw error;
    } finally {
      this.#process.unref();
      this.#process.channel?.unref();
    }
  }

  #fail(error: Error): void {
    this.#end = error;
    this.#current?.reject(error);
  }
}

/** The sources of a checkout run as they are, an installed package has them compiled. */
function processEntry(): string {
  const self = fileURLToPath(import.meta.url);
  return fileURLToPath(new URL(`./embedded-process${extname(self)}`, import.meta.url));
}
