/** What a caller may ask for. An absent list allows everything, an empty one nothing. */
export interface CallerPolicy {
  /** Globs on the model name the client asks for. */
  readonly models?: readonly string[];
  /** Endpoint ids. */
  readonly endpoints?: readonly string[];
  /** Projects of the URL. */
  readonly projects?: readonly string[];
  readonly limits?: CallerLimits;
}

/** How much a caller may use: whole numbers from 1. Absent: no limit. */
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
