import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderInUse, lockFolder } from '../../../src/state/database/folder-lock.ts';

const AN_HOUR_AGO = new Date(Date.now() - 3_600_000);

/** Runs always and is not ours: this process was started by it. */
const LIVING_PID = process.ppid;

/** Short enough to wait for. */
const STALE = { staleMilliseconds: 80 };

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parlance-lock-'));
  path = join(directory, 'lock');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function deadPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

interface Left {
  readonly pid: number;
  readonly owner?: number;
  readonly host?: string;
  readonly birth?: string | null;
}

async function leaveLock(record: Left, touched = new Date()): Promise<void> {
  const whole = { token: 'earlier', host: hostname(), birth: null, owner: record.pid, ...record };
  await writeFile(path, JSON.stringify(whole));
  await utimes(path, touched, touched);
}

describe('lockFolder', () => {
  it('writes who has the lock, for its owner only, and removes it on release', async () => {
    const lock = await lockFolder(path, { owner: 4711 });
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid, owner: 4711 });
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('gives an abandoned lock to one of many', async () => {
    await leaveLock({ pid: deadPid() });
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(path)));
    const locks = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(locks).toHaveLength(1);
    await locks[0]?.value.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it.each<[string, () => Promise<void>]>([
    ['a process that is gone', () => leaveLock({ pid: deadPid() })],
    ['an earlier process with our own id', () => leaveLock({ pid: process.pid })],
    ['a process id given away again', () => leaveLock({ pid: LIVING_PID }, AN_HOUR_AGO)],
    [
      'another machine that fell silent',
      () => leaveLock({ pid: LIVING_PID, host: 'elsewhere' }, AN_HOUR_AGO),
    ],
    [
      'a writer killed before its first word',
      async () => {
        await writeFile(path, '');
        await utimes(path, AN_HOUR_AGO, AN_HOUR_AGO);
      },
    ],
  ])('takes over the lock of %s', async (_case, leave) => {
    await leave();
    const lock = await lockFolder(path);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')(
    'takes over the lock of another process with the same id at once, where the system tells them apart',
    async () => {
      await leaveLock({ pid: LIVING_PID, birth: 'another boot:1' });
      const lock = await lockFolder(path);
      await lock.release();
      expect(await readdir(directory)).toEqual([]);
    },
  );

  it.runIf(process.platform === 'linux')('takes over the lock of a zombie at once', async () => {
    // A child that has ended, whose parent lives and never asks how.
    const script = 'sleep 0.3 & echo $!; exec sleep 60';
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(text.toString());
    await expect
      .poll(() => readFile(`/proc/${pid}/stat`, 'utf8'), { interval: 10, timeout: 10_000 })
      .toContain(') Z ');
    await leaveLock({ pid, owner: process.pid });
    const lock = await lockFolder(path);
    await lock.release();
    parent.kill();
    expect(await readdir(directory)).toEqual([]);
  });

  it.each<[string, Left, string]>([
    ['a living process', { pid: LIVING_PID }, `process ${LIVING_PID}`],
    [
      'a living process that works for another',
      { pid: LIVING_PID, owner: process.pid },
      `process ${process.pid}`,
    ],
  ])('is refused at once while %s has it', async (_case, record, holder) => {
    await leaveLock(record);
    await expect(lockFolder(path)).rejects.toThrow(new FolderInUse(holder));
  });

  it('is refused while another machine gives signs of life', async () => {
    await leaveLock({ pid: 1, host: 'elsewhere' });
    const alive = setInterval(() => void utimes(path, new Date(), new Date()), 10);
    const refused = await lockFolder(path, { staleMilliseconds: 300 }).catch((error: unknown) => error);
    clearInterval(alive);
    expect(refused).toEqual(new FolderInUse('process 1 on elsewhere'));
  });

  it('waits for a process that has lost its owner to end', async () => {
    const orphan = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 100)'], { stdio: 'ignore' });
    await leaveLock({ pid: orphan.pid ?? 0, owner: deadPid() });
    const lock = await lockFolder(path);
    expect(orphan.exitCode).toBe(0);
    await lock.release();
  });

  it('is kept by a living process, however old its last sign of life', async () => {
    const lock = await lockFolder(path, STALE);
    await utimes(path, AN_HOUR_AGO, AN_HOUR_AGO);
    await expect(lockFolder(path, STALE)).rejects.toThrow(FolderInUse);
    expect(lock.lost.aborted).toBe(false);
    await lock.release();
  });

  it('tells its holder when another process took over, and leaves that lock alone', async () => {
    const lock = await lockFolder(path, STALE);
    const lost = new Promise<void>((resolve) => {
      lock.lost.addEventListener('abort', () => {
        resolve();
      });
    });
    await leaveLock({ pid: LIVING_PID });
    await lost;
    await lock.release();
    expect(await readFile(path, 'utf8')).toContain('earlier');
  });
});
