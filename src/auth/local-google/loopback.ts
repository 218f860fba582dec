import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** `name`, `name:port`, `[v6]` and `[v6]:port`; nothing that a URL parser would take for a user, path or query. */
const HOST_HEADER = /^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i;

/**
 * The `Host` of a request that came for this machine's own address, as a URL without path; `undefined` for every other.
 *
 * A page in a browser can reach this machine under a name of its own, when it lets that name resolve to 127.0.0.1. The
 * name it then sends is what tells it from a client that was set up to come here.
 */
export function readLoopbackHost(header: string | undefined): URL | undefined {
  if (header === undefined || !HOST_HEADER.test(header)) return undefined;
  const url = URL.parse(`http://${header}`);
  return url !== null && isLoopbackUrl(url) ? url : undefined;
}

/** Whether it is an `http` or `https` URL of this machine, and has neither user nor query nor fragment. */
export function isLoopbackUrl(url: URL): boolean {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false;
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '') return false;
  const name = url.hostname.replace(/^\[|\]$/g, '');
  const version = isIP(name);
  return version === 0 ? name === 'localhost' : LOOPBACK.check(name, version === 4 ? 'ipv4' : 'ipv6');
}
