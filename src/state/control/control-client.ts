import { request as requestHttp, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import type { KeyAdmin } from '../keys/key-admin.ts';
import type { CreatedKey, NewKey } from '../keys/key-store.ts';
import type { StoredKey } from '../keys/stored-key.ts';
import type { WrittenKey } from './control-server.ts';

/** Nobody listens on the socket: no server has the database. */
export class NobodyListens extends Error {
  override readonly name = 'NobodyListens';
}

/** How long the server may take, in milliseconds. */
const ANSWER_LIMIT = 15_000;

/** Codes of a socket that is not there, or that a killed process left behind. */
const NOBODY: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED']);

/** The keys of the server that listens on a control socket. Every call throws {@link NobodyListens} when there is none. */
export class ControlClient implements KeyAdmin {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
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

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const { status, content } = await exchange(
      { socketPath: this.#path, method, path, timeout: ANSWER_LIMIT },
      body === undefined ? '' : JSON.stringify(body),
    );
    const answer: unknown = JSON.parse(content);
    if (status === 200) return answer;
    throw new Error((answer as { message: string }).message);
  }
}

function exchange(
  options: RequestOptions,
  body: string,
): Promise<{ status: number | undefined; content: string }> {
  return new Promise((resolve, reject) => {
    const request = requestHttp(options, (response) => {
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
