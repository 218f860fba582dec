import { describe, expect, it } from 'vitest';
import { TransferSlots } from '../../../src/media/transfers/transfer-slots.ts';

const never = new AbortController().signal;

/** Takes slots and notes who has got one. */
function slotTaker(max: number, maxPerHost?: number) {
  const slots = new TransferSlots({ max, maxPerHost });
  const started: string[] = [];
  return {
    started,
    slots,
    take: async (name: string, signal = never): Promise<() => void> => {
      const release = await slots.take(name.charAt(0), signal);
      started.push(name);
      return release;
    },
  };
}

/** Lets promises that are settled call back. */
async function settle(): Promise<void> {
  await new Promise(setImmediate);
}

describe('TransferSlots', () => {
  it('gives no more than there are, and the next one as one comes back', async () => {
    const { started, take } = slotTaker(2, 2);
    const first = await take('a');
    await take('b');
    void take('c');
    void take('d');
    await settle();
    expect(started).toEqual(['a', 'b']);
    first();
    await settle();
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('keeps some for other hosts, past those that wait for their own', async () => {
    const { started, take } = slotTaker(3, 2);
    const first = await take('a1');
    await take('a2');
    void take('a3');
    void take('b1');
    await settle();
    expect(started).toEqual(['a1', 'a2', 'b1']);
    first();
    await settle();
    expect(started).toEqual(['a1', 'a2', 'b1', 'a3']);
  });

  it('gives all of them to one host where hosts have no limit', async () => {
    const { started, take } = slotTaker(2);
    const [, second] = await Promise.all([take('a1'), take('a2')]);
    const [third, fourth] = [take('a3'), take('b')];
    await settle();
    expect(started).toEqual(['a1', 'a2']);
    second();
    (await third)();
    await fourth;
    expect(started).toEqual(['a1', 'a2', 'a3', 'b']);
  });

  it('takes one back only once', async () => {
    const { started, take } = slotTaker(1);
    const first = await take('a');
    first();
    first();
    await take('b');
    void take('c');
    await settle();
    expect(started).toEqual(['a', 'b']);
  });

  it('lets go of who gives up', async () => {
    const { started, take } = slotTaker(1, 1);
    const first = await take('a');
    const leaving = new AbortController();
    const left = take('b', leaving.signal);
    void take('c');
    const reason = new Error('left');
    leaving.abort(reason);
    await expect(left).rejects.toBe(reason);
    first();
    await settle();
    expect(started).toEqual(['a', 'c']);
  });

  it('has nothing for who has given up already', async () => {
    const { take, slots } = slotTaker(1, 1);
    await expect(take('a', AbortSignal.abort('gone'))).rejects.toBe('gone');
    await expect(slots.take('a', never)).resolves.toBeTypeOf('function');
  });

  it('takes no notice of one who leaves after the slot is his', async () => {
    const { started, take } = slotTaker(1, 1);
    const leaving = new AbortController();
    const first = await take('a', leaving.signal);
    void take('b');
    leaving.abort();
    await settle();
    expect(started).toEqual(['a']);
    first();
    await settle();
    expect(started).toEqual(['a', 'b']);
  });
});
