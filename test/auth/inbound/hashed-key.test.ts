import { describe, expect, it } from 'vitest';
import { HashedKey } from '../../../src/auth/inbound/hashed-key.ts';

describe('HashedKey', () => {
  it('gives each key a name of its own that does not hold it', () => {
    const keys = ['sk-one', 'sk-two', 'anonymous', ''];
    const names = keys.map((key) => new HashedKey(key).tenant);
    expect(new Set(names).size).toBe(keys.length);
    expect(keys.map((key) => new HashedKey(key).tenant)).toEqual(names);
    expect(names.join()).not.toContain('sk-');
  });
});
