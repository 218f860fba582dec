import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Transfer } from '../../../src/media/transfers/transfer.ts';
import { TransferSlots } from '../../../src/media/transfers/transfer-slots.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;

function begin(signal = never, slots = new TransferSlots({ max: 1 })) {
  const onEnd = vi.fn<(transfer: Transfer) => void>();
  const transfer = new Transfer({ signal, subject: () => 'The medium', totalMs: 2000, slots, onEnd });
  return { onEnd, transfer };
}

describe('Transfer', () => {
  it('ends by itself when its time is up', () => {
    const { onEnd, transfer } = begin();
    vi.advanceTimersByTime(1999);
    expect(transfer.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(transfer.signal.reason).toMatchObject({
      code: 'invalid_argument',
      message: 'The medium did not come within 2 seconds.',
      shouldRetry: true,
    });
    expect(onEnd).toHaveBeenCalledExactlyOnceWith(transfer);
  });

  it("ends with the caller's reason when the caller leaves", () => {
    const caller = new AbortController();
    const { onEnd, transfer } = begin(caller.signal);
    const reason = new Error('the client left');
    caller.abort(reason);
    expect(transfer.signal.reason).toBe(reason);
    expect(onEnd).toHaveBeenCalledOnce();
  });

  it('is over at once for a caller who has left', () => {
    const reason = new Error('the client left');
    const { onEnd, transfer } = begin(AbortSignal.abort(reason));
    expect(transfer.signal.reason).toBe(reason);
    expect(onEnd).toHaveBeenCalledOnce();
  });

  it('ends once, and keeps no timer', () => {
    const caller = new AbortController();
    const { onEnd, transfer } = begin(caller.signal);
    transfer.end();
    transfer.end();
    caller.abort();
    expect(transfer.signal.reason).toMatchObject({ fault: 'reset' });
    expect(onEnd).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives back what it occupies, when it is told to or at its end', () => {
    const { transfer } = begin();
    const given: string[] = [];
    transfer.occupy(() => given.push('a'));
    transfer.release();
    transfer.occupy(() => given.push('b'));
    expect(given).toEqual(['a']);
    transfer.end();
    expect(given).toEqual(['a', 'b']);
    transfer.occupy(() => given.push('c'));
    expect(given).toEqual(['a', 'b', 'c']);
  });

  it.each([
    { waited: 1001, code: 'overloaded', retryAfterSeconds: 1, says: ', for it had to wait for others.' },
    { waited: 999, code: 'invalid_argument', shouldRetry: true, says: '.' },
  ])('blames what took most of the time: $waited ms of waiting', async ({ waited, says, ...error }) => {
    const slots = new TransferSlots({ max: 1 });
    const [{ transfer: first }, { transfer }] = [begin(never, slots), begin(never, slots)];
    await first.takeSlot();
    const slot = transfer.takeSlot();
    vi.advanceTimersByTime(waited);
    first.end();
    await slot;
    vi.advanceTimersByTime(2000 - waited);
    expect(transfer.signal.reason).toMatchObject({
      ...error,
      message: `The medium did not come within 2 seconds${says}`,
    });
  });

  it('has no slot that comes when it is over', async () => {
    const slots = new TransferSlots({ max: 1 });
    const [{ transfer: first }, { transfer: second }] = [begin(never, slots), begin(never, slots)];
    await first.takeSlot();
    const slot = second.takeSlot();
    vi.advanceTimersByTime(2000);
    await expect(slot).rejects.toMatchObject({ code: 'overloaded' });
    const { transfer: third } = begin(never, slots);
    await third.takeSlot();
    expect(third.signal.aborted).toBe(false);
    third.end();
  });
});
