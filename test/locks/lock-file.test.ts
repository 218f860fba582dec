import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdir, readdir, readFile, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type FileLock, type LockFileOptions, takeLockFile } from '../../src/locks/lock-file.ts';
import { AN_HOUR_AGO, deadPid, type Left, LIVING_PID, LockFolder, reasonOfLoss } from './lock-fixture.ts';

const OPTIONS: LockFileOptions = {
  staleMilliseconds: 60_000,
  staleTakeoverMilliseconds: 60_000,
  heartbeatMilliseconds: 10,
  lostMessage: 'another process took it',
  isLostWhenUnreadable: false,
};

let folder: LockFolder;

beforeEach(() => {
  folder = new LockFolder();
});

const take = (options: Partial<LockFileOptions> = {}): ReturnType<typeof takeLockFile> =>
  takeLockFile(folder.path, { ...OPTIONS, ...options });

async function taken(options?: Partial<LockFileOptions>): Promise<FileLock> {
  const { lock, holder } = await take(options);
  if (lock === undefined) throw new Error(`it is taken: ${JSON.stringify(holder)}`);
  return lock;
}

describe('takeLockFile', () => {
  it('writes who has the lock, and removes it on release', async () => {
    const lock = await taken({ owner: 4711, mode: 0o600 });
    expect(JSON.parse(await readFile(folder.path, 'utf8'))).toMatchObject({
      pid: process.pid,
      owner: 4711,
      host: hostname(),
    });
    expect((await stat(folder.path)).mode & 0o777).toBe(0o600);
    await lock.release();
    expect(await readdir(folder.directory)).toEqual([]);
  });

  it('gives signs of life until the release', async () => {
    const lock = await taken();
    await utimes(folder.path, AN_HOUR_AGO, AN_HOUR_AGO);
    await expect
      .poll(async () => (await stat(folder.path)).mtimeMs, { interval: 5 })
      .toBeGreaterThan(AN_HOUR_AGO.getTime());
    await lock.release();
  });

  it('gives an abandoned lock to one of many', async () => {
    await folder.leave({ pid: deadPid() });
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => take()));
    const locks = outcomes.flatMap(({ lock }) => lock ?? []);
    expect(locks).toHaveLength(1);
    await locks[0]?.release();
    expect(await readdir(folder.directory)).toEqual([]);
  });

  it.each<[string, () => Promise<void>]>([
    ['a process that is gone', () => folder.leave({ pid: deadPid() })],
    ['an earlier process with our own id', () => folder.leave({ pid: process.pid })],
    ['a process id given away again', () => folder.leave({ pid: LIVING_PID }, AN_HOUR_AGO)],
    [
      'another machine that fell silent',
      () => folder.leave({ pid: LIVING_PID, host: 'elsewhere' }, AN_HOUR_AGO),
    ],
    ['a writer killed before its first word', () => folder.leaveText('', AN_HOUR_AGO)],
    ['nobody: it is no lock', () => folder.leaveText('{"pid":"1"}', AN_HOUR_AGO)],
  ])('takes over the lock of %s', async (_case, leave) => {
    await leave();
    const lock = await taken();
    expect(JSON.parse(await readFile(folder.path, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
    expect(await readdir(folder.directory)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')(
    'takes over the lock of another process with the same id at once, where the system tells them apart',
    async () => {
      await folder.leave({ pid: LIVING_PID, birth: 'another boot:1' });
      const lock = await taken();
      await lock.release();
      expect(await readdir(folder.directory)).toEqual([]);
    },
  );

  it.runIf(process.platform === 'linux')('takes over the lock of a zombie at once', async () => {
    const pid = await startZombie();
    await folder.leave({ pid, owner: process.pid });
    const lock = await taken();
    await lock.release();
    expect(await readdir(folder.directory)).toEqual([]);
  });

  it('is not held up for ever by a process killed while it took over', async () => {
    await folder.leave({ pid: deadPid() });
    const guard = `${folder.path}.takeover`;
    await writeFile(guard, '');
    expect(await take()).toMatchObject({ holder: { verdict: 'abandoned' } });
    await utimes(guard, AN_HOUR_AGO, AN_HOUR_AGO);
    expect(await take()).toMatchObject({ holder: { verdict: 'abandoned' } });
    const lock = await taken();
    await lock.release();
    expect(await readdir(folder.directory)).toEqual([]);
  });

  it.each<[string, Left, string]>([
    ['a living process', { pid: LIVING_PID }, 'held'],
    ['a living process that works for another', { pid: LIVING_PID, owner: process.pid }, 'held'],
    ['a living process that has lost its owner', { pid: LIVING_PID, owner: deadPid() }, 'unsure'],
    ['another machine that gave a sign of life', { pid: 1, host: 'elsewhere' }, 'unsure'],
  ])('leaves the lock of %s alone, and says whose it is', async (_case, record, verdict) => {
    await folder.leave(record);
    expect(await take()).toMatchObject({ holder: { record, verdict } });
    expect(await readFile(folder.path, 'utf8')).toContain('earlier');
  });

  it('waits for what is being written', async () => {
    await folder.leaveText('');
    expect(await take()).toEqual({ holder: { record: undefined, verdict: 'unsure' } });
  });

  it.runIf(process.platform === 'linux')(
    'leaves the lock of a living process alone, however old its last sign of life',
    async () => {
      const other = await startHolder();
      await utimes(folder.path, AN_HOUR_AGO, AN_HOUR_AGO);
      expect(await take()).toMatchObject({ holder: { record: { pid: other }, verdict: 'held' } });
    },
  );

  it('leaves a lock of its own process alone, however old its last sign of life', async () => {
    const lock = await taken({ heartbeatMilliseconds: 60_000 });
    await utimes(folder.path, AN_HOUR_AGO, AN_HOUR_AGO);
    expect(await take()).toMatchObject({ holder: { record: { pid: process.pid }, verdict: 'held' } });
    await lock.release();
  });

  it('passes on what the file system says', async () => {
    await expect(takeLockFile(join(folder.path, 'lock'), OPTIONS)).rejects.toThrow(/ENOENT/);
    await mkdir(folder.path);
    await expect(take()).rejects.toThrow(/EISDIR/);
  });
});

describe('a lock', () => {
  it('tells its holder when another process took it over, and leaves that one alone', async () => {
    const lock = await taken();
    const reason = reasonOfLoss(lock);
    await folder.leave({ pid: LIVING_PID });
    expect(await reason).toEqual(new Error('another process took it'));
    await lock.release();
    expect(await readFile(folder.path, 'utf8')).toContain('earlier');
  });

  it('can count as lost when its file cannot be read', async () => {
    const lock = await taken({ isLostWhenUnreadable: true });
    const reason = reasonOfLoss(lock);
    const showLock = await hideLock();
    expect(await reason).toEqual(new Error('another process took it'));
    await showLock();
    await lock.release();
  });

  it('otherwise stays, and goes on when it can be read again', async () => {
    const lock = await taken();
    const showLock = await hideLock();
    await new Promise((resolve) => {
      setTimeout(resolve, 3 * OPTIONS.heartbeatMilliseconds);
    });
    await showLock();
    await utimes(folder.path, AN_HOUR_AGO, AN_HOUR_AGO);
    await expect
      .poll(async () => (await stat(folder.path)).mtimeMs, { interval: 5 })
      .toBeGreaterThan(AN_HOUR_AGO.getTime());
    expect(lock.lost.aborted).toBe(false);
    await lock.release();
    expect(await readdir(folder.directory)).toEqual([]);
  });
});

/** Puts in the lock's place what cannot be read. @returns what undoes that. Nobody ever finds the place empty. */
async function hideLock(): Promise<() => Promise<void>> {
  const hidden = join(folder.directory, 'hidden');
  const stand = join(folder.directory, 'stand-in');
  await link(folder.path, hidden);
  await symlink(folder.directory, stand);
  await rename(stand, folder.path);
  return () => rename(hidden, folder.path);
}

/** A child that has ended, whose parent lives and never asks how. @returns its id */
async function startZombie(): Promise<number> {
  const pid = Number(await firstWords('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60']));
  await expect
    .poll(() => readFile(`/proc/${pid}/stat`, 'utf8'), { interval: 10, timeout: 10_000 })
    .toContain(') Z ');
  return pid;
}

/** A process that takes the lock and gives no sign of life. @returns its id */
async function startHolder(): Promise<number> {
  const moduleUrl = new URL('../../src/locks/lock-file.ts', import.meta.url).href;
  const options = { ...OPTIONS, heartbeatMilliseconds: 60_000 };
  const script = `
    const { takeLockFile } = await import(${JSON.stringify(moduleUrl)});
    await takeLockFile(${JSON.stringify(folder.path)}, ${JSON.stringify(options)});
    console.log(process.pid);
    setTimeout(() => {}, 60_000);`;
  return Number(await firstWords(process.execPath, ['--input-type=module', '--eval', script]));
}

/** Starts a program that lives until the end of the test. @returns what it prints first */
async function firstWords(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill());
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return text.toString();
}
