import { timingSafeEqual } from 'node:crypto';
import type { CallerPolicy } from '../../caller-policy.ts';
import { GatewayError } from '../../errors.ts';
import { randomBase62 } from '../../ids.ts';
import { LruMap } from '../../lru-map.ts';
import type { Queryable } from '../database/database.ts';
import { inTime } from '../in-time.ts';
import { hashOfKey, isApiKey, newApiKey, prefixOfKey } from './api-key.ts';
import { KeyCache } from './key-cache.ts';
import { type KeyRow, type StoredKey, toStoredKey } from './stored-key.ts';

export interface NewKey {
  /** For people; need not be unique. */
  readonly name: string;
  /** @default everything is allowed, without limits */
  readonly policy?: CallerPolicy;
  /** @default never */
  readonly expiresAt?: Date | undefined;
}

export interface CreatedKey {
  readonly id: string;
  /** The only time it is there to be seen. */
  readonly key: string;
}

/** A key that was presented and exists. */
export interface FoundKey {
  readonly status: 'valid' | 'expired' | 'revoked';
  readonly key: StoredKey;
}

export interface KeyStoreOptions {
  /** Told when it could not be written down that a key was used. */
  readonly onError?: (error: unknown) => void;
  /** Wall clock, in milliseconds. @default Date.now */
  readonly now?: () => number;
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly clock?: () => number;
}

const ID_CHARACTERS = 16;

/** How long after the last time it is written down again that a key was used, in milliseconds. */
const USE_INTERVAL = 60_000;
const MAX_USES = 10_000;

/** How long the database may take to find keys, in milliseconds. */
const FIND_LIMIT = 5000;

/** What a key is compared with when there is none: the work is the same. */
const NO_HASH = hashOfKey('');

/** The keys of this server. */
export class KeyStore {
  readonly #database: Queryable;
  readonly #onError: (error: unknown) => void;
  readonly #now: () => number;
  readonly #cache: KeyCache;
  /** When each key's use was last written down, by id. */
  readonly #uses = new LruMap<number>({ maxEntries: MAX_USES });

  constructor(database: Queryable, options: KeyStoreOptions = {}) {
    this.#database = database;
    this.#onError = options.onError ?? (() => {});
    this.#now = options.now ?? Date.now;
    this.#cache = new KeyCache({
      load: (hashes) => this.#load(hashes),
      clock: options.clock ?? (() => performance.now()),
    });
  }

  async create({ name, policy = {}, expiresAt }: NewKey): Promise<CreatedKey> {
    const id = `key_${randomBase62(ID_CHARACTERS)}`;
    const key = newApiKey();
    await this.#database.query(
      `insert into parlance.api_keys (id, name, prefix, hash, policy, created_at, expires_at)
       values ($1, $2, $3, $4, $5::jsonb, $6::timestamptz, $7::timestamptz)`,
      [
        id,
        name,
        prefixOfKey(key),
        hashOfKey(key),
        JSON.stringify(policy),
        this.#timestamp(),
        expiresAt?.toISOString() ?? null,
      ],
    );
    return { id, key };
  }

  /** All keys, revoked and expired ones too, oldest first. */
  async list(): Promise<readonly StoredKey[]> {
    const rows = await this.#database.query<KeyRow>(
      'select * from parlance.api_keys order by created_at, id',
    );
    return rows.map(toStoredKey);
  }

  /**
   * Ends a key: on this replica at once, on others within ten seconds.
   *
   * @returns the key; `undefined` when there is none with this id. One that was revoked before keeps its date.
   */
  async revoke(id: string): Promise<StoredKey | undefined> {
    const [row] = await this.#database.query<KeyRow>(
      `update parlance.api_keys set revoked_at = coalesce(revoked_at, $2::timestamptz)
       where id = $1 returning *`,
      [id, this.#timestamp()],
    );
    this.#cache.clear();
    return row === undefined ? undefined : toStoredKey(row);
  }

  /**
   * Looks for a key a client presents. Any wrong key costs the same, whatever its beginning: what is looked for is the
   * hash of all of it, and only keys that were found are remembered.
   *
   * @returns `undefined` when there is no such key
   * @throws {GatewayError} `overloaded` when the database does not answer
   */
  async find(key: string): Promise<FoundKey | undefined> {
    if (!isApiKey(key)) return undefined;
    const hash = hashOfKey(key);
    const row = await this.#lookUp(hash);
    const isSame = timingSafeEqual(Buffer.from(row?.hash ?? NO_HASH), Buffer.from(hash));
    if (row === undefined || !isSame) return undefined;
    const status = this.#statusOf(row);
    if (status === 'valid') this.#noteUse(row);
    return { status, key: toStoredKey(row) };
  }

  async #lookUp(hash: string): Promise<KeyRow | undefined> {
    try {
      return await this.#cache.find(hash);
    } catch (error) {
      throw new GatewayError(
        'overloaded',
        'The key cannot be checked now: the database of keys does not answer. Try again in a moment.',
        { retryAfterSeconds: 1, cause: error },
      );
    }
  }

  async #load(hashes: readonly string[]): Promise<readonly KeyRow[]> {
    const rows = this.#database.query<KeyRow>(
      `select * from parlance.api_keys
       where hash in (select jsonb_array_elements_text($1::jsonb))`,
      [JSON.stringify(hashes)],
    );
    return await inTime(rows, FIND_LIMIT, () => new Error('no answer in time'));
  }

  #statusOf(row: KeyRow): FoundKey['status'] {
    if (row.revoked_at !== null) return 'revoked';
    return row.expires_at !== null && row.expires_at.getTime() <= this.#now() ? 'expired' : 'valid';
  }

  /** Nobody waits for it. */
  #noteUse(row: KeyRow): void {
    const now = this.#now();
    const last = Math.max(this.#uses.get(row.id) ?? 0, row.last_used_at?.getTime() ?? 0);
    if (now - last < USE_INTERVAL) return;
    this.#uses.set(row.id, now);
    this.#database
      .query(
        `update parlance.api_keys set last_used_at = $2::timestamptz
         where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz)`,
        [row.id, this.#timestamp()],
      )
      .catch(this.#onError);
  }

  #timestamp(): string {
    return new Date(this.#now()).toISOString();
  }
}
