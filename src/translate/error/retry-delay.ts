import { isJsonObject } from '../../wire/validation/structure-checks.ts';

/** Levels of objects and arrays that are searched. */
const MAX_LEVELS = 16;

/**
 * Seconds of the longest `retryDelay` anywhere in a value, fractions included. Google puts `RetryInfo` among the
 * details, proxies put those deeper. Contract section 11.3.
 */
export function readRetryDelay(value: unknown, levels = MAX_LEVELS): number | undefined {
  if (levels === 0 || typeof value !== 'object' || value === null) return undefined;
  let longest: number | undefined;
  for (const [name, member] of Object.entries(value)) {
    const delay = name === 'retryDelay' ? readDuration(member) : readRetryDelay(member, levels - 1);
    if (delay !== undefined) longest = Math.max(longest ?? 0, delay);
  }
  return longest;
}

/** `google.protobuf.Duration`: `"34.4s"` in proto3 JSON, seconds and nanoseconds in other forms. */
function readDuration(value: unknown): number | undefined {
  if (typeof value === 'string') {
    const seconds = /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(value)?.[1];
    return seconds === undefined ? undefined : Number(seconds);
  }
  if (!isJsonObject(value)) return undefined;
  const { seconds, nanos } = value;
  const delay = Number(seconds ?? 0) + Number(nanos ?? 0) / 1e9;
  return Number.isFinite(delay) && delay >= 0 ? delay : undefined;
}
