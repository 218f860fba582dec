import { setTimeout as delay } from 'node:timers/promises';
import { type FileLock, takeLockFile } from '../locks/lock-file.ts';

export interface PullLockOptions {
  readonly signal: AbortSignal;
  /** Called once, when somebody else holds the lock. `pid` is theirs. */
  readonly onWait?: (pid: number) => void;
  /** Age of a sign of life after which a process that cannot be looked at counts as dead. @default 2 minutes */
  readonly staleMilliseconds?: number;
}

const STALE_MILLISECONDS = 120_000;
const HEARTBEATS_PER_STALE = 8;
const STALE_TAKEOVER_MILLISECONDS = 10_000;
const POLL_MILLISECONDS = 250;

/**
 * The right of one process to write a model's files, in the lock file `path`. Waits while another process has it.
 *
 * @throws the signal's reason when it aborts; the file system's errors pass through
 */
export async function acquirePullLock(
  path: string,
  { signal, onWait, staleMilliseconds = STALE_MILLISECONDS }: PullLockOptions,
): Promise<FileLock> {
  let announced = false;
  for (;;) {
    signal.throwIfAborted();
    const { lock, holder } = await takeLockFile(path, {
      staleMilliseconds,
      staleTakeoverMilliseconds: STALE_TAKEOVER_MILLISECONDS,
      heartbeatMilliseconds: staleMilliseconds / HEARTBEATS_PER_STALE,
      lostMessage: 'another process took over this download',
      isLostWhenUnreadable: true,
    });
    if (lock !== undefined) return lock;
    if (holder.verdict !== 'abandoned' && !announced) {
      onWait?.(holder.record?.pid ?? 0);
      announced = true;
    }
    await delay(POLL_MILLISECONDS, undefined, { signal });
  }
}
