import type { Dispatcher } from 'undici';
import { createGoogleCredentials, hasCredentials } from '../auth/outbound/google-credentials.ts';
import type { TokenSource } from '../auth/outbound/token-source.ts';
import { ConfigError } from '../config/config-error.ts';
import type { LoadedConfig } from '../config/load.ts';
import { GatewayError } from '../errors.ts';
import { MediaCache } from '../media/media-cache.ts';
import { type MediaCaller, MediaResolver } from '../media/media-resolver.ts';
import { MemoryBudget } from '../media/memory-budget.ts';
import { BucketStore, type BucketStoreOptions } from '../media/storage/bucket-store.ts';
import { FolderBuckets } from '../media/storage/folder-buckets.ts';
import { parseBucketUri } from '../media/storage/parse-bucket-uri.ts';
import { WebMedia } from '../media/web/web-media.ts';
import type { Log } from '../observability/log.ts';
import { createConnectionPools } from '../upstream/connection-pools.ts';

/** Everything that fetches what requests refer to. */
export interface Media {
  readonly resolver: MediaResolver;
  close(): Promise<void>;
}

/** How token endpoints are asked. */
const TOKEN_CONNECTIONS = { connectTimeoutMs: 5000, maxConnections: 4, http2: false };

/** How long it is taken for granted that this machine has no credentials, in milliseconds: the search takes a second. */
const NO_CREDENTIALS_FOR = 60_000;

/** @throws {ConfigError} for a `STORAGE_EMULATOR_HOST` that is no address */
export function createMedia(
  { fetch, storage }: Pick<LoadedConfig, 'fetch' | 'storage'>,
  { env, log }: { readonly env: NodeJS.ProcessEnv; readonly log: Log },
): Media {
  const { max_bytes: maxBytes, timeout_ms: timeoutMs, max_concurrent: maxTransfers } = fetch;
  const web = new WebMedia({
    allowPrivate: fetch.allow_private,
    allow: fetch.allow,
    deny: fetch.deny,
    limits: { maxBytes, totalMs: timeoutMs, maxRedirects: fetch.max_redirects, maxTransfers },
  });
  const store = openStore({ env, maxBytes, timeoutMs, maxTransfers });
  const folders = new FolderBuckets({ folders: storage, maxBytes });
  const rights = createRights(fetch.bucket_rights, { env, log });
  const resolver = new MediaResolver({
    web,
    buckets: {
      isOwn: (uri) => store.isEmulator || isInFolder(folders, uri),
      async open(uri, { caller, signal }) {
        const object = parseBucketUri(uri);
        if (folders.has(object)) return await folders.open(object, { signal });
        return await store.open(object, { signal, authorization: await rights.of(caller, signal) });
      },
    },
    budget: new MemoryBudget(fetch.memory_bytes),
    cache: new MediaCache({ maxBytes: fetch.cache_bytes, lifetimeMs: fetch.cache_ttl_ms }),
    maxBytes,
  });
  return {
    resolver,
    async close() {
      await Promise.all([web.close(), store.close(), rights.close()]);
    },
  };
}

function openStore(options: BucketStoreOptions): BucketStore {
  try {
    return new BucketStore(options);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const message = error.message.replace(/^STORAGE_EMULATOR_HOST /, '');
    throw new ConfigError(null, [{ path: 'STORAGE_EMULATOR_HOST', message }]);
  }
}

function isInFolder(folders: FolderBuckets, uri: string): boolean {
  try {
    return folders.has(parseBucketUri(uri));
  } catch {
    // What is wrong with it is told where it is read.
    return false;
  }
}

/** With whose rights buckets are read. */
interface BucketRights {
  /** @returns the value of an `authorization` header, `undefined` for nobody's */
  of(caller: MediaCaller, signal: AbortSignal): Promise<string | undefined>;
  close(): Promise<void>;
}

function createRights(
  whose: LoadedConfig['fetch']['bucket_rights'],
  context: { readonly env: NodeJS.ProcessEnv; readonly log: Log },
): BucketRights {
  switch (whose) {
    case 'server':
      return new ServerRights(context);
    case 'caller':
      return {
        of: async ({ accessToken }) => (accessToken === undefined ? undefined : `Bearer ${accessToken}`),
        close: async () => {},
      };
    case 'nobody':
      return { of: async () => undefined, close: async () => {} };
  }
}

/** The server's own, where it has any: what is public can be read without. */
class ServerRights implements BucketRights {
  readonly #dispatcher: Dispatcher;
  readonly #source: TokenSource;
  readonly #env: NodeJS.ProcessEnv;
  /** Until then nobody has to look for credentials, on the clock that never goes back. */
  #noneUntil = 0;

  constructor({ env, log }: { readonly env: NodeJS.ProcessEnv; readonly log: Log }) {
    this.#env = env;
    this.#dispatcher = createConnectionPools(TOKEN_CONNECTIONS, env);
    this.#source = createGoogleCredentials({
      env,
      dispatcher: this.#dispatcher,
      onRenewalFailure: (error) => {
        const reason = error instanceof Error ? error.message : String(error);
        log.warn({ reason }, 'token for buckets not renewed');
      },
    });
  }

  async of(_: MediaCaller, signal: AbortSignal): Promise<string | undefined> {
    if (performance.now() < this.#noneUntil) return undefined;
    try {
      return (await this.#source.headers(signal))['authorization'];
    } catch (error) {
      // Credentials that are set up and do not work are somebody's mistake or outage, and worth a message.
      if (!(error instanceof GatewayError) || hasCredentials(this.#env)) throw error;
      this.#noneUntil = performance.now() + NO_CREDENTIALS_FOR;
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#source.close();
    await this.#dispatcher.destroy();
  }
}
