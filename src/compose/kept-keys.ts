import type { LoadedConfig } from '../config/load.ts';
import type { Log } from '../observability/log.ts';
import { ControlClient, NobodyListens } from '../state/control/control-client.ts';
import { controlPath } from '../state/control/control-path.ts';
import { type ControlServer, serveControl } from '../state/control/control-server.ts';
import type { Database } from '../state/database/database.ts';
import { openDatabase } from '../state/database/open-database.ts';
import type { KeyAdmin } from '../state/keys/key-admin.ts';
import { type FoundKey, KeyStore } from '../state/keys/key-store.ts';
import { GatewayError } from '../errors.ts';

type KeysConfig = Pick<LoadedConfig, 'auth' | 'state' | 'home'>;

/** Whether the server looks for keys in a database: unless the configuration lists them and names none. */
export function usesKeptKeys({ auth, state }: Pick<LoadedConfig, 'auth' | 'state'>): boolean {
  const isMode = Object.values(auth.routes).some((modes) => modes.includes('keys'));
  return isMode && (auth.keys.length === 0 || state !== undefined);
}

/** The keys of `parlance keys create`, while the server runs. */
export class KeptKeys {
  readonly #config: KeysConfig;
  readonly #log: Log;
  #database: Database | undefined;
  #store: KeyStore | undefined;
  #control: ControlServer | undefined;

  constructor(config: KeysConfig, log: Log) {
    this.#config = config;
    this.#log = log;
  }

  /** @throws {Error} that says why the keys cannot be read, and what to do */
  async open(): Promise<void> {
    const { state, home } = this.#config;
    const onError = (error: unknown): void => {
      this.#log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'database of keys');
    };
    this.#database = await openDatabase({ url: state?.database, home, onError });
    this.#store = new KeyStore(this.#database, { onError });
    const path = controlPath(home);
    if (this.#database.kind === 'embedded' && path !== undefined)
      this.#control = await serveControl(path, this.#store);
  }

  /** @throws {GatewayError} `overloaded` before {@link open} is done, and when the database does not answer */
  async find(key: string): Promise<FoundKey | undefined> {
    if (this.#store === undefined) throw new GatewayError('overloaded', 'The server is starting.');
    return await this.#store.find(key);
  }

  async close(): Promise<void> {
    await this.#control?.close();
    await this.#database?.close();
  }
}

/**
 * Works on the keys from another process: through the server that has the embedded database where one runs, else in the
 * database itself.
 *
 * @throws {Error} that says why the keys cannot be reached, and what to do
 */
export async function withKeys<Result>(
  { state, home }: Pick<LoadedConfig, 'state' | 'home'>,
  work: (keys: KeyAdmin) => Promise<Result>,
): Promise<Result> {
  const path = state?.database === undefined ? controlPath(home) : undefined;
  if (path !== undefined) {
    try {
      return await work(new ControlClient(path));
    } catch (error) {
      if (!(error instanceof NobodyListens)) throw error;
    }
  }
  const database = await openDatabase({ url: state?.database, home });
  try {
    return await work(new KeyStore(database));
  } finally {
    await database.close();
  }
}
