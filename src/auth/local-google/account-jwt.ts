import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { isSignedBy, type JsonWebToken } from './json-web-token.ts';
import type { LocalRegistry } from './local-registry.ts';

/** Clocks of machine and container may differ by this, in seconds. */
const LEEWAY = 60;

/** Longest life of such a JWT, in seconds. Google's bound. */
const MAX_LIFETIME = 3600;

/**
 * What is wrong with a JWT: `unknown-key` when nobody here has the key it names, `signature` when the key did not sign
 * it, `times` when its `iat` and `exp` are missing or out of order, `expired` when they were right once.
 */
export type AccountJwtProblem = 'unknown-key' | 'signature' | 'times' | 'expired';

export interface AccountJwt {
  readonly email: string;
  /** To be believed: signature and times are right. Audience and scope are still to be judged. */
  readonly claims: JsonObject;
}

/**
 * A JWT that a service account signed itself, as assertion (RFC 7523 section 3) or as bearer token: checked against the
 * registered keys of the account it names.
 *
 * @param now milliseconds since the epoch
 * @throws {GatewayError} `internal_error` when the registry cannot be read
 */
export async function readAccountJwt(
  jwt: JsonWebToken,
  registry: LocalRegistry,
  now: number,
): Promise<AccountJwt | AccountJwtProblem> {
  const { iss } = jwt.claims;
  if (typeof iss !== 'string') return 'unknown-key';
  const keys = await candidateKeys(jwt, iss, registry);
  if (keys.length === 0) return 'unknown-key';
  if (!keys.some(({ publicKey }) => isSignedBy(jwt, publicKey))) return 'signature';
  return checkTimes(jwt.claims, now / 1000) ?? { email: iss, claims: jwt.claims };
}

/** The key it names, if that is one of its issuer's; all of the issuer's when it names none. */
async function candidateKeys({ header }: JsonWebToken, email: string, registry: LocalRegistry) {
  const { kid } = header;
  if (kid === undefined) return registry.keysOf(email);
  const key = typeof kid === 'string' ? await registry.findKey(kid) : undefined;
  return key?.email === email ? [key] : [];
}

function checkTimes({ iat, exp, nbf }: JsonObject, now: number): 'times' | 'expired' | undefined {
  if (typeof iat !== 'number' || typeof exp !== 'number' || iat < 0) return 'times';
  if (exp <= iat || exp > iat + MAX_LIFETIME + LEEWAY || iat > now + LEEWAY) return 'times';
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= now + LEEWAY)) return 'times';
  return exp + LEEWAY <= now ? 'expired' : undefined;
}
