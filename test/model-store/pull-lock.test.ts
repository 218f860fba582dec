import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquirePullLock } from '../../src/model-store/pull-lock.ts';

const never = new AbortController().signal;
const AN_HOUR_AGO = new Date(Date.now() - 3_600_000);
/** Runs always and is not ours: this process was started by it. */
const LIVING_PID = process.ppid;

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parlance-lock-'));
  path = join(directory, 'model.lock');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function deadPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

async function leaveLock(record: { pid: number; host?: string }, touched = new Date()): Promise<void> {
  await writeFile(path, JSON.stringify({ token: 'earlier', host: hostname(), ...record }));
  await utimes(path, touched, touched);
}

describe('acquirePullLock', () => {
  it('writes who holds the lock, and removes it on release', async () => {
    const lock = await acquirePullLock(path, { signal: never });
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('lets one through at a time', async () => {
    let inside = 0;
    let most = 0;
    const critical = async (): Promise<void> => {
      const lock = await acquirePullLock(path, { signal: never });
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => {
        setTimeout(resolve, 2);
      });
      inside -= 1;
      await lock.release();
    };
    // A stale lock to begin with: all of them find it at once.
    await leaveLock({ pid: deadPid() });
    await Promise.all(Array.from({ length: 4 }, critical));
    expect(most).toBe(1);
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
    const lock = await acquirePullLock(path, { signal: never });
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('is not held up for ever by a process killed while it took over', async () => {
    await leaveLock({ pid: deadPid() });
    await writeFile(`${path}.takeover`, '');
    await utimes(`${path}.takeover`, AN_HOUR_AGO, AN_HOUR_AGO);
    const lock = await acquirePullLock(path, { signal: never });
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it.each<[string, { pid: number; host?: string }]>([
    ['a living process', { pid: LIVING_PID }],
    ['another machine that gave a sign of life', { pid: 1, host: 'elsewhere' }],
  ])('waits for %s, says so, and stops waiting when told to', async (_case, record) => {
    await leaveLock(record);
    const stop = new AbortController();
    const waitedFor: number[] = [];
    const onWait = (pid: number): void => {
      waitedFor.push(pid);
      stop.abort();
    };
    await expect(acquirePullLock(path, { signal: stop.signal, onWait })).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
    expect(waitedFor).toEqual([record.pid]);
    expect(existsSync(path)).toBe(true);
  });

  it('tells its holder when another process took over, and leaves that lock alone', async () => {
    const lock = await acquirePullLock(path, { signal: never, staleMilliseconds: 80 });
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
