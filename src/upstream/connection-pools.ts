import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';

export interface ConnectionPoolOptions {
  /** Longest time to connect, TLS included, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Connections to one origin. */
  readonly maxConnections: number;
  /** Speak HTTP/2 where the origin offers it. */
  readonly http2: boolean;
}

/** Time an unused connection stays open, in milliseconds: below what Google's front ends keep (four minutes). */
const KEEP_ALIVE = 60_000;

/**
 * Keep-alive connections to upstreams, one pool for each origin. `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are
 * honoured where they are set.
 */
export function createConnectionPools(options: ConnectionPoolOptions, env: NodeJS.ProcessEnv): Dispatcher {
  const agent: Agent.Options = {
    connections: options.maxConnections,
    pipelining: 1,
    allowH2: options.http2,
    keepAliveTimeout: KEEP_ALIVE,
    connect: { timeout: options.connectTimeoutMs },
  };
  const usesProxy = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some(
    (name) => (env[name] ?? '') !== '',
  );
  return usesProxy ? new EnvHttpProxyAgent(agent) : new Agent(agent);
}
