/** The middle value; the mean of the two middle ones for an even count. @throws {RangeError} without values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('median needs at least one value');
  return (lower + upper) / 2;
}
