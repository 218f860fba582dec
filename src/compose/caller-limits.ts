import type { CallerLimits, LimitName } from '../caller-policy.ts';
import type { LoadedConfig } from '../config/load.ts';

type WrittenLimits = LoadedConfig['auth']['limits'];

const WRITTEN_NAMES = {
  requestsPerMinute: 'requests_per_minute',
  tokensPerMinute: 'tokens_per_minute',
  concurrentRequests: 'concurrent_requests',
  tokensPerDay: 'tokens_per_day',
  tokensPerMonth: 'tokens_per_month',
} as const satisfies Record<LimitName, keyof WrittenLimits>;

/** The limits of the configuration, under the names of the rest of the server. Those that are not set are absent. */
export function callerLimits(written: WrittenLimits): CallerLimits {
  const entries = Object.entries(WRITTEN_NAMES).map(([name, key]) => [name, written[key]] as const);
  return Object.fromEntries(entries.filter(([, limit]) => limit !== undefined));
}
