/** Share of the load for a replica that has just recovered, or that one request is to try. */
export const LEAST_SHARE = 0.1;

/**
 * Share of the load for a replica that recovered `sinceMs` ago: rises from a tenth to all over `durationMs`. A model
 * server that has just started compiles and fills its caches; a full load at once would bring it down again.
 */
export function slowStartShare(sinceMs: number, durationMs: number): number {
  if (sinceMs >= durationMs) return 1;
  return LEAST_SHARE + ((1 - LEAST_SHARE) * Math.max(0, sinceMs)) / durationMs;
}
