import { describe, expect, it } from 'vitest';
import { isLoopbackUrl, readLoopbackHost } from '../../../src/auth/local-google/loopback.ts';

describe('readLoopbackHost', () => {
  it.each<[string, string]>([
    ['127.0.0.1:8080', '8080'],
    ['127.0.0.1', ''],
    ['localhost:80', ''],
    ['LOCALHOST:3000', '3000'],
    ['127.255.255.254:1', '1'],
    ['[::1]:8080', '8080'],
    ['[0:0:0:0:0:0:0:1]', ''],
    ['[::ffff:127.0.0.1]:8080', '8080'],
  ])('%s is this machine, port "%s"', (host, port) => {
    expect(readLoopbackHost(host)?.port).toBe(port);
  });

  it.each([
    undefined,
    '',
    'example.com',
    'localhost.example.com',
    'localhost.:80',
    '127.0.0.1.example.com:8080',
    '128.0.0.1',
    '0.0.0.0:8080',
    '169.254.169.254',
    'metadata.google.internal',
    '[::]:8080',
    '[fe80::1]',
    '[::ffff:10.0.0.1]',
    '127.0.0.1:8080@example.com',
    'example.com#127.0.0.1',
    'user@127.0.0.1',
    '127.0.0.1/x',
    '127.0.0.1:',
    '127.0.0.1:99999',
    ' 127.0.0.1',
    '127.0.0.1, example.com',
    '::1',
  ])('%j is not', (host) => {
    expect(readLoopbackHost(host)).toBeUndefined();
  });
});

describe('isLoopbackUrl', () => {
  it.each<[string, boolean]>([
    ['http://127.0.0.1:8080/token', true],
    ['https://localhost/', true],
    ['http://[::1]:1/', true],
    ['ftp://localhost/', false],
    ['http://user@localhost/', false],
    ['http://:secret@localhost/', false],
    ['http://localhost/?x', false],
    ['http://localhost/#x', false],
    ['http://10.0.0.1/', false],
    ['http://localhost.evil/', false],
  ])('%s -> %s', (url, expected) => {
    expect(isLoopbackUrl(new URL(url))).toBe(expected);
  });
});
