import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSignedBy, parseJwt, signJwt } from '../../../src/auth/local-google/json-web-token.ts';
import { makeJwt } from './local-fixture.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const CLAIMS = { iss: 'a@b.c', iat: 1 };
const JWT = signJwt(CLAIMS, 'kid-1', privateKey);

const base64Url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

/** Whether a text is taken for a JWT that the key has signed. */
function isGenuine(text: string): boolean {
  const jwt = parseJwt(text);
  return jwt !== undefined && isSignedBy(jwt, publicKey);
}

describe('a signed JWT', () => {
  it('is read as it was signed', () => {
    expect(parseJwt(JWT)).toMatchObject({
      header: { alg: 'RS256', kid: 'kid-1', typ: 'JWT' },
      claims: CLAIMS,
    });
    expect(isGenuine(JWT)).toBe(true);
  });

  it.each<[string, string]>([
    ['another key', signJwt(CLAIMS, 'kid-1', other.privateKey)],
    ['no algorithm', makeJwt({ alg: 'none' }, CLAIMS, () => Buffer.from('x'))],
    [
      'a secret that is the public key',
      makeJwt({ alg: 'HS256' }, CLAIMS, (signed) =>
        createHmac('sha256', publicKey.export({ type: 'spki', format: 'pem' }))
          .update(signed)
          .digest(),
      ),
    ],
    ['another algorithm name', makeJwt({ alg: 'rs256' }, CLAIMS, privateKey)],
    ['no algorithm name', makeJwt({}, CLAIMS, privateKey)],
    [
      'RSA with another hash',
      makeJwt({ alg: 'RS512' }, CLAIMS, (signed) => sign('sha512', Buffer.from(signed), privateKey)),
    ],
    ['an elliptic curve', makeJwt({ alg: 'ES256' }, CLAIMS, curve.privateKey)],
    ['a curve under the name of RS256', makeJwt({ alg: 'RS256' }, CLAIMS, curve.privateKey)],
    ['what has to be understood', makeJwt({ alg: 'RS256', crit: ['exp'] }, CLAIMS, privateKey)],
  ])('is refused with %s', (_, jwt) => {
    expect(parseJwt(jwt)).toBeDefined();
    expect(isGenuine(jwt)).toBe(false);
  });
});

describe('parseJwt', () => {
  it.each<[string, string]>([
    ['nothing', ''],
    ['two parts', JWT.slice(0, JWT.lastIndexOf('.'))],
    ['no signature', JWT.slice(0, JWT.lastIndexOf('.') + 1)],
    ['four parts', `${JWT}.x`],
    ['padding', `${JWT}=`],
    ['white space', `${JWT}\n`],
    ['base64', JWT.replaceAll('_', '/').replaceAll('-', '+').concat('+')],
    ['claims that are an array', `${base64Url('{"alg":"RS256"}')}.${base64Url('[]')}.eA`],
    ['claims that are no JSON', `${base64Url('{"alg":"RS256"}')}.${base64Url('{')}.eA`],
    [
      'claims that are no UTF-8',
      `${base64Url('{"alg":"RS256"}')}.${base64Url(Buffer.from('7b22ff223a317d', 'hex'))}.eA`,
    ],
    ['a byte order mark', `${base64Url('\uFEFF{"alg":"RS256"}')}.${base64Url('{}')}.eA`],
    ['a text of 9,000 characters', `${base64Url('{}')}.${base64Url(`{"a":"${'x'.repeat(7000)}"}`)}.eA`],
  ])('takes nothing with %s', (_, text) => {
    expect(parseJwt(text)).toBeUndefined();
  });

  it('knows every token in one spelling only', () => {
    // 256 bytes leave 4 bits of the last character unused.
    const last = JWT.at(-1) ?? '';
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const at = letters.indexOf(last);
    const same = letters.split('').filter((_, index) => index !== at && index >> 4 === at >> 4);
    expect(same).toHaveLength(15);
    for (const letter of same) expect(parseJwt(JWT.slice(0, -1) + letter)).toBeUndefined();
  });

  it('never takes a changed token for genuine', () => {
    fc.assert(
      fc.property(fc.nat(JWT.length - 1), fc.integer({ min: 1, max: 0x7f }), (at, change) => {
        const character = String.fromCharCode(JWT.charCodeAt(at) ^ change);
        return !isGenuine(JWT.slice(0, at) + character + JWT.slice(at + 1));
      }),
      { numRuns: 2000 },
    );
  });

  it('never takes parts of tokens put together otherwise for genuine', () => {
    const parts = [JWT, signJwt({ ...CLAIMS, iss: 'x@y.z' }, 'kid-1', privateKey)].flatMap((jwt) =>
      jwt.split('.'),
    );
    const genuine = new Set([parts.slice(0, 3).join('.'), parts.slice(3).join('.')]);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 4 }), (chosen) => {
        const text = chosen.join('.');
        return isGenuine(text) === genuine.has(text);
      }),
      { numRuns: 1000 },
    );
  });
});
