/** The real HTTP server with the upstreams of a real configuration, inside the test's process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Backend, Readiness } from '../../src/backends/backend.ts';
import { createCallerChecks } from '../../src/compose/caller-checks.ts';
import { KeptState } from '../../src/compose/kept-state.ts';
import { createBackends } from '../../src/compose/create-backends.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { LoadedConfig } from '../../src/config/load.ts';
import { createLog } from '../../src/observability/log.ts';
import { ModelRouter } from '../../src/routing/model-router.ts';
import { createHttpServer } from '../../src/server/http-server.ts';

export interface PostOptions {
  /** @default '/v1/chat/completions' */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What `/readyz` says. */
export interface ReadyBody {
  readonly status: string;
  readonly upstreams: Readonly<Record<string, Readiness>>;
}

export class RelayServer implements AsyncDisposable {
  readonly url: string;
  /** Parsed lines of the log, at level trace. */
  readonly log: Record<string, unknown>[];
  readonly #backends: Iterable<Backend>;
  readonly #close: () => Promise<void>;

  private constructor(
    facts: Pick<RelayServer, 'url' | 'log'>,
    backends: Iterable<Backend>,
    close: () => Promise<void>,
  ) {
    this.url = facts.url;
    this.log = facts.log;
    this.#backends = backends;
    this.#close = close;
  }

  /** @param config what a `parlance.yaml` holds */
  static async start(config: object): Promise<RelayServer> {
    const loaded = load(config);
    const lines: Record<string, unknown>[] = [];
    const log = createLog('trace', {
      write: (line) => {
        lines.push(JSON.parse(line) as Record<string, unknown>);
      },
    });
    // Without the environment: a proxy of the machine must not come between loopback addresses.
    const upstreams = createBackends(loaded, log, {});
    const callers = createCallerChecks(loaded, {
      port: () => undefined,
      env: {},
      log,
      kept: new KeptState(loaded, log),
    });
    const server = createHttpServer({
      log,
      gatekeeper: callers.gatekeeper,
      router: new ModelRouter({
        backends: upstreams.backends,
        models: loaded.models,
        endpoints: loaded.endpoints,
      }),
      unsupported: loaded.compat.unsupported,
      usageMode: loaded.usage.mode,
      streamKeepAliveMs: loaded.stream.keepalive_ms,
      limits: {
        maxBodyBytes: loaded.server.max_body_bytes,
        maxHeaderBytes: loaded.server.max_header_bytes,
        requestTimeoutMs: loaded.server.request_timeout_ms,
        keepAliveMs: loaded.server.keep_alive_ms,
      },
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    for (const backend of upstreams.servers) backend.start();
    const { port } = server.server.address() as AddressInfo;
    const facts = { url: `http://127.0.0.1:${port}`, log: lines };
    return new RelayServer(facts, [...upstreams.backends.values()], async () => {
      server.server.closeAllConnections();
      await server.close();
      await Promise.all([upstreams.close(), callers.close()]);
    });
  }

  /** Posts a chat request. @param body a string is sent as it is */
  post(body: unknown, { path = '/v1/chat/completions', headers = {}, signal }: PostOptions = {}) {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  get(path: string): Promise<Response> {
    return fetch(`${this.url}${path}`);
  }

  async readiness(): Promise<ReadyBody> {
    return (await (await this.get('/readyz')).json()) as ReadyBody;
  }

  /** Resolves when it is known of every model server whether it is up. */
  async settled(): Promise<void> {
    for (const backend of this.#backends) while (isStarting(backend)) await pause(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

function isStarting(backend: Backend): boolean {
  const readiness = backend.readiness();
  return !readiness.ready && readiness.isOutage !== true;
}

/** JSON is YAML. */
function load(config: object): LoadedConfig {
  const cwd = mkdtempSync(join(tmpdir(), 'parlance-relay-'));
  try {
    writeFileSync(join(cwd, 'parlance.yaml'), JSON.stringify(config));
    return loadConfig({ env: {}, cwd });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
