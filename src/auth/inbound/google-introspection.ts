import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import type { Account } from './account-rules.ts';
import { mayHaveHostedDomain, readGoogleAccount } from './google-account.ts';
import {
  askEndpoint,
  EndpointFailure,
  type EndpointAnswer,
  type EndpointContext,
} from './identity-endpoint.ts';

/** What Google says about one of its access tokens. */
export interface GoogleTokenFacts {
  readonly account: Account;
  /** OAuth clients the token was issued to and for; for service accounts their unique id. */
  readonly audiences: readonly string[];
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface GoogleIntrospectionOptions {
  readonly tokeninfoUrl: URL;
  readonly userinfoUrl: URL;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Whether it depends on its organisation's domain if the account may call. */
  readonly needsDomain: (account: Account) => boolean;
}

/** Google's tokens live for an hour, by special permission for twelve. */
const LONGEST_LIFETIME = 12 * 3600;

/** With an error in the body, these mean the token; all others mean Google. */
const REFUSAL_STATUSES: ReadonlySet<number> = new Set([200, 400, 401]);

/**
 * Asks Google whose access token this is. The token travels in a header of a POST, as Google's own libraries send it: a
 * URL would stand in the logs of proxies.
 *
 * @returns `undefined` for a token that is not valid
 * @throws {EndpointFailure} the signal's reason when it aborted
 */
export async function introspectGoogleToken(
  token: string,
  options: GoogleIntrospectionOptions,
  context: EndpointContext,
): Promise<GoogleTokenFacts | undefined> {
  const { tokeninfoUrl, now, needsDomain } = options;
  const askedAt = now();
  const headers = { ...bearer(token), 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await askEndpoint({ url: tokeninfoUrl, method: 'POST', headers }, context);
  const info = readAnswer(answer, tokeninfoUrl);
  if (info === undefined) return undefined;
  const seconds = readLifetime(info, askedAt, tokeninfoUrl);
  if (seconds <= 0) return undefined;
  const account = readGoogleAccount({ ...info, sub: subjectOf(info) });
  return {
    account:
      mayHaveHostedDomain(account) && needsDomain(account)
        ? await addHostedDomain(account, token, options, context)
        : account,
    audiences: [info['aud'], info['azp']].filter((value) => typeof value === 'string'),
    scopes: typeof info['scope'] === 'string' ? info['scope'].split(' ') : [],
    expiresAt: askedAt + Math.min(seconds, LONGEST_LIFETIME) * 1000,
  };
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** @returns what is known about the token; `undefined` when it is not valid */
function readAnswer({ status, json }: EndpointAnswer, url: URL): JsonObject | undefined {
  if (isJsonObject(json)) {
    const isRefusal = json['error'] !== undefined || json['error_description'] !== undefined;
    if (status === 200 && !isRefusal) return json;
    if (isRefusal && REFUSAL_STATUSES.has(status)) return undefined;
  }
  throw new EndpointFailure(
    url,
    status === 200 ? 'answered with something else than facts' : `answered ${status}`,
  );
}

/** Seconds left. The relative figure counts first: it does not depend on the clock of this machine. */
function readLifetime(info: JsonObject, askedAt: number, url: URL): number {
  const relative = readSeconds(info['expires_in']);
  const absolute = readSeconds(info['exp']);
  const seconds = relative ?? (absolute === undefined ? undefined : absolute - askedAt / 1000);
  if (seconds === undefined) throw new EndpointFailure(url, 'did not say until when the token is valid');
  return seconds;
}

/** A number, which Google writes as a string. */
function readSeconds(value: unknown): number | undefined {
  const isSeconds = typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value));
  return isSeconds ? Number(value) : undefined;
}

/**
 * The account's own id. Tokens of service accounts show none, but were issued to the account itself; those of people
 * to an OAuth client, whose id is not made of digits alone and names nobody.
 */
function subjectOf(info: JsonObject): unknown {
  const { sub, azp } = info;
  return sub ?? (typeof azp === 'string' && /^\d+$/.test(azp) ? azp : undefined);
}

/** The organisation, which tokeninfo leaves out. Without the scopes it takes, the account has none. */
async function addHostedDomain(
  account: Account,
  token: string,
  { userinfoUrl }: GoogleIntrospectionOptions,
  context: EndpointContext,
): Promise<Account> {
  const { status, json } = await askEndpoint(
    { url: userinfoUrl, method: 'GET', headers: bearer(token) },
    context,
  );
  if (status === 401 || status === 403) return account;
  if (status !== 200 || !isJsonObject(json)) throw new EndpointFailure(userinfoUrl, `answered ${status}`);
  const profile = readGoogleAccount(json);
  return profile.email === account.email ? { ...account, domain: profile.domain } : account;
}
