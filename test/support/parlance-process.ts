/** The real server as a real process: what a user starts with `npm start`. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const ROOT = resolve(import.meta.dirname, '../..');

/** Kept from run to run, so that the model is fetched once per checkout. */
export const TEST_HOME = process.env['PARLANCE_TEST_HOME'] ?? join(ROOT, '.cache/test-home');

/** Time for the model to be fetched and loaded, in milliseconds. */
const READY_LIMIT = 10 * 60_000;
const READY_POLL = 50;

/** Time a server has to end after SIGTERM before it is killed, in milliseconds. */
const STOP_LIMIT = 60_000;

/** Variables of the machine that would change what the server does. */
const SERVER_VARIABLES = /^(?:PARLANCE_|GOOGLE_|GEMINI_|HOST$|PORT$)/;

export interface ParlanceProcessOptions {
  /** Text of a `parlance.yaml`; without it the server has no configuration file. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface ParlanceProcess {
  /** Such as `http://127.0.0.1:41234`, without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  /** Everything the server has written so far, both streams together. */
  output(): string;
  /**
   * Sends SIGTERM and waits for the end.
   *
   * @returns the exit code; `null` when the server had to be killed, or had been
   */
  stop(): Promise<number | null>;
}

/**
 * Starts `parlance serve` on a free port and waits until it can answer.
 *
 * @throws {Error} with the server's output when it ends or does not become ready
 */
export async function startParlance({
  config,
  env = {},
}: ParlanceProcessOptions = {}): Promise<ParlanceProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'parlance-test-'));
  if (config !== undefined) await writeFile(join(folder, 'parlance.yaml'), config);
  const inherited = Object.entries(process.env).filter(([name]) => !SERVER_VARIABLES.test(name));
  const child = spawn(process.execPath, [join(ROOT, 'bin/parlance.js'), 'serve'], {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), PARLANCE_HOME: TEST_HOME, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => written.push(text));
  }
  const output = (): string => written.join('');
  const ended = new Promise<number | null>((settle) => {
    child.once('error', (error) => {
      written.push(error.message);
      settle(null);
    });
    child.once('close', settle);
  });
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT);
    const code = await ended;
    clearTimeout(killer);
    await rm(folder, { recursive: true, force: true });
    return code;
  };

  const ending = new AbortController();
  void ended.then((code) => ending.abort(new Error(`the server ended with exit code ${code}`)));
  const giveUp = AbortSignal.any([ending.signal, AbortSignal.timeout(READY_LIMIT)]);
  try {
    const url = await waitUntilReady(output, giveUp);
    return { url, pid: child.pid ?? 0, output, stop };
  } catch (error) {
    await stop();
    throw new Error(`${String(giveUp.reason ?? error)}. The server wrote:\n${output()}`, { cause: error });
  }
}

/** @returns the base URL, once `/readyz` says that requests can be answered */
async function waitUntilReady(output: () => string, signal: AbortSignal): Promise<string> {
  for (;;) {
    signal.throwIfAborted();
    const url = /listens on (http:\/\/\S+)/.exec(output())?.[1];
    if (url !== undefined && (await isReady(url, signal))) return url;
    await pause(READY_POLL, undefined, { signal });
  }
}

async function isReady(url: string, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(`${url}/readyz`, { signal });
  // A body left unread would keep the connection busy.
  await response.arrayBuffer();
  return response.ok;
}
