import { randomBase62 } from '../../ids.ts';
import type { CallerLimits } from '../../caller-policy.ts';
import { findRefusal, type Standing, toDecision } from './decide.ts';
import { limitsUnavailable } from './limit-errors.ts';
import type { Decision, Limiter, Reservation, UsedTokens } from './limiter.ts';
import { endOfDay, endOfMonth, startOfDay, startOfMonth } from './periods.ts';
import { RedisConnection, type RedisOptions, RedisScript } from './redis-connection.ts';
import { RENEW_SCRIPT, RESERVE_SCRIPT, SETTLE_SCRIPT } from './redis-scripts.ts';

export interface RedisLimiterOptions extends RedisOptions {
  /** What days and months begin with. */
  readonly used: UsedTokens;
  /** Wall clock, in milliseconds. @default Redis's own, which all replicas share */
  readonly now?: () => number;
  /** How long a running request counts without a sign of life of its replica, in milliseconds. @default 1 minute */
  readonly lease?: number;
}

interface LateSettlement {
  readonly reservation: Reservation;
  readonly tokens: number;
}

const RESERVE = new RedisScript(RESERVE_SCRIPT);
const SETTLE = new RedisScript(SETTLE_SCRIPT);
const RENEW = new RedisScript(RENEW_SCRIPT);

const LEASE = 60_000;
const RENEWALS_PER_LEASE = 3;

/** Settlements kept for a Redis that is away. What is lost beyond that stays counted as it was reserved. */
const MAX_LATE = 100_000;

/** @throws {Error} that says which server cannot be used, without its credentials */
export async function openRedisLimiter(options: RedisLimiterOptions): Promise<Limiter> {
  return new RedisLimiter(await RedisConnection.open(options), options);
}

/**
 * Limits that replicas share, in Redis. One round trip a reservation. What a replica holds that was killed ends by
 * itself: its running requests with their lease, its tokens of the minute with the minute; of the day and month they
 * stay counted, as the ledger has them.
 */
class RedisLimiter implements Limiter {
  readonly #redis: RedisConnection;
  readonly #used: UsedTokens;
  readonly #now: (() => number) | undefined;
  readonly #lease: number;
  readonly #onError: (error: unknown) => void;
  readonly #running = new Map<string, Reservation>();
  readonly #late = new Map<string, LateSettlement>();
  readonly #renewal: NodeJS.Timeout;

  constructor(redis: RedisConnection, { used, now, lease = LEASE, onError }: RedisLimiterOptions) {
    this.#redis = redis;
    this.#used = used;
    this.#now = now;
    this.#lease = lease;
    this.#onError = onError;
    this.#renewal = setInterval(() => void this.#keepUp(), lease / RENEWALS_PER_LEASE);
    this.#renewal.unref();
  }

  async reserve(principal: string, limits: CallerLimits, wanted: number): Promise<Decision> {
    const reservation: Reservation = {
      id: randomBase62(),
      principal,
      limits,
      tokens: Math.max(1, Math.ceil(wanted)),
      at: this.#now?.() ?? Date.now(),
    };
    try {
      const reply = await this.#reserve(reservation);
      const standing = readStanding(reservation, reply);
      if (reply[0] === 'granted') {
        this.#running.set(reservation.id, reservation);
        return toDecision(reservation, undefined, standing);
      }
      return toDecision(reservation, findRefusal(reservation, standing), standing);
    } catch (error) {
      // Redis may have taken it without our knowing.
      this.#settleLater({ reservation, tokens: 0 });
      throw limitsUnavailable(error);
    }
  }

  async settle(reservation: Reservation, tokens: number): Promise<void> {
    this.#running.delete(reservation.id);
    try {
      await this.#settle({ reservation, tokens });
    } catch (error) {
      this.#onError(error);
      this.#settleLater({ reservation, tokens });
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#renewal);
    await this.#settleLate().catch(this.#onError);
    await this.#redis.close();
  }

  async #reserve(reservation: Reservation): Promise<readonly string[]> {
    const reply = await this.#tryReserve(reservation, ['', '']);
    return reply[0] === 'unread'
      ? await this.#tryReserve(reservation, await this.#readUsed(reservation))
      : reply;
  }

