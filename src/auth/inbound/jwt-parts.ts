import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';

/** Longest credential that is looked at, in bytes: as much as Node.js takes of all headers together. */
export const MAX_CREDENTIAL_LENGTH = 16 * 1024;

/** What stands in a JWT. Nothing of it is proved. */
export interface JwtParts {
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

/**
 * The parts of a signed JWT in compact form. RFC 7519 section 7.2.
 *
 * @returns `undefined` for anything else
 */
export function readJwt(credential: string): JwtParts | undefined {
  const [first, second, third, ...more] = credential.split('.', 4);
  if (first === undefined || second === undefined || third === undefined || more.length > 0) return undefined;
  const header = readObject(first);
  const claims = header === undefined ? undefined : readObject(second);
  return header === undefined || claims === undefined ? undefined : { header, claims };
}

/**
 * Whether all parts are written in the one right way. The last character of a part may hold bits that no decoder looks
 * at: with them, one token would have several forms.
 */
export function isCanonical(credential: string): boolean {
  return credential.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

function readObject(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
