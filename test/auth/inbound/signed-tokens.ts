import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';

/** A key pair of an issuer. */
export interface IssuerKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const pairs = new Map<string, IssuerKey>();

/** The key of this name: made once, because RSA keys take a while. */
export function issuerKey(kid: string, algorithm: Algorithm = 'RS256'): IssuerKey {
  const name = `${algorithm} ${kid}`;
  const known = pairs.get(name);
  if (known !== undefined) return known;
  const key = { kid, algorithm, ...generate(algorithm) };
  pairs.set(name, key);
  return key;
}

function generate(algorithm: Algorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

/** As an issuer publishes it. */
export function jwkOf({ kid, algorithm, publicKey }: IssuerKey, more: object = {}): Record<string, unknown> {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig', ...more };
}

/** A JWT, signed with `node:crypto` so that the library under test does not test itself. */
export function signToken(key: IssuerKey, claims: object, header: object = {}): string {
  const full = { alg: key.algorithm, typ: 'JWT', kid: key.kid, ...header };
  const signed = `${encode(full)}.${encode(claims)}`;
  return `${signed}.${signBytes(key, Buffer.from(signed)).toString('base64url')}`;
}

function signBytes({ algorithm, privateKey }: IssuerKey, bytes: Buffer): Buffer {
  switch (algorithm) {
    case 'RS256':
      return sign('sha256', bytes, privateKey);
    case 'PS256':
      return sign('sha256', bytes, { key: privateKey, padding: 6, saltLength: 32 });
    case 'ES256':
      return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    case 'EdDSA':
      return sign(null, bytes, privateKey);
  }
}

/** A JWT with a shared secret, or without any signature. */
export function macToken(secret: string | Buffer | undefined, claims: object, header: object): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${secret === undefined ? '' : createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

export function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
