import type { Rate, Rates } from './limiter.ts';

/**
 * The headers OpenAI sends with every answer, for the limits the caller has.
 * https://platform.openai.com/docs/guides/rate-limits
 */
export function rateLimitHeaders(rates: Rates): Readonly<Record<string, string>> {
  return { ...headersOf('requests', rates.requests), ...headersOf('tokens', rates.tokens) };
}

function headersOf(what: string, rate: Rate | undefined): Readonly<Record<string, string>> {
  if (rate === undefined) return {};
  return {
    [`x-ratelimit-limit-${what}`]: String(rate.limit),
    [`x-ratelimit-remaining-${what}`]: String(rate.remaining),
    [`x-ratelimit-reset-${what}`]: formatDuration(rate.resetSeconds),
  };
}

/** As OpenAI writes durations: `0s`, `20ms`, `1.5s`, `6m0s`. */
export function formatDuration(seconds: number): string {
  const milliseconds = Math.ceil(seconds * 1000);
  if (milliseconds > 0 && milliseconds < 1000) return `${milliseconds}ms`;
  const minutes = Math.floor(milliseconds / 60_000);
  const rest = (milliseconds % 60_000) / 1000;
  if (minutes === 0) return `${rest}s`;
  const hours = Math.floor(minutes / 60);
  return `${hours === 0 ? '' : `${hours}h`}${minutes % 60}m${rest}s`;
}
