import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { assertSafeBind, isLoopbackHost } from '../../src/config/safe-bind.ts';

const HOSTS: [host: string, isLoopback: boolean][] = [
  ['127.0.0.1', true],
  ['127.0.0.2', true],
  ['127.255.255.254', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::1%lo', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['0.0.0.0', false],
  ['::', false],
  ['0:0:0:0:0:0:0:0', false],
  ['::ffff:0.0.0.0', false],
  ['::ffff:192.168.1.5', false],
  ['192.168.1.5', false],
  ['10.0.0.1', false],
  ['128.0.0.1', false],
  ['126.255.255.255', false],
  ['fe80::1%eth0', false],
  ['::2', false],
  ['', false],
  ['127.1', false],
  ['0', false],
  ['127.0.0.1.example.com', false],
  ['localhost.example.com', false],
  ['example.com', false],
];

describe('isLoopbackHost', () => {
  it.each(HOSTS)('%j: %s', (host, expected) => {
    expect(isLoopbackHost(host)).toBe(expected);
  });
});

describe('assertSafeBind', () => {
  it.each(HOSTS.filter(([, isLoopback]) => isLoopback))('lets host %j be open', (host) => {
    expect(() => assertSafeBind({ server: { host }, auth: { mode: 'open' } })).not.toThrow();
  });

  it.each(HOSTS.filter(([, isLoopback]) => !isLoopback))('does not let host %j be open', (host) => {
    expect(() => assertSafeBind({ server: { host }, auth: { mode: 'open' } })).toThrow(ConfigError);
  });

  it.each(HOSTS)('lets host %j ask for keys', (host) => {
    expect(() => assertSafeBind({ server: { host }, auth: { mode: 'keys' } })).not.toThrow();
  });

  it('says what to do', () => {
    expect(() => assertSafeBind({ server: { host: '0.0.0.0' }, auth: { mode: 'open' } })).toThrow(
      /`0\.0\.0\.0`[^]*127\.0\.0\.1[^]*mode: keys/,
    );
  });
});
