import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { readClientCredential } from '../inbound/client-credential.ts';
import { CLOUD_PLATFORM_SCOPE } from '../outbound/credential.ts';
import type { AccessGrant, AccessTokens } from './access-tokens.ts';
import { parseObject } from './json-web-token.ts';
import { headerOf, jsonAnswer, type LocalAnswer, type LocalRequest } from './local-http.ts';
import type { LocalRegistry } from './local-registry.ts';
import { OAuthError } from './oauth-error.ts';
import { readScopes } from './scopes.ts';

export interface ImpersonationEndpointOptions {
  readonly registry: LocalRegistry;
  readonly accessTokens: AccessTokens;
  /** The account of the machine, which is in no registry. */
  readonly email: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What Google asks for; gcloud asks for the second alone. */
const SOURCE_SCOPES: readonly string[] = [CLOUD_PLATFORM_SCOPE, 'https://www.googleapis.com/auth/iam'];

const PATH = /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/;
const LIFETIME = /^(\d{1,6})(?:\.\d{1,9})?s$/;

/**
 * `generateAccessToken` of the IAM Credentials API: a token for another account. On this machine every registered
 * account may act for every other, but no token made that way lives longer than the one that was shown for it: else
 * one stolen token could be renewed for ever.
 */
export class ImpersonationEndpoint {
  readonly #options: ImpersonationEndpointOptions;

  constructor(options: ImpersonationEndpointOptions) {
    this.#options = options;
  }

  static has(path: string): boolean {
    return PATH.test(path);
  }

  async answer(request: LocalRequest): Promise<LocalAnswer> {
    const { accessTokens, now } = this.#options;
    const source = await this.#readSource(request);
    if (source === undefined) {
      const message = `Request needs a valid access token of this server with the scope ${CLOUD_PLATFORM_SCOPE}.`;
      return refusal(401, 'UNAUTHENTICATED', message);
    }
    const email = await this.#findTarget(request.path);
    if (email === undefined) {
      return refusal(
        404,
        'NOT_FOUND',
        'There is no such service account. `parlance auth local` creates them.',
      );
    }
    const wanted = readWanted(request.body);
    if (wanted === undefined) {
      return refusal(
        400,
        'INVALID_ARGUMENT',
        'The body needs "scope", a list of scopes; "lifetime" is a text such as "3600s".',
      );
    }
    const notAfter = Math.min(source.expiresAt, Math.floor(now() / 1000) + wanted.lifetimeSeconds);
    const { value, expiresAt } = await accessTokens.issue(email, wanted.scopes, notAfter);
    return jsonAnswer(200, { accessToken: value, expireTime: secondsToTime(expiresAt) });
  }

  async #readSource(request: LocalRequest): Promise<AccessGrant | undefined> {
    const token = readClientCredential({ authorization: headerOf(request, 'authorization') });
    const reading = token === undefined ? undefined : await this.#options.accessTokens.read(token);
    if (reading?.state !== 'valid') return undefined;
    const { grant } = reading;
    return SOURCE_SCOPES.some((scope) => grant.scopes.includes(scope)) ? grant : undefined;
  }

  async #findTarget(path: string): Promise<string | undefined> {
    const email = PATH.exec(path)?.[1]?.replace('%40', '@') ?? '';
    const isKnown = email === this.#options.email || (await this.#options.registry.keysOf(email)).length > 0;
    return isKnown ? email : undefined;
  }
}

interface WantedToken {
  readonly scopes: readonly string[];
  readonly lifetimeSeconds: number;
}

function readWanted(body: string): WantedToken | undefined {
  const { scope, lifetime = '3600s' }: JsonObject = parseObject(Buffer.from(body)) ?? {};
  const seconds = typeof lifetime === 'string' ? Number(LIFETIME.exec(lifetime)?.[1]) : Number.NaN;
  if (!Array.isArray(scope) || !scope.every((text) => typeof text === 'string') || !(seconds > 0))
    return undefined;
  try {
    return { scopes: readScopes(scope.join(' ')), lifetimeSeconds: seconds };
  } catch (error) {
    if (error instanceof OAuthError) return undefined;
    throw error;
  }
}

function secondsToTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** In the envelope of Google's APIs. */
function refusal(code: number, status: string, message: string): LocalAnswer {
  return jsonAnswer(code, { error: { code, message, status } });
}
