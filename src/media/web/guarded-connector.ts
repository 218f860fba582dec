import { isIP, type LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { buildConnector } from 'undici';
import type { Lookup, ResolvedAddress } from './lookup.ts';
import { WebFault } from './web-fault.ts';

export interface ConnectionGuard {
  /** Whether an address may be connected to. */
  readonly isAllowed: (address: string) => boolean;
  readonly lookup: Lookup;
  /** In place of the authorities Node.js trusts, in PEM. */
  readonly ca: string | undefined;
}

/**
 * Connects to allowed addresses only. A name is resolved once for a connection, by {@link guardedLookup}; the socket then
 * tries the very addresses that were judged, so a name that changes its mind in between (DNS rebinding) gains nothing.
 *
 * @param signal ends the attempt, the search for the name included, and the connection
 */
export function guardedConnector(guard: ConnectionGuard, signal: AbortSignal): buildConnector.connector {
  const connect = buildConnector({
    allowH2: false,
    autoSelectFamily: true,
    lookup: guardedLookup(guard, signal),
    signal,
    // The signal knows the time.
    timeout: 0,
    ...(guard.ca === undefined ? {} : { ca: guard.ca }),
  });
  return (options, callback) => {
    // Sockets do not look up what is an address already.
    const refusal = isIP(options.hostname) === 0 ? undefined : refuse(guard, [options.hostname]);
    if (refusal === undefined) connect(options, callback);
    else callback(refusal, null);
  };
}

/**
 * A lookup for sockets that fails for a name with an address that is not allowed, be it one of many: such a name was made to
 * deceive.
 */
function guardedLookup(guard: ConnectionGuard, signal: AbortSignal): LookupFunction {
  const judge = callbackify((hostname: string) => judgedAddresses(guard, hostname, signal));
  return (hostname, _options, callback) => {
    judge(hostname, (error, addresses) => {
      callback(error, error === null ? addresses : []);
    });
  };
}

async function judgedAddresses(
  guard: ConnectionGuard,
  hostname: string,
  signal: AbortSignal,
): Promise<ResolvedAddress[]> {
  const addresses = await guard.lookup(hostname, signal);
  if (addresses.length === 0) throw new WebFault('invalid_argument', 'its host has no address');
  const refusal = refuse(
    guard,
    addresses.map(({ address }) => address),
  );
  if (refusal !== undefined) throw refusal;
  return [...addresses];
}

/** The log learns the addresses, from the cause; who asked does not. */
function refuse({ isAllowed }: ConnectionGuard, addresses: readonly string[]): WebFault | undefined {
  if (addresses.every((address) => isAllowed(address))) return undefined;
  return new WebFault('unsupported_media', 'its host does not have a public address', {
    cause: new Error(`not all of these addresses are allowed: ${addresses.join(', ')}`),
  });
}
