import { describe, expect, it } from 'vitest';
import type { AuthMode } from '../../src/config/auth-schema.ts';
import { assertSafeBind, isLoopbackHost } from '../../src/config/safe-bind.ts';
import { attempt } from './temporary-files.ts';

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

/** Modes on the routes of vertex, devapi and plain. */
const auth = (vertex: AuthMode[], devapi = vertex, plain = vertex) => ({ routes: { vertex, devapi, plain } });

const isRefused = (host: string, access: ReturnType<typeof auth>) =>
  attempt(() => assertSafeBind({ server: { host }, auth: access })) !== undefined;

describe('assertSafeBind', () => {
  it.each(HOSTS)('host %j may be open: %s', (host, isLoopback) => {
    expect(isRefused(host, auth(['open']))).toBe(!isLoopback);
    expect(isRefused(host, auth(['local']))).toBe(!isLoopback);
  });

  it.each(HOSTS)('host %j may ask who calls', (host) => {
    for (const mode of ['keys', 'google', 'passthrough'] as const) {
      expect(isRefused(host, auth([mode]))).toBe(false);
    }
  });

  it.each<[access: ReturnType<typeof auth>, problems: RegExp[]]>([
    [
      auth(['open']),
      [/`open` lets everybody in \(on routes: vertex, devapi, plain\)[^]*\{ mode: keys, keys:/],
    ],
    [auth(['keys'], ['open']), [/\(on routes: devapi\)[^]*\{ routes: \{ devapi: keys \}, keys:/]],
    [auth(['keys'], ['passthrough'], ['google', 'keys']), []],
    [auth(['keys'], ['keys'], ['keys', 'local']), [/`local` gives a token .*\(on routes: plain\)/]],
    [
      auth(['local'], ['open'], ['open']),
      [/`open` .*\(on routes: devapi, plain\)[^]*\{ devapi: keys, plain: keys \}/, /`local` .*: vertex\)/],
    ],
  ])('off loopback, %j is told at %j', (access, problems) => {
    const error = attempt(() => assertSafeBind({ server: { host: '0.0.0.0' }, auth: access }));
    expect((error?.problems ?? []).map(({ path, message }) => `${path}: ${message}`)).toEqual(
      problems.map((problem) => expect.stringMatching(problem)),
    );
  });

  it('says what to do', () => {
    expect(() => assertSafeBind({ server: { host: '0.0.0.0' }, auth: auth(['open']) })).toThrow(
      /server\.host: other machines can reach `0\.0\.0\.0`[^]*127\.0\.0\.1[^]*mode: keys/,
    );
  });
});
