import type { TrackedReplica } from './tracked-replica.ts';

/**
 * The replica to ask next: one that did not ask to be spared, then the one with the fewest requests in flight for its
 * share. Ties are broken at random, in proportion to the shares, so that the share also holds for one request at a time.
 *
 * @param random from 0 up to, but not including, 1
 */
export function chooseReplica(
  candidates: Iterable<TrackedReplica>,
  random: () => number,
): TrackedReplica | undefined {
  let best: { replica: TrackedReplica; load: number; isSpared: boolean } | undefined;
  let tiedShares = 0;
  for (const replica of candidates) {
    const { share, isSpared } = replica;
    const load = replica.inFlight / share;
    const order = best === undefined ? -1 : Number(isSpared) - Number(best.isSpared) || load - best.load;
    if (order > 0) continue;
    tiedShares = order < 0 ? share : tiedShares + share;
    // Each of those tied stays with its share's probability, without a list of them.
    if (order < 0 || random() * tiedShares < share) best = { replica, load, isSpared };
  }
  return best?.replica;
}
