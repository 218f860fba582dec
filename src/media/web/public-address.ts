import { isIPv4, isIPv6 } from 'node:net';

/** An address as a number, of 32 or 128 bits. */
interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

interface Prefix extends Address {
  readonly length: number;
}

/**
 * IPv4 that is not for everybody: IANA's special-purpose registry (RFC 6890), multicast and what is reserved. Single
 * addresses of 192.0.0.0/24 and the relays of 192.88.99.0/24 are reachable in the registry; nobody keeps media there.
 */
const NOT_PUBLIC_V4 = prefixes(
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // behind carriers' NAT; also the metadata server of Alibaba
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local; also the metadata servers of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocols; also the metadata server of Oracle
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '168.63.129.16/32', // looks public, and is Azure's own service on every machine there
);

/** All of IPv6 that is given out to networks; loopback, link-local, private, mapped and multicast lie outside. */
const UNICAST_V6 = prefix('2000::/3');

/** What within {@link UNICAST_V6} is not for everybody. IANA's special-purpose registry (RFC 6890). */
const NOT_PUBLIC_V6 = prefixes(
  '2001::/23', // protocols: Teredo, benchmarks, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: leads to the IPv4 address within
  '3fff::/20', // documentation
);

/** What translators (NAT64) make of an IPv4 address, the last 32 bits. RFC 6052, section 2.1. */
const NAT64 = prefix('64:ff9b::/96');

/**
 * Whether an IP address belongs to a machine in the public Internet. Anything else is not for clients to reach through
 * this server: private networks, this machine, metadata servers of clouds, and IPv6 addresses that hold such an IPv4
 * address.
 *
 * @param text as resolvers write addresses. Whatever else it is, a zone of IPv6 included, is not public
 */
export function isPublicAddress(text: string): boolean {
  const address = parse(text);
  if (address === undefined) return false;
  if (address.bits === 32) return isPublicV4(address);
  if (isWithin(address, NAT64)) return isPublicV4({ bits: 32, value: address.value & 0xffff_ffffn });
  return isWithin(address, UNICAST_V6) && !NOT_PUBLIC_V6.some((range) => isWithin(address, range));
}

function isPublicV4(address: Address): boolean {
  return !NOT_PUBLIC_V4.some((range) => isWithin(address, range));
}

function isWithin(address: Address, { value, length, bits }: Prefix): boolean {
  return (address.value ^ value) >> BigInt(bits - length) === 0n;
}

function parse(text: string): Address | undefined {
  if (isIPv4(text)) return { bits: 32, value: parseV4(text) };
  // A zone names an interface of this machine.
  if (isIPv6(text) && !text.includes('%')) return { bits: 128, value: parseV6(text) };
  return undefined;
}

/** @param text known to be valid, as below */
function parseV4(text: string): bigint {
  return text.split('.').reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function parseV6(text: string): bigint {
  const [start = '', end] = text.split('::');
  const before = groupsOf(start);
  const after = end === undefined ? [] : groupsOf(end);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0n);
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | group, 0n);
}

/** Groups of 16 bits; an IPv4 address at the end makes two. */
function groupsOf(text: string): bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const value = parseV4(group);
    return [value >> 16n, value & 0xffffn];
  });
}

function prefixes(...texts: readonly string[]): readonly Prefix[] {
  return texts.map((text) => prefix(text));
}

function prefix(text: string): Prefix {
  const [base = '', length] = text.split('/');
  const address = parse(base);
  if (address === undefined) throw new TypeError(`${text} is no prefix`);
  return { ...address, length: Number(length) };
}
