import type { LoadedConfig } from '../config/load.ts';
import { DEFAULT_USAGE_DAYS } from '../config/schema.ts';
import { GatewayError } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import { ControlClient, NobodyListens } from '../state/control/control-client.ts';
import { controlPath } from '../state/control/control-path.ts';
import { type ControlServer, serveControl } from '../state/control/control-server.ts';
import type { Database } from '../state/database/database.ts';
import { openDatabase } from '../state/database/open-database.ts';
import { type FoundKey, KeyStore } from '../state/keys/key-store.ts';
import type { Limiter, UsedTokens } from '../state/limits/limiter.ts';
import { LocalLimiter } from '../state/limits/local-limiter.ts';
import { openRedisLimiter } from '../state/limits/redis-limiter.ts';
import { type Admission, Meter, type MeteredRequest } from '../state/meter.ts';
import type { StateAdmin } from '../state/state-admin.ts';
import { UsageLedger } from '../state/usage/usage-ledger.ts';
import { firstKeptDay, UsageRetention } from '../state/usage/usage-retention.ts';
import { readTotals } from '../state/usage/usage-totals.ts';
import { callerLimits } from './caller-limits.ts';

const NOTHING_USED: UsedTokens = { usedTokens: async () => 0 };

type StateConfig = Pick<LoadedConfig, 'auth' | 'state' | 'home'>;

/** Whether the server looks for keys in a database: unless the configuration lists them and names none. */
export function usesKeptKeys({ auth, state }: Pick<LoadedConfig, 'auth' | 'state'>): boolean {
  const isMode = Object.values(auth.routes).some((modes) => modes.includes('keys'));
  return isMode && (auth.keys.length === 0 || state !== undefined);
}

/** Whether the server has a database: for keys, for what callers use of a day or month, or because it is told to. */
export function usesDatabase(config: Pick<LoadedConfig, 'auth' | 'state'>): boolean {
  const { tokens_per_day: day, tokens_per_month: month } = config.auth.limits;
  return usesKeptKeys(config) || config.state !== undefined || day !== undefined || month !== undefined;
}

/**
 * What the server keeps of its callers while it runs: their keys, how much they use, and limits for that.
 *
 * Nothing is there before {@link open} is done; who asks earlier is told to come back.
 */
export class KeptState {
  /** Whether requests are to be metered. */
  readonly isMetering: boolean;
  readonly #config: StateConfig;
  readonly #log: Log;
  readonly #hasDatabase: boolean;
  #database: Database | undefined;
  #keys: KeyStore | undefined;
  #ledger: UsageLedger | undefined;
  #limiter: Limiter | undefined;
  #meter: Meter | undefined;
  #control: ControlServer | undefined;
  #retention: UsageRetention | undefined;

  constructor(config: StateConfig, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#hasDatabase = usesDatabase(config);
    this.isMetering = this.#hasDatabase || Object.keys(callerLimits(config.auth.limits)).length > 0;
  }

  /** @throws {Error} that says what cannot be used, and what to do */
  async open(): Promise<void> {
    const { state, home, auth } = this.#config;
    if (this.#hasDatabase) {
      const onError = this.#warn('database');
      this.#database = await openDatabase({ url: state?.database, home, onError });
      this.#keys = new KeyStore(this.#database, { onError });
      this.#ledger = new UsageLedger(this.#database, { onError });
      const path = controlPath(home);
      if (this.#database.kind === 'embedded' && path !== undefined)
        this.#control = await serveControl(path, { keys: this.#keys, usage: this.#ledger });
      this.#retention = new UsageRetention(this.#database, {
        days: usageDays(this.#config),
        onError: this.#warn('usage'),
      });
    }
    if (!this.isMetering) return;
    // Without a ledger nothing is limited that it would be asked for.
    const used = this.#ledger ?? NOTHING_USED;
    this.#limiter =
      state?.redis === undefined
        ? new LocalLimiter({ used })
        : await openRedisLimiter({ url: state.redis, used, onError: this.#warn('Redis') });
    this.#meter = new Meter({
      limiter: this.#limiter,
      ledger: this.#ledger,
      defaults: callerLimits(auth.limits),
      assumedCompletionTokens: auth.limits.assumed_completion_tokens,
      onError: this.#warn('usage'),
    });
  }

  /** @throws {GatewayError} `overloaded` before {@link open} is done, and when the database does not answer */
  async findKey(key: string): Promise<FoundKey | undefined> {
    if (this.#keys === undefined) throw starting();
    return await this.#keys.find(key);
  }

  /** As {@link Meter.admit}. @throws {GatewayError} `overloaded` before {@link open} is done */
  async admit(request: MeteredRequest): Promise<Admission> {
    if (this.#meter === undefined) throw starting();
    return await this.#meter.admit(request);
  }

  async close(): Promise<void> {
    await this.#control?.close();
    await this.#retention?.close();
    await this.#limiter?.close();
    await this.#ledger?.close();
    await this.#database?.close();
  }

  #warn(what: string): (error: unknown) => void {
    return (error) => {
      this.#log.warn({ reason: error instanceof Error ? error.message : String(error) }, what);
    };
  }
}

function starting(): GatewayError {
  return new GatewayError('overloaded', 'The server is starting. Try again in a moment.', {
    retryAfterSeconds: 1,
  });
}

function usageDays({ state }: Pick<LoadedConfig, 'state'>): number {
  return state?.usage_days ?? DEFAULT_USAGE_DAYS;
}

/** The first day whose usage the server keeps, in milliseconds since 1970. */
export function usageKeptFrom(config: Pick<LoadedConfig, 'state'>, now: number): number {
  return firstKeptDay(now, usageDays(config));
}

/** The part of a configuration that says where keys and usage are. */
export interface KeptPlace extends Pick<LoadedConfig, 'home'> {
  readonly state?: Pick<NonNullable<LoadedConfig['state']>, 'database'>;
}

/**
 * Works on keys and usage from another process: through the server that has the embedded database where one runs, else
 * in the database itself.
 *
 * @param work is begun again when the server ends meanwhile, so it changes one thing at most
 * @throws {Error} that says why neither can be reached, and what to do
 */
export async function withKeptState<Result>(
  { state, home }: KeptPlace,
  work: (state: StateAdmin) => Promise<Result>,
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
    return await work({
      keys: new KeyStore(database),
      usage: { totals: (query) => readTotals(database, query) },
    });
  } finally {
    await database.close();
  }
}
