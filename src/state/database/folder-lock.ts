import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../../code-of.ts';

/** The right of one process to use a folder. */
export interface FolderLock {
  /** Aborts when another process took the lock, because this one seemed dead. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface FolderLockOptions {
  /** Age of a sign of life after which a process that cannot be looked at counts as dead. @default 20 seconds */
  readonly staleMilliseconds?: number;
  /** The process that this one works for, and that people know. @default this one */
  readonly owner?: number;
}

/** Another process has the folder. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
  /** Names its process, and the machine where it is another. */
  readonly holder: string;

  constructor(holder: string) {
    super(`the folder is in use by ${holder}`);
    this.holder = holder;
  }
}

interface LockRecord {
  readonly token: string;
  readonly pid: number;
  readonly owner: number;
  readonly host: string;
  /** Tells the process from a later one with the same id. */
  readonly birth: string | null;
}

interface LockState {
  /** `undefined` while its creator has not written it yet. */
  readonly record: LockRecord | undefined;
  readonly ageMilliseconds: number;
}

const STALE_MILLISECONDS = 20_000;
const HEARTBEATS_PER_STALE = 4;
const POLLS_PER_STALE = 40;

/** Locks of this very process: its id alone cannot tell them from one left by an earlier container. */
const heldTokens = new Set<string>();

/**
 * Creates the file `path` and keeps its modification time fresh until the release.
 *
 * A process of this machine that lives keeps its lock; the lock of one that is gone is taken over at once. Of another
 * machine (a shared folder, a container before its restart) only the file's age is known: after `staleMilliseconds`
 * without a sign of life its lock is taken over, and for so long this waits.
 *
 * @throws {FolderInUse}
 */
export async function lockFolder(
  path: string,
  { staleMilliseconds = STALE_MILLISECONDS, owner = process.pid }: FolderLockOptions = {},
): Promise<FolderLock> {
  const giveUpAt = performance.now() + staleMilliseconds * 1.5;
  for (;;) {
    const record = newRecord(owner);
    if (await create(path, record)) return hold(path, record, staleMilliseconds);
    const state = await readLock(path);
    if (state === undefined) continue;
    const verdict = judge(state, staleMilliseconds);
    if (verdict === 'abandoned' && (await removeAbandoned(path, staleMilliseconds))) continue;
    if (verdict === 'held' || performance.now() > giveUpAt) throw new FolderInUse(describe(state.record));
    await delay(staleMilliseconds / POLLS_PER_STALE);
  }
}

function newRecord(owner: number): LockRecord {
  return {
    token: randomUUID(),
    pid: process.pid,
    owner,
    host: hostname(),
    birth: lookAt(process.pid).birth,
  };
}

async function create(path: string, record: LockRecord): Promise<boolean> {
  // Before the file, so that nobody in this process ever finds it with an unknown token.
  heldTokens.add(record.token);
  try {
    await writeFile(path, JSON.stringify(record), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    heldTokens.delete(record.token);
    if (codeOf(error) === 'EEXIST') return false;
    // The file may have been made and not filled, on a full disk.
    await rm(path, { force: true });
    throw error;
  }
}

function hold(path: string, record: LockRecord, staleMilliseconds: number): FolderLock {
  const lost = new AbortController();
  const heartbeat = setInterval(() => {
    void keepAlive(path, record, lost);
  }, staleMilliseconds / HEARTBEATS_PER_STALE);
  heartbeat.unref();
  return {
    lost: lost.signal,
    async release(): Promise<void> {
      clearInterval(heartbeat);
      const state = await readLock(path);
      if (state?.record?.token === record.token) await rm(path, { force: true });
      // Only now: a lock file of ours with an unknown token counts as left behind.
      heldTokens.delete(record.token);
    },
  };
}

async function keepAlive(path: string, record: LockRecord, lost: AbortController): Promise<void> {
  try {
    const state = await readLock(path);
    if (state?.record?.token === record.token) {
      const now = new Date();
      await utimes(path, now, now);
    } else {
      lost.abort(new Error('another process took over the folder of the embedded database'));
    }
  } catch {
    // It could not be seen. The next time it can.
  }
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

/** `unsure` ends by itself: in a sign of life or its absence. */
function judge(
  { record, ageMilliseconds }: LockState,
  staleMilliseconds: number,
): 'held' | 'unsure' | 'abandoned' {
  const byAge = ageMilliseconds > staleMilliseconds ? 'abandoned' : 'unsure';
  if (record === undefined || record.host !== hostname()) return byAge;
  if (record.pid === process.pid) return heldTokens.has(record.token) ? 'held' : 'abandoned';
  const holder = lookAt(record.pid);
  if (!holder.isAlive) return 'abandoned';
  // A process that lost its owner is about to end.
  const held = lookAt(record.owner).isAlive ? 'held' : 'unsure';
  if (holder.birth !== null && record.birth !== null)
    return holder.birth === record.birth ? held : 'abandoned';
  // Its id may have been given to another process, after a restart of the machine.
  return byAge === 'unsure' ? held : 'abandoned';
}

interface ProcessLook {
  readonly isAlive: boolean;
  /** When it was started, in ticks since a named boot of the machine; `null` where the system does not tell. */
  readonly birth: string | null;
}

function lookAt(pid: number): ProcessLook {
  if (!hasProcess(pid)) return { isAlive: false, birth: null };
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the program's name in parentheses, which may hold anything: fields 3 and on of proc_pid_stat(5).
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; where nobody asks how, as in many containers, it keeps its id for ever.
    return { isAlive: fields[0] !== 'Z', birth: `${boot}:${fields[19]}` };
  } catch {
    return { isAlive: true, birth: null };
  }
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Several processes may find the same lock abandoned, and a lock read a moment ago may be another one by now. So only
 * the holder of a second lock looks again and deletes: what is abandoned then stays so, its owner being gone.
 *
 * @returns whether the lock may be free now
 */
async function removeAbandoned(path: string, staleMilliseconds: number): Promise<boolean> {
  const guard = `${path}.takeover`;
  if (!(await createGuard(guard, staleMilliseconds))) return false;
  try {
    const state = await readLock(path);
    if (state !== undefined && judge(state, staleMilliseconds) === 'abandoned')
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

function describe(record: LockRecord | undefined): string {
  if (record === undefined) return 'another process';
  const here = record.host === hostname();
  return `process ${record.owner}${here ? '' : ` on ${record.host}`}`;
}
