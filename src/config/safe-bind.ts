import { BlockList, isIP } from 'node:net';
import type { RouteFamily } from '../translate/events/render-options.ts';
import type { AuthMode } from './auth-schema.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';

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

/** What decides who reaches the server, and who may call then. */
export interface Exposure {
  readonly server: { readonly host: string };
  readonly auth: { readonly routes: Readonly<Record<RouteFamily, readonly AuthMode[]>> };
}

/** Modes that are for this machine alone, and what they would do for others. */
const DANGERS = [
  ['open', 'lets everybody in'],
  ['local', 'gives a token to everybody who asks for one'],
] as const;

/**
 * Refuses to serve other machines without asking them who they are. `passthrough` may: there the upstream asks.
 * Contract section 1.3.
 *
 * @throws {ConfigError} when the host is not loopback and some family of routes is `open` or `local`
 */
export function assertSafeBind({ server, auth }: Exposure): void {
  if (isLoopbackHost(server.host)) return;
  const problems = DANGERS.flatMap(([mode, danger]): ConfigProblem[] => {
    const families = familiesWith(mode, auth.routes);
    if (families.length === 0) return [];
    const message = `other machines can reach \`${server.host}\`, and auth mode \`${mode}\` ${danger} (on routes: ${families.join(', ')}). Do one of these:
- listen on this machine only: server.host (or HOST) 127.0.0.1
- ask for a key instead, in the configuration file:
    auth: { ${suggestKeys(families, auth.routes)}, keys: ["\${PARLANCE_KEY}"] }`;
    return [{ path: 'server.host', message }];
  });
  if (problems.length > 0) throw new ConfigError(null, problems);
}

type Routes = Exposure['auth']['routes'];

const FAMILIES = ['vertex', 'devapi', 'plain'] as const;

/** The families of routes on which a mode holds. */
export function familiesWith(mode: AuthMode, routes: Routes): RouteFamily[] {
  return FAMILIES.filter((family) => routes[family].includes(mode));
}

function suggestKeys(families: readonly RouteFamily[], routes: Routes): string {
  if (families.length === Object.keys(routes).length) return 'mode: keys';
  return `routes: { ${families.map((family) => `${family}: keys`).join(', ')} }`;
}
