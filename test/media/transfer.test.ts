import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Transfer } from '../../src/media/transfer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function begin(signal = new AbortController().signal) {
  const onEnd = vi.fn<() => void>();
  return { onEnd, transfer: new Transfer({ signal, timeoutMs: 2000, onEnd }) };
}

describe('Transfer', () => {
  it('ends by itself when its time is up', () => {
    const { onEnd, transfer } = begin();
    vi.advanceTimersByTime(1999);
    expect(transfer.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(transfer.signal.reason).toMatchObject({ fault: 'timeout', message: 'it took longer than 2 s' });
    expect(onEnd).toHaveBeenCalledOnce();
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
});
