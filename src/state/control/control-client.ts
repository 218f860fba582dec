import { request as requestHttp, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import type { KeyAdmin } from '../keys/key-admin.ts';
import type { CreatedKey, NewKey } from '../keys/key-store.ts';
import type { StoredKey } from '../keys/stored-key.ts';
import type { StateAdmin } from '../state-admin.ts';
import type { UsageQuery, UsageReader, UsageTotal } from '../usage/usage-totals.ts';
import type { WrittenKey, WrittenUsageQuery } from './control-server.ts';

/** Nobody listens on the socket: no server has the database. */
export class NobodyListens extends Error {
  override readonly name = 'NobodyListens';
}

/** How long the server may take, in milliseconds. */
const ANSWER_LIMIT = 15_000;

/** How long a report may take, which reads all rows of its time. */
const REPORT_LIMIT = 600_000;

/** Codes of a socket that is not there, or that a killed process left behind. */
const NOBODY: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED']);

/** What the server keeps that listens on a control socket. Every call throws {@link NobodyListens} when there is none. */
export class ControlClient implements StateAdmin {
  readonly keys: KeyAdmin;
  readonly usage: UsageReader;

  constructor(socketPath: string) {
    this.keys = new RemoteKeys(socketPath);
    this.usage = new RemoteUsage(socketPath);
  }
}

class RemoteKeys implements KeyAdmin {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async create({ name, policy, expiresAt }: NewKey): Promise<CreatedKey> {
    const written: WrittenKey = {
      name,
      ...(policy && { policy }),
      ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
    };
    return (await this.#ask('POST', '/keys', written)) as CreatedKey;
  }

  async list(): Promise<readonly StoredKey[]> {
    return ((await this.#ask('GET', '/keys')) as readonly SentKey[]).map(toStoredKey);
  }

  async revoke(id: string): Promise<StoredKey | undefined> {
    const { key } = (await this.#ask('POST', '/keys/revoke', { id })) as { key?: SentKey };
    return key && toStoredKey(key);
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    return await ask({ socketPath: this.#socketPath, method, path, timeout: ANSWER_LIMIT }, body);
  }
}

class RemoteUsage implements UsageReader {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async totals({ from, to, ...query }: UsageQuery): Promise<readonly UsageTotal[]> {
    const written: WrittenUsageQuery = { ...query, from: from?.toISOString(), to: to?.toISOString() };
    const where = { socketPath: this.#socketPath, method: 'POST', path: '/usage', timeout: REPORT_LIMIT };
    return (await ask(where, written)) as readonly UsageTotal[];
  }
}

/** @throws {Error} that says what the server says is wrong */
async function ask(options: RequestOptions, body?: object): Promise<unknown> {
  const { status, content } = await exchange(options, body === undefined ? '' : JSON.stringify(body));
  const answer: unknown = JSON.parse(content);
  if (status === 200) return answer;
  throw new Error((answer as { message: string }).message);
}

function exchange(
  options: RequestOptions,
  body: string,
): Promise<{ status: number | undefined; content: string }> {
  return new Promise((resolve, reject) => {
    // A connection of its own: one that was kept might be to a server that has ended meanwhile.
    const request = requestHttp({ ...options, agent: false }, (response) => {
      const { statusCode: status } = response;
      resolve(text(response).then((content) => ({ status, content })));
    });
    request.once('timeout', () => {
      request.destroy(new Error('The server does not answer on its control socket.'));
    });
    request.once('error', (error: NodeJS.ErrnoException) => {
      reject(NOBODY.has(error.code) ? new NobodyListens(error.message) : error);
    });
    request.end(body);
  });
}

/** A key as it travels: dates are texts. */
interface SentKey extends Omit<StoredKey, 'createdAt' | 'expiresAt' | 'revokedAt' | 'lastUsedAt'> {
  readonly createdAt: string;
  readonly expiresAt?: string;
  readonly revokedAt?: string;
  readonly lastUsedAt?: string;
}

function toStoredKey({ createdAt, expiresAt, revokedAt, lastUsedAt, ...key }: SentKey): StoredKey {
  return {
    ...key,
    createdAt: new Date(createdAt),
    expiresAt: readDate(expiresAt),
    revokedAt: readDate(revokedAt),
    lastUsedAt: readDate(lastUsedAt),
  };
}

function readDate(written: string | undefined): Date | undefined {
  return written === undefined ? undefined : new Date(written);
}
