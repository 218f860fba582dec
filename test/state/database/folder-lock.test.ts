import { spawn } from 'node:child_process';
import { readdir, readFile, stat, utimes } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { FolderInUse, lockFolder } from '../../../src/state/database/folder-lock.ts';
import { deadPid, type Left, LIVING_PID, LockFolder, reasonOfLoss } from '../../locks/lock-fixture.ts';

let folder: LockFolder;

beforeEach(() => {
  folder = new LockFolder();
});

describe('lockFolder', () => {
  it('writes who has the lock, for its owner only, and removes it on release', async () => {
    const lock = await lockFolder(folder.path, { owner: 4711 });
    expect(JSON.parse(await readFile(folder.path, 'utf8'))).toMatchObject({ pid: process.pid, owner: 4711 });
    expect((await stat(folder.path)).mode & 0o777).toBe(0o600);
    await lock.release();
    expect(await readdir(folder.directory)).toEqual([]);
  });

  it('gives an abandoned lock to one of many', async () => {
    await folder.leave({ pid: deadPid() });
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder.path)));
    const locks = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(locks).toHaveLength(1);
    await locks[0]?.value.release();
    expect(await readdir(folder.directory)).toEqual([]);
  });

  it.each<[string, Left, string]>([
    ['a living process', { pid: LIVING_PID }, `process ${LIVING_PID}`],
    [
      'a living process that works for another',
      { pid: LIVING_PID, owner: process.pid },
      `process ${process.pid}`,
    ],
  ])('is refused at once while %s has it', async (_case, record, holder) => {
    await folder.leave(record);
    await expect(lockFolder(folder.path)).rejects.toThrow(new FolderInUse(holder));
  });

  it('is refused while another machine gives signs of life', async () => {
    await folder.leave({ pid: 1, host: 'elsewhere' });
    const alive = setInterval(() => void utimes(folder.path, new Date(), new Date()), 10);
    const refused = await lockFolder(folder.path, { staleMilliseconds: 300 }).catch(
      (error: unknown) => error,
    );
    clearInterval(alive);
    expect(refused).toEqual(new FolderInUse('process 1 on elsewhere'));
  });

  it('waits for a process that has lost its owner to end', async () => {
    const orphan = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 100)'], { stdio: 'ignore' });
    await folder.leave({ pid: orphan.pid ?? 0, owner: deadPid() });
    const lock = await lockFolder(folder.path);
    expect(orphan.exitCode).toBe(0);
    await lock.release();
  });

  it('tells its holder when another process took over', async () => {
    const lock = await lockFolder(folder.path, { staleMilliseconds: 80 });
    const reason = reasonOfLoss(lock);
    await folder.leave({ pid: LIVING_PID });
    expect(await reason).toEqual(new Error('another process took over the folder of the embedded database'));
  });
});
