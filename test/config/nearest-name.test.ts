import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestName, suggestName } from '../../src/config/nearest-name.ts';

const KNOWN = ['server', 'auth', 'upstreams', 'models', 'max_body_bytes', 'port'];

describe('nearestName', () => {
  it.each([
    ['upstreams', 'upstreams'],
    ['upstrems', 'upstreams'],
    ['upsteram', 'upstreams'],
    ['sevrer', 'server'],
    ['Server', 'server'],
    ['maxBodyBytes', 'max_body_bytes'],
    ['max-body-bytes', 'max_body_bytes'],
    ['prot', 'port'],
    ['model', 'models'],
    ['', undefined],
    ['x', undefined],
    ['banana', undefined],
    ['auto-scaling', undefined],
  ])('%j is meant to be %j', (name, expected) => {
    expect(nearestName(name, KNOWN)).toBe(expected);
  });

  it('prefers the nearer of two names', () => {
    expect(nearestName('keyz', ['keys', 'key'])).toBe('keys');
    expect(nearestName('kye', ['keys', 'key'])).toBe('key');
  });

  it('finds any known name itself', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }), (names) => {
        for (const name of names) expect(nearestName(name, names)).toBe(name);
      }),
    );
  });
});

describe('suggestName', () => {
  it('asks about a near name and lists all when none is near', () => {
    expect(suggestName('auht', KNOWN)).toBe('did you mean `auth`?');
    expect(suggestName('banana', ['a', 'b'])).toBe('known are `a`, `b`');
  });
});
