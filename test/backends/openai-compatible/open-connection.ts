import { ServerConnection } from '../../../src/backends/openai-compatible/server-connection.ts';
import { createConnectionPools } from '../../../src/upstream/connection-pools.ts';

/** What sends requests to the servers of a test. */
export function openConnection(headers: Readonly<Record<string, string>> = {}): ServerConnection {
  const dispatcher = createConnectionPools({ connectTimeoutMs: 1000, maxConnections: 4, http2: false }, {});
  return new ServerConnection({
    dispatcher,
    askDispatcher: dispatcher,
    headers,
    firstByteMs: 5000,
    idleMs: 5000,
  });
}
