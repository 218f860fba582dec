import { BlockList, isIP } from 'node:net';
import { ConfigError } from './config-error.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Whether only this machine can reach a server that listens on `host`: 127.0.0.0/8 (also mapped into IPv6),
 * `::1`, `localhost`. Any other name counts as reachable, whatever it may resolve to.
 */
export function isLoopbackHost(host: string): boolean {
  const [address = ''] = host.split('%');
  const version = isIP(address);
  if (version === 0) return host.toLowerCase() === 'localhost';
  return LOOPBACK.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

interface Exposure {
  readonly server: { readonly host: string };
  readonly auth: { readonly mode: 'open' | 'keys' };
}

/**
 * Refuses to serve other machines without asking them for a key. Contract section 1.3.
 *
 * @throws {ConfigError} when the host is not loopback and `auth.mode` is `open`
 */
export function assertSafeBind({ server, auth }: Exposure): void {
  if (auth.mode !== 'open' || isLoopbackHost(server.host)) return;
  const message = `other machines can reach \`${server.host}\`, and auth.mode \`open\` lets everybody in. Do one of these:
- listen on this machine only: server.host (or HOST) 127.0.0.1
- ask for a key, in the configuration file:
    auth: { mode: keys, keys: ["\${PARLANCE_KEY}"] }`;
  throw new ConfigError(null, [{ path: 'server.host', message }]);
}
