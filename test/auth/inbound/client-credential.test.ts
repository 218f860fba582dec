import { describe, expect, it } from 'vitest';
import { type CredentialPlaces, readClientCredential } from '../../../src/auth/inbound/client-credential.ts';

describe('readClientCredential', () => {
  it.each<{ credentials: CredentialPlaces; key: string | undefined }>([
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
    expect(readClientCredential(credentials)).toBe(key);
  });
});
