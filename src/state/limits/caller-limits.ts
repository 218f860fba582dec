/** How much a caller may use. Absent: no limit. */
export interface CallerLimits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrentRequests?: number;
  /** Tokens of a UTC day, prompt and answer together. */
  readonly tokensPerDay?: number;
  /** Tokens of a UTC month. */
  readonly tokensPerMonth?: number;
}

export type LimitName = keyof CallerLimits;
