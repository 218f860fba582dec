import { open, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { codeOf } from '../code-of.ts';
import { type LockRecord, type LockState, newRecord, readLock } from './lock-record.ts';
import { lookAtProcess } from './running-process.ts';

/** The right of one process to what the lock stands for. */
export interface FileLock {
  /** Aborts when another process took the lock, because this one seemed dead. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** Somebody else has the lock. */
export interface LockHolder {
  /** `undefined` while they have not written it yet. */
  readonly record: LockRecord | undefined;
  /** `unsure` ends by itself: in a sign of life or its absence. `abandoned`: another process is taking it over. */
  readonly verdict: Verdict;
}

export interface LockFileOptions {
  /** Age of a sign of life after which a process that cannot be looked at counts as dead. */
  readonly staleMilliseconds: number;
  /** Age after which a take-over counts as broken off; it takes a few file operations. */
  readonly staleTakeoverMilliseconds: number;
  /** Time between two signs of life. */
  readonly heartbeatMilliseconds: number;
  /** The process that this one works for, and that people know. @default this one */
  readonly owner?: number;
  /** Permission bits of the file. @default what the process gives to all its files */
  readonly mode?: number;
  /** What a process that lost the lock is told. */
  readonly lostMessage: string;
  /** Whether a lock whose file cannot be read counts as lost. */
  readonly isLostWhenUnreadable: boolean;
}

type Verdict = 'held' | 'unsure' | 'abandoned';

/** Locks of this very process: its id alone cannot tell them from one left by an earlier container. */
const heldTokens = new Set<string>();

/**
 * Creates the file `path` and keeps its modification time fresh until the release; or says who has it. Does not wait.
 *
 * A process of this machine that lives keeps its lock; the lock of one that is gone is taken over at once. Of another
 * machine (a shared folder, a container before its restart), and of a process that may be another one under its id,
 * only the file's age is known: after `staleMilliseconds` without a sign of life its lock is taken over.
 *
 * The file system's errors pass through.
 */
export async function takeLockFile(
  path: string,
  options: LockFileOptions,
): Promise<{ lock: FileLock; holder?: never } | { lock?: never; holder: LockHolder }> {
  for (;;) {
    const record = newRecord(options.owner ?? process.pid);
    if (await create(path, record, options.mode)) return { lock: hold(path, record, options) };
    const state = await readLock(path);
    if (state === undefined) continue;
    const verdict = judge(state, options.staleMilliseconds);
    if (verdict === 'abandoned' && (await removeAbandoned(path, options))) continue;
    return { holder: { record: state.record, verdict } };
  }
}

async function create(path: string, record: LockRecord, mode?: number): Promise<boolean> {
  // Before the file, so that nobody in this process ever finds it with an unknown token.
  heldTokens.add(record.token);
  try {
    await writeFile(path, JSON.stringify(record), { flag: 'wx', mode });
    return true;
  } catch (error) {
    heldTokens.delete(record.token);
    if (codeOf(error) === 'EEXIST') return false;
    // The file may have been made and not filled, on a full disk.
    await rm(path, { force: true });
    throw error;
  }
}

function hold(path: string, record: LockRecord, options: LockFileOptions): FileLock {
  const lost = new AbortController();
  const beat = async (): Promise<void> => {
    if (!(await keepAlive(path, record, options))) lost.abort(new Error(options.lostMessage));
  };
  const heartbeat = setInterval(() => void beat(), options.heartbeatMilliseconds);
  heartbeat.unref();
  return {
    lost: lost.signal,
    async release(): Promise<void> {
      clearInterval(heartbeat);
      if (await isHeld(path, record)) await rm(path, { force: true });
      // Only now: a lock file of ours with an unknown token counts as left behind.
      heldTokens.delete(record.token);
    },
  };
}

/** @returns whether the lock is still this one */
async function keepAlive(
  path: string,
  record: LockRecord,
  { isLostWhenUnreadable }: LockFileOptions,
): Promise<boolean> {
  try {
    if (!(await isHeld(path, record))) return false;
  } catch {
    // It could not be seen. The next time it may.
    return !isLostWhenUnreadable;
  }
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
  return true;
}

async function isHeld(path: string, { token }: LockRecord): Promise<boolean> {
  return (await readLock(path))?.record?.token === token;
}

function judge({ record, ageMilliseconds }: LockState, staleMilliseconds: number): Verdict {
  const byAge = ageMilliseconds > staleMilliseconds ? 'abandoned' : 'unsure';
  if (record === undefined || record.host !== hostname()) return byAge;
  if (record.pid === process.pid) return heldTokens.has(record.token) ? 'held' : 'abandoned';
  const holder = lookAtProcess(record.pid);
  if (!holder.isAlive) return 'abandoned';
  // A process that lost its owner is about to end.
  const held = lookAtProcess(record.owner).isAlive ? 'held' : 'unsure';
  if (holder.birth !== null && record.birth !== null)
    return holder.birth === record.birth ? held : 'abandoned';
  // Its id may have been given to another process, after a restart of the machine.
  return byAge === 'unsure' ? held : 'abandoned';
}

/**
 * Several processes may find the same lock abandoned, and a lock read a moment ago may be another one by now. So only
 * the holder of a second lock looks again and deletes: what is abandoned then stays so, its owner being gone.
 *
 * @returns whether the lock may be free now
 */
async function removeAbandoned(path: string, options: LockFileOptions): Promise<boolean> {
  const guard = `${path}.takeover`;
  if (!(await createGuard(guard, options.staleTakeoverMilliseconds))) return false;
  try {
    const state = await readLock(path);
    if (state !== undefined && judge(state, options.staleMilliseconds) === 'abandoned')
      await rm(path, { force: true });
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

async function createGuard(guard: string, staleMilliseconds: number): Promise<boolean> {
  try {
    await (await open(guard, 'wx')).close();
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const age = Date.now() - ((await stat(guard).catch(() => undefined))?.mtimeMs ?? Date.now());
    // It is held for a few file operations; an old one was left by a process killed right then.
    if (age > staleMilliseconds) await rm(guard, { force: true });
    return false;
  }
}
