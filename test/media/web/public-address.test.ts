import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../src/media/web/public-address.ts';

/**
 * IANA's registries of special-purpose addresses (IPv4 and IPv6, as of 2025), multicast and reserved space, and the
 * service every machine in Azure has. Written down here once more, for `BlockList` to judge by.
 */
const FORBIDDEN_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
const FORBIDDEN_V6 = [
  // All that is not 2000::/3: with loopback, mapped, compatible, local NAT64, discard, unique and link-local, multicast.
  '::/3',
  '4000::/2',
  '8000::/1',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
];

const v4 = blockList(FORBIDDEN_V4, 'ipv4');
const v6 = blockList(FORBIDDEN_V6, 'ipv6');

function blockList(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [base = '', length] = range.split('/');
    list.addSubnet(base, Number(length), family);
  }
  return list;
}

const byte = fc.integer({ min: 0, max: 255 });
const group = fc.integer({ min: 0, max: 0xffff });

const anyV4 = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join('.'));
/** Near the ends of the ranges, where mistakes are. */
const edgeV4 = fc.constantFrom(...FORBIDDEN_V4.flatMap((range) => edges(range, 32).map(writeV4)));

/** Its groups of 16 bits. */
const anyV6 = fc.array(group, { minLength: 8, maxLength: 8 });
const globalV6 = anyV6.map(([first = 0, ...rest]) => [0x2000 | (first & 0x1fff), ...rest]);
const sparseV6 = anyV6.map((groups) => groups.map((value) => (value % 3 === 0 ? value : 0)));
const edgeV6 = fc.constantFrom(
  ...[...FORBIDDEN_V6, '2000::/3', '64:ff9b:1::/48', 'fc00::/7', 'fe80::/10', 'ff00::/8'].flatMap((range) =>
    edges(range, 128).map(groupsOf),
  ),
);

const v6Style = fc.record({ isShort: fc.boolean(), isMixed: fc.boolean() });

/** First and last address of a range, and those next to it. */
function edges(range: string, bits: number): bigint[] {
  const [base = '', length] = range.split('/');
  const first = bits === 32 ? readV4(base) : readV6(base);
  const size = 1n << BigInt(bits - Number(length));
  return [first - 1n, first, first + size - 1n, first + size].filter(
    (value) => value >= 0n && value < 1n << BigInt(bits),
  );
}

function readV4(text: string): bigint {
  return text.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n);
}

/** @param text its second half is all zeros */
function readV6(text: string): bigint {
  const groups = text.replace(/::$/, '').split(':').filter(Boolean);
  return groups.reduce((value, part, at) => value + (BigInt(`0x${part}`) << BigInt(112 - 16 * at)), 0n);
}

function writeV4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
}

function groupsOf(value: bigint): number[] {
  return Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(112 - 16 * at)) & 0xffffn));
}

interface V6Style {
  /** Zeros are left out. */
  readonly isShort: boolean;
  /** The end is written as IPv4. */
  readonly isMixed: boolean;
}

function writeV6(groups: readonly number[], { isShort, isMixed }: V6Style): string {
  const [high = 0, low = 0] = groups.slice(6);
  const texts = isMixed
    ? [...groups.slice(0, 6).map(hex), writeV4(BigInt(high) * 65_536n + BigInt(low))]
    : groups.map(hex);
  const text = texts.join(':');
  return isShort ? text.replace(/(^|:)0(:0)*(:|$)/, '::') : text;
}

function hex(value: number): string {
  return value.toString(16);
}

describe('isPublicAddress', () => {
  it.each([
    '8.8.8.8',
    '1.0.0.0',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '168.63.129.15',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.31.196.1',
    '192.167.255.255',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '2a00:1450:4001:80b::200e',
    '2000::',
    '3fff:1000::',
    // A translator's spelling of 8.8.8.8, as resolvers in networks without IPv4 give it.
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
  ])('is so for %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    '127.0.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '169.254.169.254',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    '::',
    '::1',
    '::127.0.0.1',
    '::8.8.8.8',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:0:8.8.8.8',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:0:0:0:1:808:808',
    '64:ff9b:1::8.8.8.8',
    '100::1',
    '2001::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '2001:2::1',
    '2001:20::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:808:808::',
    '3fff::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    '2606:4700:4700::1111%eth0',
    'fec0::1',
    'ff02::1',
  ])('is not so for %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    '',
    'localhost',
    '8.8.8',
    '8.8.8.8.',
    '08.8.8.8',
    ' 8.8.8.8',
    '8.8.8.8:80',
    '[2606::1]',
    '2606::1::',
    '134744072',
    '0x8.8.8.8',
  ])('is not so for %j, which is no address', (text) => {
    expect(isPublicAddress(text)).toBe(false);
  });

  it('judges IPv4 as BlockList does', () => {
    fc.assert(
      fc.property(fc.oneof(anyV4, edgeV4), (address) => {
        expect(isPublicAddress(address)).toBe(!v4.check(address, 'ipv4'));
      }),
      { numRuns: 3000 },
    );
  });

  it('judges IPv6 as BlockList does', () => {
    fc.assert(
      fc.property(fc.oneof(anyV6, globalV6, sparseV6, edgeV6), v6Style, (groups, style) => {
        const address = writeV6(groups, style);
        expect(isPublicAddress(address)).toBe(!v6.check(address, 'ipv6'));
      }),
      { numRuns: 3000 },
    );
  });

  it('judges what a translator made of IPv4 as it judges that', () => {
    fc.assert(
      fc.property(fc.oneof(anyV4, edgeV4), (address) => {
        expect(isPublicAddress(`64:ff9b::${address}`)).toBe(isPublicAddress(address));
      }),
    );
  });

  it('finds nothing public in other ways to hold IPv4', () => {
    fc.assert(
      fc.property(anyV4, fc.constantFrom('::', '::ffff:', '::ffff:0:', '64:ff9b:1::'), (address, before) => {
        expect(isPublicAddress(before + address)).toBe(false);
      }),
    );
  });
});
