import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { isEmail } from './account-names.ts';
import { parseObject } from './json-web-token.ts';
import { folderError, type LocalFolder } from './local-folder.ts';
import { readRsaKey } from './local-keys.ts';

/** The public half of a service account's key. */
export interface RegisteredKey {
  readonly keyId: string;
  readonly email: string;
  readonly publicKey: KeyObject;
}

/** Somebody with a refresh token. */
export interface RegisteredUser {
  readonly email: string;
  readonly clientId: string;
}

/** What a user's client shows to get access tokens. */
export interface UserCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
}

/** Key ids are Google's: 40 hex digits. Also what keeps the id a client sends from being a path. */
const KEY_ID = /^[0-9a-f]{40}$/;
const KEY_FILE = /^key-([0-9a-f]{40})\.json$/;

/**
 * Who may sign in locally: one file each, read when it is asked for. A new one is known at once, a deleted one no more.
 * None holds anything to sign in with: of a key there is the public half, of a refresh token the hash.
 *
 * Every method throws {@link GatewayError} `internal_error` when the folder cannot be used.
 */
export class LocalRegistry {
  readonly #folder: LocalFolder;

  constructor(folder: LocalFolder) {
    this.#folder = folder;
  }

  async addKey({ keyId, email, publicKey }: RegisteredKey): Promise<void> {
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    await this.#add(`key-${keyId}.json`, { client_email: email, public_key: pem });
  }

  /** For a key whose file could not be handed over. */
  async removeKey(keyId: string): Promise<void> {
    await this.#folder.remove(`key-${keyId}.json`);
  }

  async findKey(keyId: string): Promise<RegisteredKey | undefined> {
    if (!KEY_ID.test(keyId)) return undefined;
    const json = await this.#read(`key-${keyId}.json`);
    if (json === undefined) return undefined;
    const { client_email: email, public_key: pem } = json;
    const publicKey = typeof pem === 'string' ? readRsaKey(() => createPublicKey(pem)) : undefined;
    if (typeof email !== 'string' || !isEmail(email) || publicKey === undefined) {
      throw this.#damaged(`key-${keyId}.json`);
    }
    return { keyId, email, publicKey };
  }

  /** All keys of one account. */
  async keysOf(email: string): Promise<readonly RegisteredKey[]> {
    const ids = (await this.#folder.list()).flatMap((name) => KEY_FILE.exec(name)?.[1] ?? []);
    const keys = await Promise.all(ids.map((id) => this.findKey(id)));
    return keys.filter((key) => key?.email === email) as RegisteredKey[];
  }

  async addUser(email: string, credentials: UserCredentials): Promise<void> {
    await this.#add(userFile(credentials.refreshToken), {
      email,
      client_id: credentials.clientId,
      client_secret_sha256: hash('sha256', credentials.clientSecret),
    });
  }

  async removeUser(refreshToken: string): Promise<void> {
    await this.#folder.remove(userFile(refreshToken));
  }

  /** @returns `undefined` unless all three belong together */
  async findUser({
    clientId,
    clientSecret,
    refreshToken,
  }: UserCredentials): Promise<RegisteredUser | undefined> {
    // Found by its hash: how long it takes says nothing about the token.
    const name = userFile(refreshToken);
    const json = await this.#read(name);
    if (json === undefined) return undefined;
    const { email, client_id: knownId, client_secret_sha256: knownSecret } = json;
    if (typeof email !== 'string' || !isEmail(email)) throw this.#damaged(name);
    const isTheirs = knownId === clientId && knownSecret === hash('sha256', clientSecret);
    return isTheirs ? { email, clientId } : undefined;
  }

  async #add(name: string, json: JsonObject): Promise<void> {
    if (await this.#folder.create(name, `${JSON.stringify(json, undefined, 2)}\n`)) return;
    throw folderError(`${this.#folder.path}/${name} exists already.`);
  }

  async #read(name: string): Promise<JsonObject | undefined> {
    const text = await this.#folder.read(name);
    if (text === undefined) return undefined;
    const json = parseObject(Buffer.from(text));
    if (json === undefined) throw this.#damaged(name);
    return json;
  }

  #damaged(name: string): Error {
    return folderError(
      `${this.#folder.path}/${name} is damaged. Delete it, and create a new credentials file with \`parlance auth local\`.`,
    );
  }
}

function userFile(refreshToken: string): string {
  return `user-${hash('sha256', refreshToken)}.json`;
}
