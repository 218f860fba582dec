import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Lockstep } from '../../../../src/backends/embedded/engine/lockstep.ts';

/** Notes every step of one member in `log`. */
async function walk(lockstep: Lockstep, name: string, steps: number, log: string[]): Promise<void> {
  lockstep.join();
  try {
    for (let step = 0; step < steps; step++) {
      await lockstep.step();
      log.push(`${name}${step}`);
    }
  } finally {
    lockstep.leave();
  }
}

describe('Lockstep', () => {
  it('lets a single member go on at once', async () => {
    const log: string[] = [];
    await walk(new Lockstep(), 'a', 3, log);
    expect(log).toEqual(['a0', 'a1', 'a2']);
  });

  it('takes every step with all members, and goes on with the rest when one is done', async () => {
    const lockstep = new Lockstep();
    const log: string[] = [];
    await Promise.all([
      walk(lockstep, 'a', 1, log),
      walk(lockstep, 'b', 3, log),
      walk(lockstep, 'c', 2, log),
    ]);
    expect(log).toEqual(['a0', 'b0', 'c0', 'b1', 'c1', 'b2']);
  });

  it('waits for a member that has not come to its step', async () => {
    const lockstep = new Lockstep();
    const log: string[] = [];
    lockstep.join();
    const other = walk(lockstep, 'a', 1, log);
    await nextTurn();
    expect(log).toEqual([]);
    lockstep.leave();
    await other;
    expect(log).toEqual(['a0']);
  });

  it('does not wait for a member that has stepped out, and waits again once it is back', async () => {
    const lockstep = new Lockstep();
    const log: string[] = [];
    const { promise: client, resolve: clientIsReady } = Promise.withResolvers<string>();
    lockstep.join();
    const apart = lockstep.apart(client);
    const other = walk(lockstep, 'a', 3, log);
    await nextTurn();
    expect(log).toEqual(['a0', 'a1', 'a2']);
    clientIsReady('ready');
    expect(await apart).toBe('ready');
    await other;
    const late = walk(lockstep, 'b', 1, log);
    await nextTurn();
    expect(log).not.toContain('b0');
    lockstep.leave();
    await late;
    expect(log).toContain('b0');
  });

  it('is joined again after a failure outside, so that leaving stays balanced', async () => {
    const lockstep = new Lockstep();
    const log: string[] = [];
    lockstep.join();
    await expect(lockstep.apart(Promise.reject(new Error('engine failed')))).rejects.toThrow('engine failed');
    const other = walk(lockstep, 'a', 1, log);
    await nextTurn();
    expect(log).toEqual([]);
    lockstep.leave();
    await other;
    expect(log).toEqual(['a0']);
  });
});
