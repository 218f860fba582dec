import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type FileLock, takeLockFile } from '../../locks/lock-file.ts';
import type { LockRecord } from '../../locks/lock-record.ts';

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

const STALE_MILLISECONDS = 20_000;
const HEARTBEATS_PER_STALE = 4;
const POLLS_PER_STALE = 40;
const FILE_MODE = 0o600;

/**
 * The right of one process to use a folder, in the lock file `path`. A process of this machine that has it is refused
 * to others at once; for one that cannot be looked at this waits until it gives a sign of life, or none.
 *
 * @throws {FolderInUse}
 */
export async function lockFolder(
  path: string,
  { staleMilliseconds = STALE_MILLISECONDS, owner = process.pid }: FolderLockOptions = {},
): Promise<FileLock> {
  const giveUpAt = performance.now() + staleMilliseconds * 1.5;
  for (;;) {
    const { lock, holder } = await takeLockFile(path, {
      staleMilliseconds,
      staleTakeoverMilliseconds: staleMilliseconds,
      heartbeatMilliseconds: staleMilliseconds / HEARTBEATS_PER_STALE,
      owner,
      mode: FILE_MODE,
      lostMessage: 'another process took over the folder of the embedded database',
      isLostWhenUnreadable: false,
    });
    if (lock !== undefined) return lock;
    if (holder.verdict === 'held' || performance.now() > giveUpAt)
      throw new FolderInUse(describe(holder.record));
    await delay(staleMilliseconds / POLLS_PER_STALE);
  }
}

function describe(record: LockRecord | undefined): string {
  if (record === undefined) return 'another process';
  const here = record.host === hostname();
  return `process ${record.owner}${here ? '' : ` on ${record.host}`}`;
}
