import type { CallerLimits, LimitName } from '../../caller-policy.ts';
import type { Decision, Rate, Rates, Refusal, Reservation } from './limiter.ts';
import { endOfDay, endOfMonth } from './periods.ts';
import { type Bucket, timeUntil } from './token-bucket.ts';

/** How a caller's limits stand. `undefined` where the caller has no such limit. */
export interface Standing {
  readonly requests: Bucket | undefined;
  readonly tokens: Bucket | undefined;
  /** Requests that run. */
  readonly running: number | undefined;
  /** Tokens used of this day and month. */
  readonly day: number | undefined;
  readonly month: number | undefined;
}

/** Sums of fractions miss whole numbers by a little. */
const TOLERANCE = 1e-6;

/** A request whose end nobody knows stands in the way of another. In seconds. */
const RUNNING_RETRY = 1;

/**
 * Which limits a request does not fit into. The limiters decide by the same rules, each where its numbers are.
 *
 * @param wanted the reservation that is asked for
 * @param standing before anything is taken
 */
export function findRefusal(wanted: Reservation, standing: Standing): Refusal | undefined {
  const refusals = [...rateRefusals(wanted, standing), ...useRefusals(wanted, standing)];
  return refusals.toSorted((one, other) => waitOf(other) - waitOf(one))[0];
}

function* rateRefusals({ tokens }: Reservation, standing: Standing): Generator<Refusal> {
  const buckets: readonly [LimitName, Bucket | undefined, number][] = [
    ['requestsPerMinute', standing.requests, 1],
    ['tokensPerMinute', standing.tokens, tokens],
  ];
  for (const [limit, bucket, requested] of buckets) {
    if (bucket === undefined || requested <= bucket.level + TOLERANCE) continue;
    yield {
      limit,
      allowed: bucket.capacity,
      remaining: Math.floor(bucket.level),
      requested,
      retryAfterSeconds: seconds(timeUntil(bucket, requested)),
    };
  }
}

function* useRefusals({ limits, tokens, at }: Reservation, standing: Standing): Generator<Refusal> {
  const uses: readonly [keyof CallerLimits, number | undefined, { requested: number; wait: number }][] = [
    ['concurrentRequests', standing.running, { requested: 1, wait: RUNNING_RETRY * 1000 }],
    ['tokensPerDay', standing.day, { requested: tokens, wait: endOfDay(at) - at }],
    ['tokensPerMonth', standing.month, { requested: tokens, wait: endOfMonth(at) - at }],
  ];
  for (const [limit, used, { requested, wait }] of uses) {
    const allowed = limits[limit];
    if (allowed === undefined || used === undefined || used + requested <= allowed) continue;
    yield {
      limit,
      allowed,
      remaining: allowed - used,
      requested,
      retryAfterSeconds: seconds(requested > allowed ? Infinity : wait),
    };
  }
}

function waitOf({ retryAfterSeconds = Infinity }: Refusal): number {
  return retryAfterSeconds;
}

function seconds(milliseconds: number): number | undefined {
  return milliseconds === Infinity ? undefined : milliseconds / 1000;
}

/**
 * @param refusal what {@link findRefusal} found before
 * @param standing after what was granted is taken
 */
export function toDecision(
  reservation: Reservation,
  refusal: Refusal | undefined,
  standing: Standing,
): Decision {
  const rates = ratesOf(standing);
  return refusal === undefined ? { granted: true, reservation, rates } : { granted: false, refusal, rates };
}

function ratesOf({ requests, tokens }: Standing): Rates {
  return {
    ...(requests === undefined ? {} : { requests: rateOf(requests) }),
    ...(tokens === undefined ? {} : { tokens: rateOf(tokens) }),
  };
}

function rateOf(bucket: Bucket): Rate {
  return {
    limit: bucket.capacity,
    remaining: Math.max(0, Math.floor(bucket.level + TOLERANCE)),
    resetSeconds: timeUntil(bucket, bucket.capacity) / 1000,
  };
}
