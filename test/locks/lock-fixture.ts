import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FileLock } from '../../src/locks/lock-file.ts';

export const AN_HOUR_AGO = new Date(Date.now() - 3_600_000);

/** Runs always and is not ours: this process was started by it. */
export const LIVING_PID = process.ppid;

export function deadPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

/** What a process has left in a lock file. */
export interface Left {
  readonly pid: number;
  /** @default the process itself */
  readonly owner?: number;
  /** @default this machine */
  readonly host?: string;
  readonly birth?: string;
}

/** A folder of the test, and the path of the lock in it. */
export class LockFolder {
  readonly directory = mkdtempSync(join(tmpdir(), 'parlance-lock-'));
  readonly path = join(this.directory, 'lock');

  constructor() {
    onTestFinished(() => {
      rmSync(this.directory, { recursive: true });
    });
  }

  /** The lock of another process, with its last sign of life. */
  async leave(record: Left, touched?: Date): Promise<void> {
    await this.leaveText(JSON.stringify({ token: 'earlier', host: hostname(), ...record }), touched);
  }

  async leaveText(text: string, touched = new Date()): Promise<void> {
    await writeFile(this.path, text);
    await utimes(this.path, touched, touched);
  }
}

/** Waits until the lock is lost. @returns what its holder is told */
export function reasonOfLoss({ lost }: FileLock): Promise<unknown> {
  return new Promise((resolve) => {
    lost.addEventListener('abort', () => {
      resolve(lost.reason);
    });
  });
}
