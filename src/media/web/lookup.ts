import { lookup, Resolver } from 'node:dns/promises';
import { codeOf } from '../../code-of.ts';
import { WebFault } from './web-fault.ts';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/**
 * All addresses of a host name, in the order in which to try them; none where there is no such name.
 *
 * @param signal ends the search
 * @throws {WebFault} when nobody can tell; the signal's reason when it aborted
 */
export type Lookup = (hostname: string, signal: AbortSignal) => Promise<readonly ResolvedAddress[]>;

export interface NameServerOptions {
  /** Addresses with or without port. @default those this machine is configured with */
  readonly servers?: readonly string[];
  /** Longest search for one name, in milliseconds. @default 5000 */
  readonly totalMs?: number;
}

/** Of a name that does not exist, of one without addresses, and of what can be no name. */
const NO_ADDRESS: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);

/** Wait for a server's first answer, in milliseconds, and how often each is asked. */
const QUESTION = { timeout: 1500, tries: 2 };

/** As this machine resolves names: those of private networks stand in its `/etc/hosts`, or come by mDNS. */
export const systemAddresses: Lookup = async (hostname) => {
  try {
    return await lookup(hostname, { all: true, order: 'verbatim' });
  } catch (error) {
    if (NO_ADDRESS.has(codeOf(error))) return [];
    throw error;
  }
};

/**
 * Asks name servers alone, for public names. A lookup of the machine's own would hold one of the four threads that files
 * and all other lookups need, for as long as somebody who wants to delay everybody lets a name take.
 */
export function nameServerAddresses({ servers, totalMs = 5000 }: NameServerOptions = {}): Lookup {
  return async (hostname, signal) => {
    signal.throwIfAborted();
    // Of its own, since it gives up all its questions at once.
    const resolver = new Resolver(QUESTION);
    if (servers !== undefined) resolver.setServers(servers);
    const giveUp = (): void => {
      resolver.cancel();
    };
    const timer = setTimeout(giveUp, totalMs);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const results = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
      signal.throwIfAborted();
      return addressesIn(results);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  };
}

/** @param results for IPv4, which servers in containers often have alone, then for IPv6 */
function addressesIn(results: readonly PromiseSettledResult<string[]>[]): ResolvedAddress[] {
  const addresses = results.flatMap((result, at) =>
    result.status === 'fulfilled'
      ? result.value.map((address) => ({ address, family: at === 0 ? 4 : 6 }))
      : [],
  );
  const failure = results
    .map((result): unknown => (result.status === 'rejected' ? result.reason : undefined))
    .find((reason) => reason !== undefined && !NO_ADDRESS.has(codeOf(reason)));
  // One kind of address is enough.
  if (addresses.length > 0 || failure === undefined) return addresses;
  const code = codeOf(failure);
  const reason = code === 'ECANCELLED' ? 'in time' : `(${code})`;
  throw new WebFault('invalid_argument', `its host could not be resolved ${reason}`, {
    mayPass: true,
    cause: failure,
  });
}
