import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseReplica } from '../../../src/upstream/replicas/choose-replica.ts';
import type { TrackedReplica } from '../../../src/upstream/replicas/tracked-replica.ts';

interface Load {
  readonly inFlight: number;
  readonly share?: number;
  readonly isSpared?: boolean;
}

const replicas = (loads: readonly Load[]): TrackedReplica[] =>
  loads.map((load) => ({ share: 1, isSpared: false, ...load }) as TrackedReplica);

/** Indices of the replicas chosen for evenly spread random numbers. */
function chosen(loads: readonly Load[]): number[] {
  const candidates = replicas(loads);
  return Array.from({ length: 100 }, (_, at) => {
    const choice = chooseReplica(candidates, () => at / 100);
    return choice === undefined ? -1 : candidates.indexOf(choice);
  });
}

describe('chooseReplica', () => {
  it.each<{ name: string; loads: Load[]; choices: number[] }>([
    { name: 'none', loads: [], choices: [-1] },
    { name: 'the only one', loads: [{ inFlight: 1000, isSpared: true, share: 0.1 }], choices: [0] },
    {
      name: 'the fewest in flight',
      loads: [{ inFlight: 3 }, { inFlight: 1 }, { inFlight: 2 }],
      choices: [1],
    },
    {
      name: 'either of two tied',
      loads: [{ inFlight: 2 }, { inFlight: 1 }, { inFlight: 1 }],
      choices: [1, 2],
    },
    {
      name: 'the fewest for its share',
      loads: [{ inFlight: 9 }, { inFlight: 1, share: 0.1 }],
      choices: [0],
    },
    {
      name: 'one with a small share when others have much to do',
      loads: [{ inFlight: 11 }, { inFlight: 1, share: 0.1 }],
      choices: [1],
    },
    {
      name: 'one that need not be spared, however much it has to do',
      loads: [
        { inFlight: 0, isSpared: true },
        { inFlight: 50, share: 0.1 },
      ],
      choices: [1],
    },
    {
      name: 'the fewest in flight when all are to be spared',
      loads: [
        { inFlight: 2, isSpared: true },
        { inFlight: 1, isSpared: true },
      ],
      choices: [1],
    },
  ])('takes $name', ({ loads, choices }) => {
    expect(new Set(chosen(loads))).toEqual(new Set(choices));
  });

  it('breaks ties in proportion to the shares', () => {
    const counts = [0, 0, 0];
    const candidates = replicas([{ inFlight: 0 }, { inFlight: 0, share: 0.5 }, { inFlight: 0, share: 0.5 }]);
    let state = 1;
    // A linear congruential generator: the same numbers in each run.
    const random = (): number => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
    for (let request = 0; request < 10_000; request++) {
      const at = candidates.indexOf(chooseReplica(candidates, random) as TrackedReplica);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    expect(counts.map((count) => Math.round(count / 500))).toEqual([10, 5, 5]);
  });

  it('takes none that has more to do for its share than another of its kind', () => {
    const load = fc.record({
      inFlight: fc.nat({ max: 20 }),
      share: fc.constantFrom(0.1, 0.5, 1),
      isSpared: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(load, { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (loads, at) => {
          const choice = chooseReplica(replicas(loads), () => at) as TrackedReplica;
          const peers = loads.some(({ isSpared }) => !isSpared)
            ? loads.filter((one) => !one.isSpared)
            : loads;
          expect(choice.isSpared).toBe(peers[0]?.isSpared);
          expect(choice.inFlight / choice.share).toBe(
            Math.min(...peers.map(({ inFlight, share }) => inFlight / share)),
          );
        },
      ),
    );
  });
});
