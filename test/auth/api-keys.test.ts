import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANONYMOUS, ApiKeys, type Credentials, readClientKey } from '../../src/auth/api-keys.ts';
import { HashedKey } from '../../src/auth/hashed-key.ts';

describe('readClientKey', () => {
  it.each<{ credentials: Credentials; key: string | undefined }>([
    { credentials: {}, key: undefined },
    { credentials: { authorization: 'Bearer a' }, key: 'a' },
    { credentials: { authorization: 'bearer   a' }, key: 'a' },
    { credentials: { authorization: 'BEARER a' }, key: 'a' },
    { credentials: { authorization: 'Bearer' }, key: undefined },
    { credentials: { authorization: 'Bearer ' }, key: undefined },
    { credentials: { authorization: 'Bearera' }, key: undefined },
    { credentials: { authorization: 'Bearer a b' }, key: undefined },
    { credentials: { authorization: 'Basic eDp5' }, key: undefined },
    { credentials: { authorization: 'a' }, key: undefined },
    { credentials: { 'x-goog-api-key': 'b' }, key: 'b' },
    { credentials: { 'api-key': 'c' }, key: 'c' },
    { credentials: { queryKey: 'd' }, key: 'd' },
    { credentials: { authorization: 'Basic x', 'api-key': 'c', queryKey: 'd' }, key: 'c' },
    { credentials: { authorization: 'Bearer a', 'x-goog-api-key': 'b', 'api-key': 'c' }, key: 'a' },
    { credentials: { 'x-goog-api-key': 'b', 'api-key': 'c', queryKey: 'd' }, key: 'b' },
    { credentials: { 'x-goog-api-key': '', 'api-key': '', queryKey: 'd' }, key: 'd' },
    { credentials: { 'x-goog-api-key': '', 'api-key': '', queryKey: '' }, key: undefined },
  ])('$credentials -> $key', ({ credentials, key }) => {
    expect(readClientKey(credentials)).toBe(key);
  });
});

describe('ApiKeys', () => {
  const keys = new ApiKeys(['first', 'second-longer', 'ключ']);

  it.each(['first', 'second-longer', 'ключ'])('has %s', (key) => {
    expect(keys.has(new HashedKey(key))).toBe(true);
  });

  it.each(['', 'firs', 'first ', 'FIRST', 'firstsecond-longer', 'second', '__proto__'])(
    'has no %j',
    (key) => {
      expect(keys.has(new HashedKey(key))).toBe(false);
    },
  );

  it('has nothing when it is empty', () => {
    expect(new ApiKeys([]).has(new HashedKey(''))).toBe(false);
  });

  it('has exactly the keys it was given', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 5 }), fc.string(), (given, key) => {
        expect(new ApiKeys(given).has(new HashedKey(key))).toBe(given.includes(key));
      }),
    );
  });

  it('holds none of them in the clear', () => {
    expect(JSON.stringify(keys)).toBe('{}');
  });
});

describe('HashedKey', () => {
  it('gives each key a name of its own that does not hold it', () => {
    const keys = ['sk-one', 'sk-two', 'anonymous', ''];
    const names = keys.map((key) => new HashedKey(key).tenant);
    expect(new Set([...names, ANONYMOUS]).size).toBe(keys.length + 1);
    expect(keys.map((key) => new HashedKey(key).tenant)).toEqual(names);
    expect(names.join()).not.toContain('sk-');
  });
});
