import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { beforeEach, describe, expect, it } from 'vitest';
import { acquirePullLock } from '../../src/model-store/pull-lock.ts';
import { deadPid, LIVING_PID, LockFolder, reasonOfLoss } from '../locks/lock-fixture.ts';

const never = new AbortController().signal;

let folder: LockFolder;

beforeEach(() => {
  folder = new LockFolder();
});

describe('acquirePullLock', () => {
  it('writes who holds the lock, and removes it on release', async () => {
    const lock = await acquirePullLock(folder.path, { signal: never });
    expect(JSON.parse(await readFile(folder.path, 'utf8'))).toMatchObject({
      pid: process.pid,
      host: hostname(),
    });
    await lock.release();
    expect(await readdir(folder.directory)).toEqual([]);
  });

  it('lets one through at a time', async () => {
    let inside = 0;
    let most = 0;
    const critical = async (): Promise<void> => {
      const lock = await acquirePullLock(folder.path, { signal: never });
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => {
        setTimeout(resolve, 2);
      });
      inside -= 1;
      await lock.release();
    };
    // An abandoned lock to begin with: all of them find it at once.
    await folder.leave({ pid: deadPid() });
    await Promise.all(Array.from({ length: 4 }, critical));
    expect(most).toBe(1);
    expect(await readdir(folder.directory)).toEqual([]);
  });

  it.each<[string, { pid: number; host?: string }]>([
    ['a living process', { pid: LIVING_PID }],
    ['another machine that gave a sign of life', { pid: 1, host: 'elsewhere' }],
  ])('waits for %s, says so, and stops waiting when told to', async (_case, record) => {
    await folder.leave(record);
    const stop = new AbortController();
    const waitedFor: number[] = [];
    const onWait = (pid: number): void => {
      waitedFor.push(pid);
      stop.abort();
    };
    await expect(acquirePullLock(folder.path, { signal: stop.signal, onWait })).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
    expect(waitedFor).toEqual([record.pid]);
    expect(existsSync(folder.path)).toBe(true);
  });

  it('tells its holder when another process took over', async () => {
    const lock = await acquirePullLock(folder.path, { signal: never, staleMilliseconds: 80 });
    const reason = reasonOfLoss(lock);
    await folder.leave({ pid: LIVING_PID });
    expect(await reason).toEqual(new Error('another process took over this download'));
  });
});
