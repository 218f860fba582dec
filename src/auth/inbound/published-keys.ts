import type { JWK } from 'jose';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import {
  askEndpoint,
  checkTrustworthy,
  EndpointFailure,
  type EndpointContext,
  isTrustworthy,
} from './identity-endpoint.ts';

/** A public key of an issuer. RFC 7517. */
export type PublishedKey = JWK & { readonly kty: 'RSA' | 'EC' | 'OKP' };

/** Issuers have two or three keys at a time, those with many tenants some tens. */
const MAX_KEYS = 100;
const KEY_TYPES: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP']);

/**
 * The keys at `url` that signatures can be checked with. Secret and private keys are left out: what everyone can read
 * proves nothing.
 *
 * @throws {EndpointFailure} also when there is none; the signal's reason when it aborted
 */
export async function fetchKeys(url: URL, context: EndpointContext): Promise<readonly PublishedKey[]> {
  const { status, json } = await askEndpoint({ url, method: 'GET' }, context);
  if (status !== 200) throw new EndpointFailure(url, `answered ${status}`);
  const keys = isJsonObject(json) && Array.isArray(json['keys']) ? json['keys'] : [];
  if (keys.length > MAX_KEYS) throw new EndpointFailure(url, `has more than ${MAX_KEYS} keys`);
  const usable = keys.filter(isPublishedKey);
  if (usable.length === 0) throw new EndpointFailure(url, 'has no key that signatures can be checked with');
  return usable;
}

function isPublishedKey(key: unknown): key is PublishedKey {
  if (!isJsonObject(key) || !KEY_TYPES.has(key['kty'])) return false;
  const isPublic = !('d' in key) && !('k' in key);
  const isNamed = key['kid'] === undefined || typeof key['kid'] === 'string';
  return isPublic && isNamed && (key['use'] === undefined || key['use'] === 'sig');
}

/**
 * Where an issuer publishes its keys. OpenID Connect Discovery 1.0 section 4.
 *
 * @throws {EndpointFailure} the signal's reason when it aborted
 */
export async function discoverKeysUrl(issuer: string, context: EndpointContext): Promise<URL> {
  const url = discoveryUrl(issuer);
  const { status, json } = await askEndpoint({ url, method: 'GET' }, context);
  if (status !== 200) throw new EndpointFailure(url, `answered ${status}`);
  if (!isJsonObject(json) || json['issuer'] !== issuer) {
    throw new EndpointFailure(url, `does not describe the issuer ${issuer}`);
  }
  const keysUrl = typeof json['jwks_uri'] === 'string' ? URL.parse(json['jwks_uri']) : null;
  // An issuer elsewhere has no business with what this machine alone can reach.
  const isSafe =
    keysUrl !== null &&
    isTrustworthy(keysUrl) &&
    (keysUrl.protocol === url.protocol || url.protocol === 'http:');
  if (!isSafe) throw new EndpointFailure(url, 'names no https URL of its keys ("jwks_uri")');
  return keysUrl;
}

/** @throws {RangeError} when the issuer is no URL that can be trusted */
export function discoveryUrl(issuer: string): URL {
  const url = URL.parse(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (url === null) throw new RangeError(`the issuer ${issuer} is not a URL: give the URL of its keys`);
  return checkTrustworthy(url);
}
