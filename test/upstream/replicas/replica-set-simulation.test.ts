import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { anyStep, ReplicaSimulation } from './replica-simulation.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('any sequence of requests, verdicts and probes', () => {
  it('keeps the counts, chooses no open circuit and no replica with more to do than another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 50, maxLength: 300 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        async (steps, randoms) => {
          const simulation = new ReplicaSimulation(() => randoms.next().value as number);
          for (const one of steps) await simulation.run(one);
          await simulation.set.close();
          expect(simulation.violations).toEqual([]);
          vi.clearAllTimers();
        },
      ),
      { numRuns: 60 },
    );
  });
});
