/** Model servers of other makes, as real processes on loopback: what somebody puts behind Parlance. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  preparePythonEnvironment,
  type PythonEnvironment,
  type PythonMissing,
} from '../../scripts/python-env.ts';
import { DEFAULT_MODEL_NAME } from '../../src/model-store/catalogue.ts';
import { openModelStore } from '../../src/model-store/model-store.ts';
import { TEST_HOME } from './parlance-process.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SCRIPTS = join(import.meta.dirname, 'python');

/** Time for the model to be loaded and, by tinygrad, compiled; in milliseconds. */
const READY_LIMIT = 5 * 60_000;
const READY_POLL = 20;

/** Time a server has to end by itself before it is killed, in milliseconds. */
const STOP_LIMIT = 10_000;

/** All a server gets of the machine's environment: both read variables that would change what they do. */
const SERVER_VARIABLES = ['PATH', 'HOME', 'LD_LIBRARY_PATH', 'SYSTEMROOT', 'TEMP', 'TMP', 'TMPDIR'];

export interface ModelServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:41234`, without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  /** Everything the server has written so far, both streams together. */
  log(): string;
  /** Ends the server, and with it every answer under way. */
  stop(): Promise<void>;
  /** Ends the server at once, as the system does when memory is short. Resolves when its port is free. */
  kill(): Promise<void>;
}

export interface ModelServerProgram {
  /** File in `test/support/python`; it prints `listens on URL` and ends when its standard input does. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Installs the servers, once per checkout; or says why they cannot be had. */
export function prepareModelServers(): Promise<PythonEnvironment | PythonMissing> {
  return preparePythonEnvironment({
    directory: join(ROOT, '.cache/model-servers'),
    requirements: join(SCRIPTS, 'requirements.txt'),
  });
}

/** @returns path of the model file all end-to-end tests use */
export async function pullTestModel(): Promise<string> {
  return (await openModelStore({ home: TEST_HOME }).pull(DEFAULT_MODEL_NAME)).path;
}

/**
 * Starts a server on a free port and waits until it can answer. It ends with this process, however that ends.
 *
 * @throws {Error} with the server's log when it ends or is not ready in time; without Python, with what is missing
 */
export async function startModelServer({ script, args, env = {} }: ModelServerProgram): Promise<ModelServer> {
  const environment = await prepareModelServers();
  if ('missing' in environment) throw new Error(environment.missing);
  const child = spawn(environment.python, [join(SCRIPTS, script), ...args], {
    env: { ...inheritedVariables(), PYTHONUNBUFFERED: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const written: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => written.push(text));
  }
  // By itself: in the log, the beginning of a line that the server writes to its other stream may stand before it.
  const printed: string[] = [];
  child.stdout.on('data', (text: string) => printed.push(text));
  const log = (): string => written.join('');
  // A server that has ended reads no more; that it has is told by `ended`.
  child.stdin.on('error', () => {});
  const ended = endOf(child);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async (): Promise<void> => {
    child.stdin.end();
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT);
    await ended;
    clearTimeout(killer);
  };

  const ending = new AbortController();
  void ended.then((how) => ending.abort(new Error(`${script} ended: ${how}`)));
  const giveUp = AbortSignal.any([ending.signal, AbortSignal.timeout(READY_LIMIT)]);
  try {
    const url = await waitForAddress(() => printed.join(''), giveUp);
    return { url, pid: child.pid ?? 0, log, stop, kill, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await kill();
    throw new Error(`${String(giveUp.reason ?? error)}. It wrote:\n${log()}`, { cause: error });
  }
}

function inheritedVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    SERVER_VARIABLES.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** @returns how the process ended, once it has and all it wrote has been read */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((settle) => {
    child.once('error', (error) => {
      settle(error.message);
    });
    child.once('close', (code, signal) => {
      settle(signal === null ? `exit code ${code}` : `killed by ${signal}`);
    });
  });
}

async function waitForAddress(printed: () => string, signal: AbortSignal): Promise<string> {
  for (;;) {
    signal.throwIfAborted();
    const url = /^listens on (http:\/\/\S+)$/m.exec(printed())?.[1];
    if (url !== undefined) return url;
    await pause(READY_POLL, undefined, { signal });
  }
}
