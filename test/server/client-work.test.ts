import { EventEmitter, getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { ClientWork } from '../../src/server/client-work.ts';

class Connection extends EventEmitter {
  destroyed = false;

  close(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function begin(connection = new Connection()): { work: ClientWork; connection: Connection } {
  return { work: new ClientWork(connection as unknown as Socket), connection };
}

const pending = new Promise<never>(() => {});

describe('ClientWork', () => {
  it('hands on what the work yields', async () => {
    const { work } = begin();
    await expect(work.until(Promise.resolve(7))).resolves.toBe(7);
    await expect(work.until(Promise.reject(new RangeError('no')))).rejects.toThrow(RangeError);
    expect(work.signal.aborted).toBe(false);
  });

  it('ends when the client leaves', async () => {
    const { work, connection } = begin();
    const outcome = work.until(pending);
    connection.close();
    await expect(outcome).rejects.toMatchObject({ code: 'cancelled' });
    expect(work.signal.reason).toMatchObject({ code: 'cancelled' });
  });

  it('has ended before it begins when the client has left already', async () => {
    const connection = new Connection();
    connection.destroyed = true;
    const { work } = begin(connection);
    await expect(work.until(Promise.resolve(7))).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('ends at the deadline, also when the work ends quietly then', async () => {
    vi.useFakeTimers();
    try {
      const { work } = begin();
      const quiet = new Promise<string>((resolve) => {
        work.signal.addEventListener('abort', () => {
          resolve('half an answer');
        });
      });
      const outcome = work.until(quiet);
      work.setDeadline(1500);
      vi.advanceTimersByTime(1499);
      expect(work.signal.aborted).toBe(false);
      vi.advanceTimersByTime(1);
      await expect(outcome).rejects.toMatchObject({
        code: 'timeout',
        message: 'The answer took longer than 1.5 seconds.',
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it('takes the later of two deadlines given', () => {
    vi.useFakeTimers();
    try {
      const { work } = begin();
      work.setDeadline(10);
      work.setDeadline(1000);
      vi.advanceTimersByTime(500);
      expect(work.signal.aborted).toBe(false);
      work.release();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('lets go of the connection', () => {
    const { work, connection } = begin();
    work.release();
    expect(getEventListeners(connection, 'close')).toHaveLength(0);
    connection.close();
    expect(work.signal.aborted).toBe(false);
  });

  it('explains failures: its own end before anything thrown', () => {
    const { work, connection } = begin();
    const own = new GatewayError('overloaded', 'Too much.');
    expect(work.failure(own)).toBe(own);
    expect(work.failure(new Error('x'))).toMatchObject({ code: 'internal_error' });
    connection.close();
    expect(work.failure(own)).toMatchObject({ code: 'cancelled' });
  });
});
