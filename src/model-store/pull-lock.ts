import { randomUUID } from 'node:crypto';
import { open, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../code-of.ts';

/** The right of one process to write a model's files. */
export interface PullLock {
  /** Aborts when another process took the lock, because this one seemed dead. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface PullLockOptions {
  readonly signal: AbortSignal;
  /** Called once, when somebody else holds the lock. `pid` is theirs. */
  readonly onWait?: (pid: number) => void;
  /** Age of a sign of life after which its process counts as dead. @default 2 minutes */
  readonly staleMilliseconds?: number;
}

interface LockRecord {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
}

const STALE_MILLISECONDS = 120_000;
const HEARTBEATS_PER_STALE = 8;
const STALE_GUARD_MILLISECONDS = 10_000;
const POLL_MILLISECONDS = 250;

/** Locks of this very process: a process id alone cannot tell a lock of ours from one left by an earlier container. */
const heldTokens = new Set<string>();

/**
 * Waits until `path` can be created, and keeps its modification time fresh until the release.
 *
 * A lock whose process is gone from this machine is taken over at once; one from another machine (a shared folder)
 * or under a process id that was given away again, when its file has not been touched for `staleMilliseconds`.
 *
 * @throws the signal's reason when it aborts; the file system's errors pass through
 */
export async function acquirePullLock(path: string, options: PullLockOptions): Promise<PullLock> {
  const staleMilliseconds = options.staleMilliseconds ?? STALE_MILLISECONDS;
  let announced = false;
  for (;;) {
    options.signal.throwIfAborted();
    const record: LockRecord = { token: randomUUID(), pid: process.pid, host: hostname() };
    if (await create(path, record)) return hold(path, record, staleMilliseconds);
    const holder = await readLock(path);
    if (holder === undefined) continue;
    const stale = isStale(holder, staleMilliseconds);
    if (stale && (await removeStale(path, staleMilliseconds))) continue;
    if (!stale && !announced) {
      options.onWait?.(holder.record?.pid ?? 0);
      announced = true;
    }
    await delay(POLL_MILLISECONDS, undefined, { signal: options.signal });
  }
}

async function create(path: string, record: LockRecord): Promise<boolean> {
  try {
    // Before the file, so that nobody in this process ever finds it with an unknown token.
    heldTokens.add(record.token);
    await writeFile(path, JSON.stringify(record), { flag: 'wx' });
    return true;
  } catch (error) {
    heldTokens.delete(record.token);
    if (codeOf(error) === 'EEXIST') return false;
    // The file may have been made and not filled, on a full disk.
    await rm(path, { force: true });
    throw error;
  }
}

function hold(path: string, record: LockRecord, staleMilliseconds: number): PullLock {
  const lost = new AbortController();
  const heartbeat = setInterval(() => {
    void keepAlive(path, record, lost);
  }, staleMilliseconds / HEARTBEATS_PER_STALE);
  heartbeat.unref();
  return {
    lost: lost.signal,
    async release(): Promise<void> {
      clearInterval(heartbeat);
      const holder = await readLock(path);
      if (holder?.record?.token === record.token) await rm(path, { force: true });
      // Only now: a lock file of ours with an unknown token counts as left behind.
      heldTokens.delete(record.token);
    },
  };
}

async function keepAlive(path: string, record: LockRecord, lost: AbortController): Promise<void> {
  const holder = await readLock(path).catch(() => undefined);
  if (holder?.record?.token === record.token) {
    const now = new Date();
    await utimes(path, now, now).catch(() => {});
  } else {
    lost.abort(new Error('another process took over this download'));
  }
}

interface LockState {
  /** `undefined` while its creator has not written it yet, or when it is no lock of ours. */
  readonly record: LockRecord | undefined;
  readonly ageMilliseconds: number;
}

async function readLock(path: string): Promise<LockState | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const { mtimeMs } = await stat(path);
    return { record: parseRecord(text), ageMilliseconds: Date.now() - mtimeMs };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseRecord(text: string): LockRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<LockRecord> | null;
    return typeof value?.pid === 'number' && typeof value.token === 'string'
      ? (value as LockRecord)
      : undefined;
  } catch {
    return undefined;
  }
}

function isStale({ record, ageMilliseconds }: LockState, staleMilliseconds: number): boolean {
  if (ageMilliseconds > staleMilliseconds) return true;
  if (record === undefined || record.host !== hostname()) return false;
  return record.pid === process.pid ? !heldTokens.has(record.token) : !isAlive(record.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Several processes may find the same lock stale, and a lock read a moment ago may be another one by now. So only the
 * holder of a second lock looks again and deletes: what is stale then stays so, its owner being gone.
 *
 * @returns whether the lock may be free now
 */
async function removeStale(path: string, staleMilliseconds: number): Promise<boolean> {
  const guard = `${path}.takeover`;
  if (!(await createGuard(guard))) return false;
  try {
    const holder = await readLock(path);
    if (holder !== undefined && isStale(holder, staleMilliseconds)) await rm(path, { force: true });
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

async function createGuard(guard: string): Promise<boolean> {
  try {
    await (await open(guard, 'wx')).close();
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const age = Date.now() - ((await stat(guard).catch(() => undefined))?.mtimeMs ?? Date.now());
    // It is held for a few file operations; an old one was left by a process killed right then.
    if (age > STALE_GUARD_MILLISECONDS) await rm(guard, { force: true });
    return false;
  }
}
