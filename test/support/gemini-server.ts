/** The real HTTP server with a Gemini backend in front of a replaying upstream, inside the test's process. */
import type { AddressInfo } from 'node:net';
import { createApiKeySource, createStaticTokenSource } from '../../src/auth/outbound/fixed-token-source.ts';
import { GeminiBackend, type GeminiBackendOptions } from '../../src/backends/gemini/gemini-backend.ts';
import { MemorySignatureVault } from '../../src/backends/gemini/signature-vault.ts';
import { createLog } from '../../src/observability/log.ts';
import { ModelRouter } from '../../src/routing/model-router.ts';
import { createHttpServer, type HttpServerOptions } from '../../src/server/http-server.ts';
import { createConnectionPools } from '../../src/upstream/connection-pools.ts';
import { gatekeeperOf } from './gatekeeper.ts';
import { OFFLINE_MEDIA } from './offline-media.ts';
import type { ReplayUpstream } from './replay-upstream.ts';

export const ROUTES = {
  vertex: '/v1/projects/my-project/locations/us-central1/endpoints/openapi',
  devapi: '/v1beta/openai',
  plain: '/v1',
} as const;

/** Secrets of the server; none of them may ever be seen by anybody but the upstream. */
export const SECRETS = { token: 'ya29.secret-of-the-server', apiKey: 'AIza-secret-of-the-server' } as const;

export interface GeminiServerOptions {
  readonly kind?: 'vertex' | 'gemini';
  readonly backend?: Partial<GeminiBackendOptions>;
  readonly http?: Partial<HttpServerOptions>;
  /** Keys of clients; without any, everybody may call. */
  readonly keys?: readonly string[];
}

export interface PostOptions {
  /** @default 'plain' */
  readonly route?: keyof typeof ROUTES;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export class GeminiServer implements AsyncDisposable {
  readonly url: string;
  /** The log as text, at level trace. */
  readonly log: string[];
  readonly #close: () => Promise<void>;

  private constructor(url: string, log: string[], close: () => Promise<void>) {
    this.url = url;
    this.log = log;
    this.#close = close;
  }

  static async start(
    upstream: ReplayUpstream,
    { kind = 'vertex', backend, http, keys }: GeminiServerOptions = {},
  ): Promise<GeminiServer> {
    const pools = createConnectionPools({ connectTimeoutMs: 5000, maxConnections: 64, http2: false }, {});
    const gemini = new GeminiBackend({
      name: 'replay',
      media: OFFLINE_MEDIA,
      place:
        kind === 'gemini'
          ? { upstream: 'gemini', version: 'v1beta' }
          : { upstream: 'vertex', project: 'p', isExpress: false, location: 'us-central1', version: 'v1' },
      credentials:
        kind === 'gemini' ? createApiKeySource(SECRETS.apiKey) : createStaticTokenSource(SECRETS.token),
      // All of Google's hosts are the replaying upstream, which sees in the Host header which one was meant.
      dispatcher: pools.compose(
        (dispatch) => (options, handler) =>
          dispatch(
            {
              ...options,
              origin: upstream.origin,
              headers: { ...(options.headers as object), host: new URL(String(options.origin)).host },
            },
            handler,
          ),
      ),
      vault: new MemorySignatureVault({ now: () => performance.now() }),
      translate: {},
      timeouts: { answerMs: 10_000, firstByteMs: 5000, idleMs: 5000 },
      retry: { random: () => 0 },
      emulateCandidates: true,
      globalFallback: true,
      malformedRetries: 1,
      ...backend,
    });
    const log: string[] = [];
    const server = createHttpServer({
      log: createLog('trace', {
        write: (line) => {
          log.push(line);
        },
      }),
      router: new ModelRouter({
        backends: new Map([[gemini.name, gemini]]),
        models: [{ match: '*', upstream: gemini.name }],
        endpoints: {},
      }),
      unsupported: 'reject',
      usageMode: 'openai',
      streamKeepAliveMs: 0,
      gatekeeper: gatekeeperOf(keys),
      limits: {
        maxBodyBytes: 1_000_000,
        largeBodyBytes: 64 * 1024 * 1024,
        maxHeaderBytes: 16_384,
        requestTimeoutMs: 60_000,
        keepAliveMs: 5000,
      },
      ...http,
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.server.address() as AddressInfo;
    return new GeminiServer(`http://127.0.0.1:${port}`, log, async () => {
      server.server.closeAllConnections();
      await server.close();
      await pools.destroy();
    });
  }

  /** Posts a chat request. */
  post(body: unknown, { route = 'plain', headers = {}, signal }: PostOptions = {}): Promise<Response> {
    return fetch(`${this.url}${ROUTES[route]}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
