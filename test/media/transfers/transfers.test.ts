import { describe, expect, it } from 'vitest';
import { Transfers } from '../../../src/media/transfers/transfers.ts';

const subject = () => 'The medium';
const never = new AbortController().signal;

describe('Transfers', () => {
  it('share their slots', async () => {
    const transfers = new Transfers({ totalMs: 60_000, max: 1 });
    const [first, second] = [1, 2].map(() => transfers.begin({ signal: never, subject }));
    await first!.takeSlot();
    const order: string[] = [];
    const waiting = second!.takeSlot().then(() => order.push('second has it'));
    order.push('first ends');
    first!.end();
    await waiting;
    second!.end();
    expect(order).toEqual(['first ends', 'second has it']);
  });

  it('begin none for who has left', () => {
    const transfers = new Transfers({ totalMs: 60_000, max: 1 });
    const reason = new Error('left');
    expect(() => transfers.begin({ signal: AbortSignal.abort(reason), subject })).toThrow(reason);
  });

  it('end, and begin no more, when they are closed', () => {
    const transfers = new Transfers({ totalMs: 60_000, max: 1 });
    const [over, running] = [1, 2].map(() => transfers.begin({ signal: never, subject }));
    over!.end();
    transfers.close();
    const closed = { code: 'overloaded', message: 'The server is shutting down.', retryAfterSeconds: 1 };
    expect(running!.signal.reason).toMatchObject(closed);
    expect(over!.signal.reason).toMatchObject({ fault: 'reset' });
    expect(() => transfers.begin({ signal: never, subject })).toThrow(expect.objectContaining(closed));
  });
});
