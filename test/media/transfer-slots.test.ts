import { describe, expect, it } from 'vitest';
import { TransferSlots } from '../../src/media/transfer-slots.ts';

const never = new AbortController().signal;

/** Takes places and notes who has got one. */
function takers(slots: TransferSlots) {
  const served: string[] = [];
  const take = async (name: string, signal = never): Promise<() => void> => {
    const giveBack = await slots.take(signal);
    served.push(name);
    return giveBack;
  };
  return { served, take };
}

describe('TransferSlots', () => {
  it('gives as many places as there are, then serves those who wait in their order', async () => {
    const { served, take } = takers(new TransferSlots(2));
    const [first, second] = await Promise.all([take('a'), take('b')]);
    const [third, fourth] = [take('c'), take('d')];
    expect(served).toEqual(['a', 'b']);
    second();
    (await third)();
    await fourth;
    first();
    expect(served).toEqual(['a', 'b', 'c', 'd']);
  });

  it('takes a place back only once', async () => {
    const { served, take } = takers(new TransferSlots(1));
    const first = await take('a');
    first();
    first();
    await take('b');
    void take('c');
    await Promise.resolve();
    expect(served).toEqual(['a', 'b']);
  });

  it('forgets who left while waiting', async () => {
    const { served, take } = takers(new TransferSlots(1));
    const first = await take('a');
    const left = new AbortController();
    const [second, third] = [take('b', left.signal), take('c')];
    const reason = new Error('the client left');
    left.abort(reason);
    await expect(second).rejects.toBe(reason);
    first();
    await third;
    expect(served).toEqual(['a', 'c']);
  });

  it('gives nothing to who left before', async () => {
    const slots = new TransferSlots(1);
    const reason = new Error('the client left');
    await expect(slots.take(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await slots.take(never)).toBeInstanceOf(Function);
  });
});
