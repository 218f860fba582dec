/**
 * The value that a share of all values does not exceed.
 *
 * @param share from 0 to 1, such as 0.99
 * @throws {RangeError} without values
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (value === undefined) throw new RangeError('a percentile needs at least one value');
  return value;
}
