import { hash } from 'node:crypto';
import type { RedisClientType } from '@redis/client';
import { inTime } from '../in-time.ts';

export interface RedisOptions {
  /** `redis://user:password@host:port/database`, or `rediss://` for TLS. It is never part of a message. */
  readonly url: string;
  /** Told when the connection is lost; it is made again by itself. */
  readonly onError: (error: unknown) => void;
}

/** How long the connection may take to come about at the start, in milliseconds. */
const CONNECT_LIMIT = 5000;

/** How long a script may wait for its answer, in milliseconds. */
const COMMAND_LIMIT = 2000;
const MAX_RECONNECT_DELAY = 2000;

export interface ScriptCall {
  readonly keys: readonly string[];
  readonly arguments: readonly string[];
}

/** A script, and the name Redis knows it by. */
export class RedisScript {
  readonly text: string;
  readonly sha: string;

  constructor(text: string) {
    this.text = text;
    this.sha = hash('sha1', text);
  }
}

/** A connection to a Redis server that runs scripts. */
export class RedisConnection {
  readonly #client: RedisClientType;

  private constructor(client: RedisClientType) {
    this.#client = client;
  }

  /** @throws {Error} that says which server cannot be used, without its credentials */
  static async open({ url, onError }: RedisOptions): Promise<RedisConnection> {
    // Loaded here: a server without Redis has no use for it.
    const { createClient } = await import('@redis/client');
    let client: RedisClientType | undefined;
    let latest: unknown;
    try {
      client = createClient({
        url,
        // What Redis 5 and what speaks its protocol knows too.
        RESP: 2,
        name: 'parlance',
        // While it is not there callers are told so at once, instead of waiting for it.
        disableOfflineQueue: true,
        socket: {
          connectTimeout: CONNECT_LIMIT,
          reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, MAX_RECONNECT_DELAY),
        },
      }) as unknown as RedisClientType;
      client.on('error', (error: unknown) => {
        latest = error;
        onError(error);
      });
      await inTime(client.connect(), CONNECT_LIMIT, () => new Error('it did not answer in time'));
      return new RedisConnection(client);
    } catch (error) {
      client?.destroy();
      throw new Error(`Redis ${describeServer(url)} cannot be used: ${reason(latest ?? error)}`, {
        cause: error,
      });
    }
  }

  async run(script: RedisScript, call: ScriptCall): Promise<unknown> {
    const options = { keys: [...call.keys], arguments: [...call.arguments] };
    try {
      return await answered(this.#client.evalSha(script.sha, options));
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await answered(this.#client.eval(script.text, options));
    }
  }

  async close(): Promise<void> {
    if (this.#client.isReady) await this.#client.close();
    else this.#client.destroy();
  }
}

/** The client's own limit ends with the sending of a command. */
async function answered<Result>(reply: Promise<Result>): Promise<Result> {
  return await inTime(reply, COMMAND_LIMIT, () => new Error('Redis did not answer in time'));
}

function describeServer(url: string): string {
  const parsed = URL.parse(url);
  // With a slash in it, a password becomes a path.
  return parsed === null || parsed.pathname.includes('@') ? 'server' : `at ${parsed.host}`;
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ');
  return error instanceof Error ? error.message : String(error);
}
