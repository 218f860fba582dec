/**
 * Rounds of a measurement: as many as wanted, but no further one once the time is up, so that a busy machine makes
 * the benchmark less exact and not endless. There is always one.
 */
export function* timedRounds({ most, seconds }: { most: number; seconds: number }): Generator<number, void> {
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < most; round++) {
    if (round > 0 && performance.now() > end) return;
    yield round;
  }
}
