import { GatewayError } from '../../errors.ts';
import type { LimitName } from '../../caller-policy.ts';
import type { Refusal } from './limiter.ts';

interface LimitText {
  /** What the limit is about, for a message. */
  readonly of: string;
  /** Whether it is a budget: what is used up stays so until the next day or month. */
  readonly isBudget?: boolean;
}

const LIMIT_TEXTS: Readonly<Record<LimitName, LimitText>> = {
  requestsPerMinute: { of: 'requests per minute' },
  tokensPerMinute: { of: 'tokens per minute' },
  concurrentRequests: { of: 'requests at the same time' },
  tokensPerDay: { of: 'tokens per day (UTC)', isBudget: true },
  tokensPerMonth: { of: 'tokens per month (UTC)', isBudget: true },
};

/**
 * A refusal as the answer to a client: 429, `rate_limit_exceeded` where waiting a moment helps, `insufficient_quota`
 * where a budget is used up. OpenAI's SDKs are told not to retry where a retry is pointless.
 */
export function toLimitError({
  limit,
  allowed,
  remaining,
  requested,
  retryAfterSeconds,
}: Refusal): GatewayError {
  const { of, isBudget = false } = LIMIT_TEXTS[limit];
  const state = `${allowed} ${of}, left: ${Math.max(0, remaining)}, requested: ${requested}.`;
  const advice =
    retryAfterSeconds === undefined
      ? 'The request asks for more than the limit: ask for less, for example with a smaller max_completion_tokens.'
      : `Try again in ${describeWait(retryAfterSeconds)}.`;
  return new GatewayError(
    isBudget ? 'insufficient_quota' : 'rate_limit_exceeded',
    `A limit of this caller is reached: ${state} ${advice}`,
    {
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      ...(isBudget || retryAfterSeconds === undefined ? { shouldRetry: false } : {}),
    },
  );
}

function describeWait(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 120) return `${whole} ${whole === 1 ? 'second' : 'seconds'}`;
  const minutes = Math.ceil(whole / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

/** Nobody is let through while it is not known what they have used. */
export function limitsUnavailable(cause: unknown): GatewayError {
  return new GatewayError(
    'overloaded',
    'The limits of this caller cannot be checked now: the store of limits does not answer. Try again in a moment.',
    { retryAfterSeconds: 1, cause },
  );
}
