import { createHmac, timingSafeEqual } from 'node:crypto';
import { randomBase62 } from '../../ids.ts';
import { decodeBase64Url, parseObject } from './json-web-token.ts';
import type { LocalKeys } from './local-keys.ts';

/** What an access token stands for. */
export interface AccessGrant {
  readonly email: string;
  readonly scopes: readonly string[];
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface IssuedToken {
  readonly value: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** Whole seconds its client may count on, at least 1. */
  readonly expiresIn: number;
}

/** What a credential turned out to be: none of ours, one of ours that was made up or changed, or a genuine one. */
export type AccessTokenReading =
  | { readonly state: 'foreign' }
  | { readonly state: 'forged' }
  | { readonly state: 'expired' | 'valid'; readonly grant: AccessGrant };

export interface AccessTokensOptions {
  readonly keys: LocalKeys;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Life of a token. */
  readonly lifetimeSeconds: number;
}

/** Starts as Google's do, and as none of Google's goes on. */
const PREFIX = 'ya29.parlance.';

/** Google's bound. */
const MAX_LENGTH = 2048;

/**
 * The access tokens of the local sign-in: `ya29.parlance.PAYLOAD.MAC`. The payload says whose token it is, what for and
 * until when; the MAC (HMAC-SHA256) is over everything before it. So no token is stored anywhere.
 */
export class AccessTokens {
  readonly #options: AccessTokensOptions;

  constructor(options: AccessTokensOptions) {
    this.#options = options;
  }

  /** @param notAfter seconds since the epoch; the token ends then if it would live longer */
  async issue(
    email: string,
    scopes: readonly string[],
    notAfter: number = Number.POSITIVE_INFINITY,
  ): Promise<IssuedToken> {
    const { keys, now, lifetimeSeconds } = this.#options;
    const issuedAt = Math.floor(now() / 1000);
    const expiresAt = Math.min(issuedAt + lifetimeSeconds, notAfter);
    // The id makes two tokens of one second differ.
    const payload = { sub: email, scope: scopes.join(' '), exp: expiresAt, jti: randomBase62(12) };
    const text = `${PREFIX}${Buffer.from(JSON.stringify(payload)).toString('base64url')}`;
    const mac = macOf(text, (await keys.get()).accessTokenSecret);
    // One second less, as Google says, so that no client uses it a moment too long.
    return { value: `${text}.${mac}`, expiresAt, expiresIn: Math.max(1, expiresAt - issuedAt - 1) };
  }

  /** @throws {GatewayError} `internal_error` when the signing keys cannot be read */
  async read(token: string): Promise<AccessTokenReading> {
    if (!token.startsWith(PREFIX)) return { state: 'foreign' };
    const cut = token.lastIndexOf('.');
    if (token.length >= MAX_LENGTH || cut < PREFIX.length) return { state: 'forged' };
    const text = token.slice(0, cut);
    const { accessTokenSecret } = await this.#options.keys.get();
    if (!isSame(macOf(text, accessTokenSecret), token.slice(cut + 1))) return { state: 'forged' };
    const grant = readPayload(text.slice(PREFIX.length));
    if (grant === undefined) return { state: 'forged' };
    const isExpired = this.#options.now() >= grant.expiresAt * 1000;
    return { state: isExpired ? 'expired' : 'valid', grant };
  }
}

function macOf(text: string, secret: Buffer): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}

/** Of the texts, not of the bytes they stand for: those have several spellings. In constant time. */
function isSame(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function readPayload(text: string): AccessGrant | undefined {
  const bytes = decodeBase64Url(text);
  const json = bytes === undefined ? undefined : parseObject(bytes);
  if (json === undefined) return undefined;
  const { sub, scope, exp } = json;
  if (typeof sub !== 'string' || typeof scope !== 'string' || typeof exp !== 'number') return undefined;
  return { email: sub, scopes: scope.split(' '), expiresAt: exp };
}
