import { type KeyObject, sign, verify } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';

/** A JWT in compact form, taken apart. Nothing in it is to be believed before {@link isSignedBy} says so. RFC 7515. */
export interface JsonWebToken {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  /** What the signature covers. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** Longer than any Google client makes: one claim set with a few scopes, and a signature. */
const MAX_JWT_LENGTH = 8192;

/** @returns `undefined` for anything that is not a JWT */
export function parseJwt(text: string): JsonWebToken | undefined {
  if (text.length > MAX_JWT_LENGTH) return undefined;
  const parts = text.split('.');
  if (parts.length !== 3) return undefined;
  const [header, claims, signature] = parts.map(decodeBase64Url);
  if (header === undefined || claims === undefined || signature === undefined) return undefined;
  const [headerJson, claimsJson] = [header, claims].map(parseObject);
  if (headerJson === undefined || claimsJson === undefined) return undefined;
  return {
    header: headerJson,
    claims: claimsJson,
    signed: text.slice(0, text.lastIndexOf('.')),
    signature,
  };
}

/**
 * RS256 and nothing else, whatever the header asks for: the key is an RSA key, so no other algorithm can be meant
 * honestly. RFC 8725 section 3.1.
 */
export function isSignedBy(jwt: JsonWebToken, publicKey: KeyObject): boolean {
  // What "crit" lists has to be understood (RFC 7515 section 4.1.11), and nothing is.
  if (jwt.header['alg'] !== 'RS256' || jwt.header['crit'] !== undefined) return false;
  return verify('sha256', Buffer.from(jwt.signed), publicKey, jwt.signature);
}

/** A JWT signed with RS256. RFC 7518 section 3.3. */
export function signJwt(claims: JsonObject, keyId: string, privateKey: KeyObject): string {
  const signed = [{ alg: 'RS256', kid: keyId, typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

/**
 * Node's own decoder skips what is no base64url and ignores spare bits at the end, so that many texts would stand for
 * one token. Only the one its maker wrote counts.
 */
export function decodeBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length > 0 && bytes.toString('base64url') === text ? bytes : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @returns `undefined` for anything but a JSON object in UTF-8 */
export function parseObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(utf8.decode(bytes));
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
