/** Server programs that tests start themselves, as Debian packages them. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram, pathFolders } from '../../scripts/find-program.ts';

const run = promisify(execFile);

/** Time for a server to take connections, in milliseconds. */
const READY_LIMIT = 60_000;

export interface DebianProgram {
  /** Name of the program file. */
  readonly program: string;
  /** The package it is in. */
  readonly debianPackage: string;
  /** Globs of folders that are not in `PATH`. */
  readonly folders?: readonly string[];
}

/** Why a program cannot be had, and what to do about it. */
export interface ProgramMissing {
  readonly missing: string;
}

/** Who a program runs as; nothing of it where this process is not root. */
export interface ProgramUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** @returns path of the program, installed first where that is possible */
export async function provideProgram(wanted: DebianProgram): Promise<string | ProgramMissing> {
  const found = lookForProgram(wanted);
  if (found !== undefined) return found;
  const { program, debianPackage } = wanted;
  const advice = `no ${program} on this machine: apt-get install ${debianPackage}`;
  if (process.getuid?.() !== 0) return { missing: advice };
  try {
    // At this run level the package does not start a server of its own.
    const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update'], { env }).catch(() => {});
    await run('apt-get', ['install', '-y', '--no-install-recommends', debianPackage], { env });
  } catch (error) {
    return { missing: `${advice} (${(error as Error).message.slice(0, 200)})` };
  }
  return lookForProgram(wanted) ?? { missing: advice };
}

function lookForProgram({ program, folders = [] }: DebianProgram): string | undefined {
  const elsewhere = folders.flatMap((folder) => globSync(folder).sort().toReversed());
  return findProgram(program, [...elsewhere, ...pathFolders()]);
}

/** The named user where this process is root; some servers refuse to run as root. */
export async function programUser(name: string): Promise<ProgramUser> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, name])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

/** A folder of that user, to be removed after use. */
export async function makeFolder({ uid, gid }: ProgramUser): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'parlance-server-'));
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}

export interface RunningProgram {
  readonly process: ChildProcess;
  /** Ends the program with this signal and waits for its end. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface ProgramStart extends ProgramUser {
  readonly path: string;
  readonly args: readonly string[];
  /** What the program writes when it takes connections. */
  readonly ready: RegExp;
}

/** @throws {Error} with what the program wrote, when it is not ready in time */
export async function startProgram({ path, args, ready, ...user }: ProgramStart): Promise<RunningProgram> {
  const child = spawn(path, args, { ...user, stdio: ['ignore', 'pipe', 'pipe'] });
  let written = '';
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      written += error.message;
      resolve();
    });
    child.once('exit', () => {
      resolve();
    });
  });
  const killWithUs = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killWithUs);
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
    process.off('exit', killWithUs);
  };
  const isReady = new Promise<true>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        written += text;
        if (ready.test(written)) resolve(true);
      });
    }
  });
  const late = new Promise<void>((resolve) => {
    setTimeout(resolve, READY_LIMIT).unref();
  });
  if ((await Promise.race([isReady, ended, late])) !== true) {
    await stop('SIGKILL');
    throw new Error(`${path} did not start. It wrote:\n${written}`);
  }
  return { process: child, stop };
}
