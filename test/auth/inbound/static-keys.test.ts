import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StaticKeys } from '../../../src/auth/inbound/static-keys.ts';
import { likeToken } from '../../support/like-tokens.ts';

describe('StaticKeys', () => {
  const keys = new StaticKeys(['first', 'second-longer', 'ключ']);

  it.each(['first', 'second-longer', 'ключ'])('has %s', (key) => {
    expect(keys.find(key)).toMatchObject({ kind: 'key', id: expect.stringMatching(/^key:.{8}$/) });
  });

  it.each(['', 'firs', 'first ', 'FIRST', 'firstsecond-longer', 'second', '__proto__'])(
    'has no %j',
    (key) => {
      expect(keys.find(key)).toBeUndefined();
    },
  );

  it('has nothing when it is empty', () => {
    expect(new StaticKeys([]).find('')).toBeUndefined();
  });

  it('has exactly the keys it was given', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 5 }), fc.string(), (given, key) => {
        expect(new StaticKeys(given).find(key) !== undefined).toBe(given.includes(key));
      }),
    );
  });

  it('tells a thousand apart that look alike', () => {
    const all = Array.from({ length: 1000 }, (_, index) => likeToken(index));
    const even = new StaticKeys(all.filter((_key, index) => index % 2 === 0));
    const tenants = all.map((key) => even.find(key)?.tenant);
    expect(tenants.map((tenant) => tenant !== undefined)).toEqual(all.map((_key, index) => index % 2 === 0));
    expect(new Set(tenants).size).toBe(501);
  });

  it('holds none of them in the clear', () => {
    expect(JSON.stringify(keys)).toBe('{}');
  });
});
