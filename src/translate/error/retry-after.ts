/**
 * Seconds of a `retry-after` header, fractions included; 0 without one. RFC 9110 section 10.2.3. The form with a date is
 * passed over: it takes a clock to read.
 */
export function retryAfterSeconds(header: string | undefined): number {
  return header !== undefined && /^\s*\d{1,9}(?:\.\d+)?\s*$/.test(header) ? Number(header) : 0;
}
