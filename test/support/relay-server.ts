/** The real HTTP server with the upstreams of a real configuration, inside the test's process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Backend, Readiness } from '../../src/backends/backend.ts';
import { createParlance } from '../../src/compose/create-parlance.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { LoadedConfig } from '../../src/config/load.ts';
import { createLog } from '../../src/observability/log.ts';

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

  /**
   * @param config what a `parlance.yaml` holds
   * @param options.home where keys and usage are kept, for tests that do
   * @param options.env all of the environment there is: a proxy of the machine must not come between loopback addresses
   */
  static async start(
    config: object,
    { home, env = {} }: { readonly home?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<RelayServer> {
    const loaded = load(config, home);
    const lines: Record<string, unknown>[] = [];
    const log = createLog('trace', {
      write: (line) => {
        lines.push(JSON.parse(line) as Record<string, unknown>);
      },
    });
    const parlance = createParlance(loaded, { log, env });
    const facts = { url: await parlance.listen(), log: lines };
    return new RelayServer(facts, [...parlance.router.backends], () => parlance.close());
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
function load(config: object, home?: string): LoadedConfig {
  const cwd = mkdtempSync(join(tmpdir(), 'parlance-relay-'));
  try {
    const server = { port: 0, shutdown_grace_ms: 0 };
    writeFileSync(join(cwd, 'parlance.yaml'), JSON.stringify({ server, ...config }));
    return loadConfig({ env: home === undefined ? {} : { PARLANCE_HOME: home }, cwd });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
