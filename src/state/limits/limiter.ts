/**
 * Limits of callers. What a request may use is reserved before it is dispatched and set right when it is over, so that
 * requests running side by side cannot use together what none of them could alone.
 */
import type { CallerLimits, LimitName } from '../../caller-policy.ts';

export interface Limiter {
  /**
   * Takes one request and `tokens` from every limit of the caller, or nothing from any.
   *
   * Limits of a minute are buckets that hold as much as the limit and fill up evenly within a minute, as OpenAI's do.
   * A bucket is two numbers, whatever the limit; giving back what was not used is an addition; and it says when a
   * refused request will fit. A caller that was idle may so use a full bucket at once and what flows in after it: up
   * to twice the limit in the first minute, exactly the limit in the long run.
   *
   * @param tokens the most the request may use, prompt and answer together; at least 1 is taken
   * @throws {GatewayError} `overloaded` when the limits cannot be checked
   */
  reserve(principal: string, limits: CallerLimits, tokens: number): Promise<Decision>;

  /**
   * Puts what was used in the place of what was reserved, whichever way the request ended. Where more was used, the
   * caller is in debt and waits. A second call for the same reservation changes nothing.
   *
   * @param tokens what was used; 0 when no model was asked. The request itself stays counted.
   */
  settle(reservation: Reservation, tokens: number): Promise<void>;

  close(): Promise<void>;
}

/** A part of a caller's limits that is taken. */
export interface Reservation {
  readonly id: string;
  readonly principal: string;
  readonly limits: CallerLimits;
  readonly tokens: number;
  /** When, in milliseconds since 1970. The day and month it belongs to. */
  readonly at: number;
}

export type Decision =
  | { readonly granted: true; readonly reservation: Reservation; readonly rates: Rates }
  | { readonly granted: false; readonly refusal: Refusal; readonly rates: Rates };

/** The limits of a minute, where the caller has them. */
export interface Rates {
  readonly requests?: Rate;
  readonly tokens?: Rate;
}

export interface Rate {
  readonly limit: number;
  /** What could be taken now, a whole number. */
  readonly remaining: number;
  /** Until all of the limit is there again. */
  readonly resetSeconds: number;
}

export interface Refusal {
  /** Of several, the one that stands in the way for longest. */
  readonly limit: LimitName;
  readonly allowed: number;
  /** What was left of it; below 0 when more was used than was reserved. */
  readonly remaining: number;
  readonly requested: number;
  /** When the request will fit; `undefined` when it never will. Of running requests nobody knows, so then it is 1. */
  readonly retryAfterSeconds: number | undefined;
}

/** Where is written what callers have used: the limits of days and months begin with it, whatever restarts. */
export interface UsedTokens {
  /** Tokens of the caller's requests from `from` until before `to`, those still reserved included. */
  usedTokens(principal: string, from: Date, to: Date): Promise<number>;
}
