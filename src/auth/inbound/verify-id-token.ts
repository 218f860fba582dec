import { type CryptoKey, errors, type JWSHeaderParameters, type JWTPayload, jwtVerify } from 'jose';

/** What a token is held against. */
export interface IdTokenExpectations {
  /** Accepted values of `iss`. */
  readonly issuers: readonly string[];
  /** Accepted values of `aud`. */
  readonly audiences: readonly string[];
  readonly requireJti: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly findKey: (header: JWSHeaderParameters) => Promise<CryptoKey>;
}

/** A token is not valid. The message continues "The ID token ...", and quotes only tokens with a right signature. */
export class InvalidIdToken extends Error {
  override readonly name = 'InvalidIdToken';
}

/** Signatures that only the holder of a private key can make. Never `none`, never a shared secret. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** What clocks may differ by, in seconds. */
const LEEWAY = 60;
/** Longest time to its end that a token may have left, in seconds. */
const LONGEST_LIFETIME = 24 * 3600;

const REQUIRED_CLAIMS = ['exp', 'iat', 'sub'];
/** Other types, such as logout tokens, are signed with the same keys for other ends. RFC 8725 section 3.11. */
const TYPES: ReadonlySet<unknown> = new Set([
  undefined,
  'jwt',
  'application/jwt',
  'at+jwt',
  'application/at+jwt',
]);

/**
 * Checks an ID token's signature and claims. RFC 7519 section 7.2, OpenID Connect Core 1.0 section 3.1.3.7. Like every
 * bearer token it works for whoever has it, as often as they like, until it expires.
 *
 * @returns its claims
 * @throws {InvalidIdToken} and what `findKey` throws that is no error of `jose`
 */
export async function verifyIdToken(token: string, expected: IdTokenExpectations): Promise<JWTPayload> {
  const { issuers, audiences, requireJti, now, findKey } = expected;
  const options = {
    algorithms: ALGORITHMS,
    issuer: [...issuers],
    audience: [...audiences],
    clockTolerance: LEEWAY,
    currentDate: new Date(now),
    requiredClaims: requireJti ? [...REQUIRED_CLAIMS, 'jti'] : REQUIRED_CLAIMS,
  };
  let keyFailure: { readonly error: unknown } | undefined;
  const getKey = async (header: JWSHeaderParameters): Promise<CryptoKey> => {
    try {
      return await findKey(header);
    } catch (error) {
      keyFailure = { error };
      throw error;
    }
  };
  try {
    const { payload, protectedHeader } = await jwtVerify(token, getKey, options);
    checkType(protectedHeader);
    checkRest(payload, expected);
    return payload;
  } catch (error) {
    if (error instanceof InvalidIdToken) throw error;
    if (keyFailure !== undefined && !(keyFailure.error instanceof errors.JOSEError)) throw keyFailure.error;
    throw new InvalidIdToken(describe(error));
  }
}

/**
 * Refuses what has expired before anybody is asked for keys: its key may be long gone, and its age says more.
 *
 * @param expiry `exp`, not proved
 * @throws {InvalidIdToken}
 */
export function checkExpiry(expiry: unknown, now: number): void {
  if (typeof expiry === 'number' && expiry <= now / 1000 - LEEWAY) {
    throw new InvalidIdToken(`expired at ${showTime(expiry)}`);
  }
}

function checkType({ typ }: JWSHeaderParameters): void {
  if (!TYPES.has(typ?.toLowerCase())) throw new InvalidIdToken('is signed for another use ("typ")');
}

/** What the library leaves to its callers. */
function checkRest({ exp, iat, aud }: JWTPayload, { audiences, now }: IdTokenExpectations): void {
  const seconds = now / 1000;
  if (exp !== undefined && exp > seconds + LONGEST_LIFETIME + LEEWAY) {
    throw new InvalidIdToken(`is valid until ${showTime(exp)}, more than 24 hours ahead`);
  }
  if (iat !== undefined && iat > seconds + LEEWAY) {
    throw new InvalidIdToken(`is issued in the future, at ${showTime(iat)}`);
  }
  // Whoever else it is meant for could use it here.
  const others = (Array.isArray(aud) ? aud : []).filter((audience) => !audiences.includes(audience));
  if (others.length > 0) {
    throw new InvalidIdToken(
      `is also meant for ${showList(others)}, which are not all audiences of this server`,
    );
  }
}

function describe(error: unknown): string {
  if (error instanceof errors.JWTExpired) return `expired at ${showTime(error.payload.exp)}`;
  if (error instanceof errors.JWTClaimValidationFailed) return describeClaim(error);
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return `is not signed with an accepted algorithm (${ALGORITHMS.join(', ')})`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'does not have a right signature';
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'is signed with a key that its issuer does not publish';
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return 'does not say which key of its issuer it is signed with ("kid")';
  }
  return 'cannot be verified: it is damaged, or does not fit the key of its issuer';
}

function describeClaim({ claim, reason, payload }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return `has no "${claim}"`;
  if (reason === 'invalid') return `has a "${claim}" that is no number`;
  if (claim === 'nbf') return `is not valid before ${showTime(payload.nbf)}`;
  if (claim === 'aud') {
    return `is meant for ${showList([payload.aud ?? ''].flat())}, which is not an audience of this server`;
  }
  return `has another "${claim}" than it should`;
}

/** Latest time a Date holds, in seconds. */
const MAX_TIME = 8_640_000_000_000;

function showTime(seconds: number | undefined): string {
  const time = Math.max(-MAX_TIME, Math.min(MAX_TIME, seconds ?? 0));
  return new Date(time * 1000).toISOString().replace('.000Z', 'Z');
}

const MAX_SHOWN_LENGTH = 200;

function showList(values: readonly unknown[]): string {
  return values
    .map((value) => JSON.stringify(value))
    .join(', ')
    .slice(0, MAX_SHOWN_LENGTH);
}
