import { describe, expect, it } from 'vitest';
import { hashOfKey, isApiKey, newApiKey, prefixOfKey } from '../../../src/state/keys/api-key.ts';

describe('an API key', () => {
  it('begins with its maker and 8 characters that may be shown, and has 190 secret bits more', () => {
    const key = newApiKey();
    expect(key).toMatch(/^sk-parlance-[0-9A-Za-z]{40}$/);
    expect(prefixOfKey(key)).toBe(key.slice(0, 20));
    expect(key.length - prefixOfKey(key).length).toBe(32);
    expect(32 * Math.log2(62)).toBeGreaterThan(190);
  });

  it('is another one every time', () => {
    const keys = Array.from({ length: 1000 }, newApiKey);
    expect(new Set(keys).size).toBe(1000);
    expect(new Set(keys.map(prefixOfKey)).size).toBe(1000);
    expect(new Set(keys.map(hashOfKey)).size).toBe(1000);
  });

  it('is stored as a hash of all of it', () => {
    expect(hashOfKey('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
    const key = newApiKey();
    expect(hashOfKey(key)).not.toContain(key.slice(12));
    expect(hashOfKey(`${key}x`)).not.toBe(hashOfKey(key));
  });

  it.each<[string, boolean]>([
    [newApiKey(), true],
    [`sk-parlance-${'0'.repeat(40)}`, true],
    [`sk-parlance-${'0'.repeat(39)}`, false],
    [`sk-parlance-${'0'.repeat(41)}`, false],
    [`sk-parlance-${'0'.repeat(39)}-`, false],
    [`SK-parlance-${'0'.repeat(40)}`, false],
    [`sk-parlance-${'0'.repeat(40)}\n`, false],
    [` sk-parlance-${'0'.repeat(40)}`, false],
    ['sk-proj-abc', false],
    ['', false],
  ])('has the form of one: %j -> %s', (text, expected) => {
    expect(isApiKey(text)).toBe(expected);
  });
});
