/** A bucket that holds `capacity` and fills up evenly within a minute. */
export interface Bucket {
  readonly capacity: number;
  /** Below 0 when in debt. */
  readonly level: number;
  /** When it had this level, in milliseconds. */
  readonly at: number;
}

const MINUTE = 60_000;

/** The bucket at another time; full when there was none. A new capacity takes effect at once. */
export function refill(bucket: Bucket | undefined, capacity: number, now: number): Bucket {
  if (bucket === undefined) return { capacity, level: capacity, at: now };
  // A clock that was put back must not stop the flow.
  const elapsed = Math.max(0, now - bucket.at);
  return { capacity, level: Math.min(capacity, bucket.level + (elapsed * capacity) / MINUTE), at: now };
}

/** Takes an amount out; a negative one is put back. */
export function take(bucket: Bucket, amount: number): Bucket {
  return { ...bucket, level: Math.min(bucket.capacity, bucket.level - amount) };
}

/** Milliseconds until a level is reached; `Infinity` when it never is. */
export function timeUntil(bucket: Bucket, level: number): number {
  if (level <= bucket.level) return 0;
  return level > bucket.capacity ? Infinity : Math.ceil(((level - bucket.level) * MINUTE) / bucket.capacity);
}
