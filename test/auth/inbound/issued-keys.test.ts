import { describe, expect, it } from 'vitest';
import { IssuedKeys, type IssuedKey } from '../../../src/auth/inbound/issued-keys.ts';

const KEY: IssuedKey = {
  id: 'key_1',
  policy: { models: ['google/*'] },
  expiresAt: new Date('2026-01-31T00:00:00Z'),
};

const keysThatFind = (status: 'valid' | 'expired' | 'revoked' | undefined): IssuedKeys =>
  new IssuedKeys({ find: async () => (status === undefined ? undefined : { status, key: KEY }) });

describe('IssuedKeys', () => {
  it('knows callers by their keys, with what they may ask for', async () => {
    expect(await keysThatFind('valid').authenticate('sk')).toEqual({
      kind: 'key',
      id: 'key_1',
      tenant: 'key:key_1',
      policy: KEY.policy,
    });
  });

  it('leaves what is none of its keys to others', async () => {
    expect(await keysThatFind(undefined).authenticate('sk')).toBeUndefined();
  });

  it.each([
    ['expired', /The API key key_1 expired at 2026-01-31T00:00:00.000Z/],
    ['revoked', /The API key key_1 has been revoked/],
  ] as const)('refuses a key that is %s, and says so', async (status, message) => {
    await expect(keysThatFind(status).authenticate('sk')).rejects.toMatchObject({
      code: 'invalid_api_key',
      message: expect.stringMatching(message),
    });
  });
});
