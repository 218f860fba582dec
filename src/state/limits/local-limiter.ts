import { randomBase62 } from '../../ids.ts';
import type { CallerLimits } from '../../caller-policy.ts';
import { findRefusal, type Standing, toDecision } from './decide.ts';
import { limitsUnavailable } from './limit-errors.ts';
import type { Decision, Limiter, Reservation, UsedTokens } from './limiter.ts';
import { PeriodUse } from './period-use.ts';
import { endOfDay, endOfMonth, startOfDay, startOfMonth } from './periods.ts';
import { type Bucket, refill, take } from './token-bucket.ts';

export interface LocalLimiterOptions {
  /** What days and months begin with. */
  readonly used: UsedTokens;
  /** Wall clock, in milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** The day and month of a reservation, where they are limited. */
interface Uses {
  readonly day: PeriodUse | undefined;
  readonly month: PeriodUse | undefined;
}

interface Caller {
  requests: Bucket | undefined;
  tokens: Bucket | undefined;
  day: PeriodUse | undefined;
  month: PeriodUse | undefined;
  /** Reservations that were not settled, by id. */
  readonly running: Map<string, Uses>;
  lastSeen: number;
}

const MAX_CALLERS = 10_000;

/**
 * From this time on a caller without running requests may be forgotten, in milliseconds: its buckets are full again
 * (debts apart, which are forgiven) and what it used is in the ledger.
 */
const FORGET_AFTER = 120_000;

/**
 * Limits of one server process, in its memory. A reservation writes nothing and waits for nothing, except that the
 * first of a caller's day reads what the day began with. Several replicas need a limiter that they share.
 */
export class LocalLimiter implements Limiter {
  readonly #used: UsedTokens;
  readonly #now: () => number;
  /** Least recently seen first. */
  readonly #callers = new Map<string, Caller>();

  constructor({ used, now = Date.now }: LocalLimiterOptions) {
    this.#used = used;
    this.#now = now;
  }

  async reserve(principal: string, limits: CallerLimits, wanted: number): Promise<Decision> {
    const tokens = Math.max(1, Math.ceil(wanted));
    const reservation = { id: randomBase62(), principal, limits, tokens, at: this.#now() };
    const caller = this.#callerOf(principal);
    const uses = this.#usesOf(caller, reservation);
    await Promise.all([uses.day?.read(), uses.month?.read()]).catch((error: unknown) => {
      throw limitsUnavailable(error);
    });
    // From here to the end nothing waits: what is found to be free is taken.
    const now = this.#now();
    const before = standingOf(caller, { limits, uses, now });
    const refusal = findRefusal(reservation, before);
    if (refusal !== undefined) return toDecision(reservation, refusal, before);
    caller.requests = before.requests && take(before.requests, 1);
    caller.tokens = before.tokens && take(before.tokens, tokens);
    addTokens(uses, tokens);
    caller.running.set(reservation.id, uses);
    return toDecision(reservation, undefined, standingOf(caller, { limits, uses, now }));
  }

  async settle(reservation: Reservation, tokens: number): Promise<void> {
    const caller = this.#callers.get(reservation.principal);
    const uses = caller?.running.get(reservation.id);
    if (caller === undefined || uses === undefined) return;
    caller.running.delete(reservation.id);
    addTokens(uses, tokens - reservation.tokens);
    const capacity = reservation.limits.tokensPerMinute;
    if (capacity === undefined) return;
    caller.tokens = take(refill(caller.tokens, capacity, this.#now()), tokens - reservation.tokens);
  }

  async close(): Promise<void> {}

  #callerOf(principal: string): Caller {
    const caller = this.#callers.get(principal) ?? {
      requests: undefined,
      tokens: undefined,
      day: undefined,
      month: undefined,
      running: new Map<string, Uses>(),
      lastSeen: 0,
    };
    caller.lastSeen = this.#now();
    this.#callers.delete(principal);
    this.#callers.set(principal, caller);
    this.#forgetIdle(caller.lastSeen - FORGET_AFTER);
    return caller;
  }

  #forgetIdle(before: number): void {
    for (const [principal, { lastSeen, running }] of this.#callers) {
      if (this.#callers.size <= MAX_CALLERS || lastSeen > before) return;
      if (running.size === 0) this.#callers.delete(principal);
    }
  }

  #usesOf(caller: Caller, { principal, limits, at }: Reservation): Uses {
    const current = (known: PeriodUse | undefined, from: number, to: number): PeriodUse => {
      if (known?.from === from && !known.hasFailed) return known;
      return new PeriodUse(from, this.#used.usedTokens(principal, new Date(from), new Date(to)));
    };
    const { tokensPerDay, tokensPerMonth } = limits;
    if (tokensPerDay !== undefined) caller.day = current(caller.day, startOfDay(at), endOfDay(at));
    if (tokensPerMonth !== undefined) caller.month = current(caller.month, startOfMonth(at), endOfMonth(at));
    return {
      day: tokensPerDay === undefined ? undefined : caller.day,
      month: tokensPerMonth === undefined ? undefined : caller.month,
    };
  }
}

function standingOf(
  caller: Caller,
  { limits, uses, now }: { limits: CallerLimits; uses: Uses; now: number },
): Standing {
  const { requestsPerMinute, tokensPerMinute } = limits;
  return {
    requests: requestsPerMinute === undefined ? undefined : refill(caller.requests, requestsPerMinute, now),
    tokens: tokensPerMinute === undefined ? undefined : refill(caller.tokens, tokensPerMinute, now),
    running: caller.running.size,
    day: uses.day?.tokens,
    month: uses.month?.tokens,
  };
}

function addTokens({ day, month }: Uses, tokens: number): void {
  day?.add(tokens);
  month?.add(tokens);
}
