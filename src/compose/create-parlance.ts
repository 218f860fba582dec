/** The server's object graph, and the only place that builds it. */
import type { AddressInfo } from 'node:net';
import type { LoadedConfig } from '../config/load.ts';
import { assertSafeBind } from '../config/safe-bind.ts';
import { createLog, type Log } from '../observability/log.ts';
import { ModelRouter } from '../routing/model-router.ts';
import { createHttpServer } from '../server/http-server.ts';
import { UnusedConnections } from '../server/unused-connections.ts';
import { createCallerChecks } from './caller-checks.ts';
import { createBackends } from './create-backends.ts';
import type { EmbeddedUpstream } from './embedded-upstream.ts';
import { KeptState } from './kept-state.ts';

/** A composed server. Nothing listens and no engine runs until it is told to. */
export interface Parlance {
  readonly log: Log;
  readonly router: ModelRouter;
  /** Upstreams whose model has to be on this machine. */
  readonly embedded: readonly EmbeddedUpstream[];
  /**
   * Listens on the configured address.
   *
   * @returns the base URL, with the real port when 0 was configured
   */
  listen(): Promise<string>;
  /** Stops accepting, lets running answers finish within the configured time, then ends engines and connections. */
  close(): Promise<void>;
}

export interface ParlanceContext {
  /** @default one that writes to standard output, at the configured level */
  readonly log?: Log;
  /** Proxies of outgoing connections, and where Google's credentials are. @default that of the process */
  readonly env?: NodeJS.ProcessEnv;
}

/** How often connections that have become idle are closed during shutdown, in milliseconds. */
const IDLE_SWEEP = 50;

/**
 * Builds a server from a configuration.
 *
 * @throws {ConfigError} when it would serve other machines without asking them for a key
 */
export function createParlance(
  config: LoadedConfig,
  { log = createLog(config.log.level), env = process.env }: ParlanceContext = {},
): Parlance {
  assertSafeBind(config);
  const upstreams = createBackends(config, log, env);
  let port: number | undefined;
  const kept = new KeptState(config, log);
  const callers = createCallerChecks(config, { port: () => port, env, log, kept });
  const router = new ModelRouter({
    backends: upstreams.backends,
    models: config.models,
    endpoints: config.endpoints,
  });
  const server = createHttpServer({
    log,
    router,
    unsupported: config.compat.unsupported,
    thoughtsDelivery: config.thoughts.delivery,
    usageMode: config.usage.mode,
    gatekeeper: callers.gatekeeper,
    signIn: callers.signIn?.google,
    accounting: kept.isMetering ? { meter: kept } : undefined,
    streamKeepAliveMs: config.stream.keepalive_ms,
    limits: {
      maxBodyBytes: config.server.max_body_bytes,
      largeBodyBytes: config.server.large_body_bytes,
      maxHeaderBytes: config.server.max_header_bytes,
      requestTimeoutMs: config.server.request_timeout_ms,
      keepAliveMs: config.server.keep_alive_ms,
    },
  });

  const unused = new UnusedConnections(server.server);

  return {
    log,
    router,
    embedded: upstreams.embedded,
    async listen() {
      await callers.prepare();
      await kept.open();
      const { host, port: wanted } = config.server;
      await server.listen({ host, port: wanted });
      for (const backend of upstreams.servers) backend.start();
      ({ port } = server.server.address() as AddressInfo);
      return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    },
    async close() {
      const sweep = setInterval(() => {
        server.server.closeIdleConnections();
        unused.close();
      }, IDLE_SWEEP);
      const limit = setTimeout(() => {
        server.server.closeAllConnections();
      }, config.server.shutdown_grace_ms);
      await server.close();
      clearInterval(sweep);
      clearTimeout(limit);
      await Promise.all([upstreams.close(), callers.close()]);
      // Last: answers that ended just now are still written down.
      await kept.close();
    },
  };
}
