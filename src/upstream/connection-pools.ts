import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';

export interface ConnectionPoolOptions {
  /** Longest time to connect, TLS included, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Connections to one origin. */
  readonly maxConnections: number;
  /** Speak HTTP/2 where the origin offers it. */
  readonly http2: boolean;
}

/** Variables that name a proxy; of each pair the first that is set counts. */
export const PROXY_VARIABLES = {
  httpProxy: ['http_proxy', 'HTTP_PROXY'],
  httpsProxy: ['https_proxy', 'HTTPS_PROXY'],
} as const;

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
    httpProxy: firstOf(PROXY_VARIABLES.httpProxy, env),
    httpsProxy: firstOf(PROXY_VARIABLES.httpsProxy, env),
    noProxy: firstOf(['no_proxy', 'NO_PROXY'], env),
  };
  const usesProxy = proxies.httpProxy !== '' || proxies.httpsProxy !== '';
  return usesProxy ? new EnvHttpProxyAgent({ ...agent, ...proxies }) : new Agent(agent);
}

function firstOf(names: readonly string[], env: NodeJS.ProcessEnv): string {
  return names.map((name) => env[name]).find((value) => value !== undefined) ?? '';
}