  async #tryReserve(reservation: Reservation, before: readonly string[]): Promise<readonly string[]> {
    const { limits, at } = reservation;
    const reply = await this.#redis.run(RESERVE, {
      keys: keysOf(reservation),
      arguments: [
        this.#time(),
        reservation.id,
        String(reservation.tokens),
        String(this.#lease),
        optional(limits.requestsPerMinute),
        optional(limits.tokensPerMinute),
        optional(limits.concurrentRequests),
        optional(limits.tokensPerDay),
        optional(limits.tokensPerMonth),
        ...before,
        secondsKept(endOfDay(at) - at),
        secondsKept(endOfMonth(at) - at),
      ],
    });
    return reply as string[];
  }

  /** Where several replicas read at once, the first to be back decides. */
  async #readUsed({ principal, at }: Reservation): Promise<readonly string[]> {
    const used = await Promise.all([
      this.#used.usedTokens(principal, new Date(startOfDay(at)), new Date(endOfDay(at))),
      this.#used.usedTokens(principal, new Date(startOfMonth(at)), new Date(endOfMonth(at))),
    ]);
    return used.map(String);
  }

  async #settle({ reservation, tokens }: LateSettlement): Promise<void> {
    const { limits } = reservation;
    await this.#redis.run(SETTLE, {
      keys: keysOf(reservation),
      arguments: [
        this.#time(),
        reservation.id,
        String(tokens - reservation.tokens),
        optional(limits.tokensPerMinute),
        limits.tokensPerDay === undefined ? '' : '1',
        limits.tokensPerMonth === undefined ? '' : '1',
      ],
    });
  }

  #settleLater(settlement: LateSettlement): void {
    if (this.#late.size < MAX_LATE) this.#late.set(settlement.reservation.id, settlement);
  }

  async #keepUp(): Promise<void> {
    try {
      await this.#settleLate();
      await this.#renewAll();
    } catch (error) {
      this.#onError(error);
    }
  }

  async #settleLate(): Promise<void> {
    for (const [id, settlement] of this.#late) {
      await this.#settle(settlement);
      this.#late.delete(id);
    }
  }

  async #renewAll(): Promise<void> {
    const byCaller = Map.groupBy(this.#running.values(), (reservation) => keysOf(reservation)[1]);
    for (const [key, reservations] of byCaller) {
      await this.#redis.run(RENEW, {
        keys: [key],
        arguments: [this.#time(), String(this.#lease), ...reservations.map(({ id }) => id)],
      });
    }
  }

  #time(): string {
    return optional(this.#now?.());
  }
}

/** The part in braces decides on which server of a cluster a key is: all keys of a caller are on one. */
function keysOf({ principal, at }: Reservation): readonly [string, string, string, string] {
  const caller = `parlance:{${encodeURIComponent(principal)}}`;
  const day = new Date(at).toISOString().slice(0, 'YYYY-MM-DD'.length);
  const month = day.slice(0, 'YYYY-MM'.length);
  return [`${caller}:rates`, `${caller}:running`, `${caller}:day:${day}`, `${caller}:month:${month}`];
}

/** A day longer than it lasts: requests that run over its end are settled after it. */
function secondsKept(milliseconds: number): string {
  return String(Math.ceil(milliseconds / 1000) + 86_400);
}

function optional(value: number | undefined): string {
  return value === undefined ? '' : String(value);
}

/** @param reply what {@link RESERVE_SCRIPT} answers */
function readStanding({ limits, at }: Reservation, reply: readonly string[]): Standing {
  const [requests, tokens, running, day, month] = reply
    .slice(1)
    .map((text) => (text === '' ? undefined : Number(text)));
  const bucket = (capacity: number | undefined, level: number | undefined) =>
    capacity === undefined || level === undefined ? undefined : { capacity, level, at };
  return {
    requests: bucket(limits.requestsPerMinute, requests),
    tokens: bucket(limits.tokensPerMinute, tokens),
    running,
    day,
    month,
  };
}
