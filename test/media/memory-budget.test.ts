import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryBudget, type Share } from '../../src/media/memory-budget.ts';

const never = new AbortController().signal;

/** Whether a promise has been settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return settled;
}

describe('MemoryBudget', () => {
  it('grants what there is, in the order of asking', async () => {
    const budget = new MemoryBudget(100);
    const first = await budget.take(60, never);
    const large = budget.take(50, never);
    const small = budget.take(10, never);
    expect(await isSettled(small)).toBe(false);
    first.shrink(40);
    expect(await isSettled(large)).toBe(true);
    expect(await isSettled(small)).toBe(true);
    expect(budget.free).toBe(0);
  });

  it('grants all there is to who wants more', async () => {
    const budget = new MemoryBudget(100);
    const share = await budget.take(1000, never);
    expect(share.bytes).toBe(100);
    share.release();
    share.release();
    expect(budget.free).toBe(100);
  });

  it('takes nothing back by a larger size', async () => {
    const budget = new MemoryBudget(100);
    const share = await budget.take(50, never);
    share.shrink(20);
    share.shrink(40);
    expect([share.bytes, budget.free]).toEqual([20, 80]);
  });

  it('lets those behind go on when somebody gives up', async () => {
    const budget = new MemoryBudget(100);
    await budget.take(60, never);
    const controller = new AbortController();
    const large = budget.take(90, controller.signal);
    const small = budget.take(40, never);
    controller.abort(new RangeError('left'));
    await expect(large).rejects.toThrow('left');
    expect((await small).bytes).toBe(40);
    await expect(budget.take(1, AbortSignal.abort(new RangeError('over')))).rejects.toThrow('over');
  });

  it('never gives out more than there is, and everything comes back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(150), fc.constantFrom('release', 'shrink', 'abort'), fc.nat(5))),
        async (steps) => {
          const budget = new MemoryBudget(100);
          const held = new Set<Share>();
          const sum = (): number => [...held].reduce((total, { bytes }) => total + bytes, 0);
          const controllers: AbortController[] = [];
          const pending: Promise<unknown>[] = [];
          for (const [bytes, what, at] of steps) {
            const controller = new AbortController();
            controllers.push(controller);
            pending.push(
              budget.take(bytes, controller.signal).then(
                (share) => held.add(share),
                () => {},
              ),
            );
            await Promise.resolve();
            const share = [...held][at];
            if (what === 'abort') controllers[at]?.abort(new Error('left'));
            else if (what === 'shrink') share?.shrink(Math.floor(share.bytes / 2));
            else if (share !== undefined) {
              share.release();
              held.delete(share);
            }
            await isSettled(Promise.resolve());
            expect(sum() + budget.free).toBe(100);
          }
          for (let rounds = 0; rounds <= steps.length; rounds++) {
            for (const share of held) share.release();
            held.clear();
            await isSettled(Promise.resolve());
          }
          await Promise.all(pending);
          expect(budget.free).toBe(100);
        },
      ),
      { numRuns: 60 },
    );
  });
});
