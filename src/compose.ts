/** The server's object graph, and the only place that builds it. */
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { ApiKeys } from './auth/api-keys.ts';
import type { Backend } from './backends/backend.ts';
import { EmbeddedBackend } from './backends/embedded/embedded-backend.ts';
import type { LoadedConfig } from './config/load.ts';
import { assertSafeBind } from './config/safe-bind.ts';
import { createLog, type Log } from './observability/log.ts';
import { ModelRouter } from './routing/model-router.ts';
import { createHttpServer } from './server/http-server.ts';

/** A composed server. Nothing listens and no engine runs until it is told to. */
export interface Parlance {
  readonly log: Log;
  readonly router: ModelRouter;
  /** Embedded upstreams and the models their configuration names. */
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

export interface EmbeddedUpstream {
  readonly backend: EmbeddedBackend;
  /** Catalogue name, URL or path. */
  readonly model: string;
}

/** How often connections that have become idle are closed during shutdown, in milliseconds. */
const IDLE_SWEEP = 50;

/**
 * Builds a server from a configuration.
 *
 * @throws {ConfigError} when it would serve other machines without asking them for a key
 */
export function createParlance(config: LoadedConfig): Parlance {
  assertSafeBind(config);
  const log = createLog(config.log.level);
  const embedded = Object.entries(config.upstreams).map(([name, upstream]) => ({
    model: upstream.model,
    backend: new EmbeddedBackend({
      name,
      modelName: shortModelName(upstream.model),
      engine: {
        slots: upstream.slots,
        threads: upstream.threads,
        gpu: upstream.gpu,
        ...(upstream.context_size === undefined ? {} : { contextSize: upstream.context_size }),
      },
      queueSize: upstream.queue_size,
      answerTimeoutMs: upstream.request_timeout_ms,
      ...(upstream.chat_template === undefined ? {} : { chatTemplate: upstream.chat_template }),
      log: log.child({ upstream: name }),
      created: Math.floor(Date.now() / 1000),
    }),
  }));
  const backends = new Map<string, Backend>(embedded.map(({ backend }) => [backend.name, backend]));
  const router = new ModelRouter({ backends, models: config.models, endpoints: config.endpoints });
  const server = createHttpServer({
    log,
    router,
    unsupported: config.compat.unsupported,
    thoughtsDelivery: config.thoughts.delivery,
    usageMode: config.usage.mode,
    apiKeys: config.auth.mode === 'keys' ? new ApiKeys(config.auth.keys) : undefined,
    streamKeepAliveMs: config.stream.keepalive_ms,
    limits: {
      maxBodyBytes: config.server.max_body_bytes,
      maxHeaderBytes: config.server.max_header_bytes,
      requestTimeoutMs: config.server.request_timeout_ms,
      keepAliveMs: config.server.keep_alive_ms,
    },
  });

  return {
    log,
    router,
    embedded,
    async listen() {
      const { host, port } = config.server;
      await server.listen({ host, port });
      const { port: actual } = server.server.address() as AddressInfo;
      return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`;
    },
    async close() {
      const sweep = setInterval(() => {
        server.server.closeIdleConnections();
      }, IDLE_SWEEP);
      const limit = setTimeout(() => {
        server.server.closeAllConnections();
      }, config.server.shutdown_grace_ms);
      await server.close();
      clearInterval(sweep);
      clearTimeout(limit);
      await Promise.all(router.backends.map((backend) => backend.close()));
    },
  };
}

/** A model's name for lists and headers: catalogue names as they are, files and URLs by their file name. */
function shortModelName(model: string): string {
  return basename(model).replace(/\.gguf$/i, '');
}
