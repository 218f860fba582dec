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
    // `connect.timeout` would not reach the connections that lead through a proxy.
    connectTimeout: options.connectTimeoutMs,
  };
  // Where one is left out, undici looks into the environment of the process.
  const proxies = {
    httpProxy: env['http_proxy'] ?? env['HTTP_PROXY'] ?? '',
    httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '',
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  };
  const usesProxy = proxies.httpProxy !== '' || proxies.httpsProxy !== '';
  return usesProxy ? new EnvHttpProxyAgent({ ...agent, ...proxies }) : new Agent(agent);
}
