import type { Dispatcher } from 'undici';
import { OpenAiCompatibleBackend } from '../backends/openai-compatible/openai-compatible-backend.ts';
import type { SchemaChecker } from '../backends/openai-compatible/structured-output/schema-checker.ts';
import type { ServerUpstreamConfig } from '../config/complete-upstream.ts';
import type { DeepReadonly } from '../config/deep-freeze.ts';
import type { MediaResolver } from '../media/media-resolver.ts';
import type { Log } from '../observability/log.ts';
import { createConnectionPools } from '../upstream/connection-pools.ts';

/** What all self-deployed upstreams of one server share. */
export interface ServerContext {
  readonly checker: SchemaChecker;
  readonly media: MediaResolver;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** Connections to one replica for probes, and for what is asked for behind them. */
const ASK_CONNECTIONS = 2;

/** A backend for a model server of one's own. Nothing is asked of it until it is started. */
export function createServerUpstream(
  name: string,
  config: DeepReadonly<ServerUpstreamConfig>,
  { checker, media, env, log }: ServerContext,
): OpenAiCompatibleBackend {
  const { health, circuit, structured_output: structuredOutput } = config;
  const pools = (maxConnections: number): Dispatcher =>
    createConnectionPools({ connectTimeoutMs: config.connect_timeout_ms, maxConnections, http2: false }, env);
  return new OpenAiCompatibleBackend({
    name,
    kind: config.kind,
    urls: config.base_urls,
    model: config.model,
    dispatcher: pools(config.max_connections),
    askDispatcher: pools(ASK_CONNECTIONS),
    headers: {
      // In lower case, so that no other header stands beside one of the same name.
      ...Object.fromEntries(
        Object.entries(config.headers).map(([header, value]) => [header.toLowerCase(), value]),
      ),
      ...(config.api_key === undefined ? {} : { authorization: `Bearer ${config.api_key}` }),
    },
    timeouts: {
      answerMs: config.request_timeout_ms,
      firstByteMs: config.first_byte_timeout_ms,
      idleMs: config.idle_timeout_ms,
    },
    retries: config.retries,
    health: {
      intervalMs: health.interval_ms,
      downIntervalMs: health.down_interval_ms,
      timeoutMs: health.timeout_ms,
    },
    circuit: {
      failures: circuit.failures,
      openMs: circuit.open_ms,
      maxOpenMs: circuit.max_open_ms,
    },
    slowStartMs: config.slow_start_ms,
    capabilities: config.capabilities,
    structuredOutput,
    checker,
    media,
    onReplicaChange: (replica, state, reason) => {
      const fields = { upstream: name, replica: replica.name, state, reason };
      if (state === 'down') log.warn(fields, 'replica down');
      else log.info(fields, 'replica up');
    },
  });
}
