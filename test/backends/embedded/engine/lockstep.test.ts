import { describe, expect, it } from 'vitest';
import { Lockstep } from '../../../../src/backends/embedded/engine/lockstep.ts';

/** Lets every promise that can settle do so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Lockstep', () => {
  it('lets a single member go on at once', async () => {
    const lockstep = new Lockstep();
    lockstep.join();
    await expect(lockstep.step()).resolves.toBeUndefined();
    await expect(lockstep.step()).resolves.toBeUndefined();
  });

  it('holds members until all have come', async () => {
    const lockstep = new Lockstep();
    const seen: string[] = [];
    lockstep.join();
    lockstep.join();
    void lockstep.step().then(() => seen.push('first'));
    await settle();
    expect(seen).toEqual([]);
    void lockstep.step().then(() => seen.push('second'));
    await settle();
    expect(seen).toEqual(['first', 'second']);
  });

  it('does not wait for a member that has left', async () => {
    const lockstep = new Lockstep();
    lockstep.join();
    lockstep.join();
    const step = lockstep.step();
    lockstep.leave();
    await expect(step).resolves.toBeUndefined();
  });

  it('does not wait for a member with other work, and waits for it again afterwards', async () => {
    const lockstep = new Lockstep();
    const seen: string[] = [];
    lockstep.join();
    lockstep.join();
    const { promise, resolve } = Promise.withResolvers<void>();
    const away = lockstep.apart(promise);
    await lockstep.step();
    resolve();
    await away;
    void lockstep.step().then(() => seen.push('stayed'));
    await settle();
    expect(seen).toEqual([]);
    void lockstep.step().then(() => seen.push('returned'));
    await settle();
    expect(seen).toEqual(['stayed', 'returned']);
  });

  it('takes a member back whose other work failed', async () => {
    const lockstep = new Lockstep();
    lockstep.join();
    await expect(lockstep.apart(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(lockstep.step()).resolves.toBeUndefined();
  });
});
