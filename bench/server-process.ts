/** Starts the servers that are measured, each as a process of its own on a free loopback port. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childProcesses } from './process-clock.ts';

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ParlanceProcess extends ServerProcess {
  /** Milliseconds from the start of the process until `/healthz` answered. */
  readonly healthyAfter: number;
  /** Milliseconds from the start of the process until `/readyz` answered 200. */
  readonly readyAfter: number;
  readonly enginePid: number;
}

/** Between two looks at a server that is starting, in milliseconds. */
const POLL_INTERVAL = 10;
/** Longest wait for a server to come up, in milliseconds. */
const START_TIMEOUT = 60_000;
/** Longest wait for a process to end by itself, in milliseconds. */
const STOP_TIMEOUT = 5000;

const PARLANCE = fileURLToPath(new URL('../bin/parlance.js', import.meta.url));

/** Variables that would change what the server does. */
const CONFIGURING = /^(PARLANCE_|GEMINI_|GOOGLE_|PORT$|HOST$|OTEL_|NODE_OPTIONS$)/;

/**
 * `parlance serve` with one embedded model, as a user would run it.
 *
 * @throws {Error} when it does not become ready
 */
export async function startParlance({
  model,
  threads,
}: {
  model: string;
  threads: number;
}): Promise<ParlanceProcess> {
  const upstreams = { local: { kind: 'embedded', model, threads } };
  const { child, startedAt, ...server } = await serve({
    server: { port: 0 },
    upstreams,
    models: [{ match: '*', upstream: 'local' }],
  });
  try {
    await answers(child, `${server.url}/healthz`);
    const healthyAfter = performance.now() - startedAt;
    await answers(child, `${server.url}/readyz`);
    const readyAfter = performance.now() - startedAt;
    const [enginePid] = childProcesses(server.pid);
    if (enginePid === undefined) throw new Error('the server is ready but has no engine process');
    return { ...server, enginePid, healthyAfter, readyAfter };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * `parlance serve` in front of one upstream, with keys, limits and the usual log.
 *
 * @param upstream its section of the configuration
 * @param key what clients have to send
 * @param profile folder for a CPU profile of its whole run
 */
export async function startGateway(
  { upstream, key }: { upstream: object; key: string },
  profile?: string,
): Promise<ServerProcess> {
  const config = {
    server: { port: 0 },
    auth: { mode: 'keys', keys: [key] },
    log: { level: 'info' },
    upstreams: { up: upstream },
    models: [{ match: '*', upstream: 'up' }],
  };
  return serve(config, profile);
}

interface ServingProcess extends ServerProcess {
  readonly child: ChildProcess;
  /** By `performance.now()`. */
  readonly startedAt: number;
}

/** Starts `parlance serve` in a folder of its own, and waits until it listens. */
async function serve(config: object, profile?: string): Promise<ServingProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'parlance-bench-'));
  // JSON is YAML.
  writeFileSync(join(directory, 'parlance.yaml'), JSON.stringify(config));
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !CONFIGURING.test(name)));
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...profiling(profile), PARLANCE, 'serve'], {
    cwd: directory,
    env: { ...env, PARLANCE_HOME: directory },
    // `ignore` is /dev/null: the log is written all the same.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const stop = async (): Promise<void> => {
    await endProcess(child);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    return { url: await announcedUrl(child), pid: processId(child), child, startedAt, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A program of this folder that reports its port. @param profile folder for a CPU profile of its whole run */
export async function startNodeServer(
  file: string,
  profile?: string,
  args: readonly string[] = [],
): Promise<ServerProcess> {
  const child = fork(new URL(file, import.meta.url), args, {
    execArgv: profiling(profile),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const port = await Promise.race([
    once(child, 'message').then(([message]) => Number(message)),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${file} ended with code ${String(code)} before it listened`);
    }),
  ]);
  return { url: `http://127.0.0.1:${port}`, pid: processId(child), stop: () => endProcess(child) };
}

/** Any other server. @throws {Error} when `healthUrl` does not answer 200 */
export async function startProgram(
  command: readonly [string, ...string[]],
  { env, url, healthPath }: { env: NodeJS.ProcessEnv; url: string; healthPath: string },
): Promise<ServerProcess & { readonly readyAfter: number }> {
  const start = performance.now();
  const [program, ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  try {
    await answers(child, url + healthPath);
  } catch (error) {
    await endProcess(child);
    throw error;
  }
  const readyAfter = performance.now() - start;
  return { url, pid: processId(child), readyAfter, stop: () => endProcess(child) };
}

/** What makes Node.js write a CPU profile into a folder. */
function profiling(folder: string | undefined): string[] {
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

function processId({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the process did not start');
  return pid;
}

/** The address in the first lines of what the server prints. */
function announcedUrl(child: ChildProcess): Promise<string> {
  const { stdout } = child;
  if (stdout === null) throw new Error('the output of the server is not piped');
  return new Promise((resolve, reject) => {
    let printed = '';
    stdout.setEncoding('utf8');
    stdout.on('data', (text: string) => {
      printed += text;
      const url = /listens on (http:\S+)/.exec(printed)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', (code) => {
      reject(new Error(`the server ended with code ${code} before it listened`));
    });
  });
}

/** Asks again and again until the answer is 200. */
async function answers(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT;
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      throw new Error(`the process ended before ${url} answered`);
    }
    try {
      const response = await fetch(url);
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_INTERVAL);
    });
  }
  throw new Error(`${url} did not answer 200 within ${START_TIMEOUT / 1000} seconds`);
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  // Programs of this folder end with their channel, so that they can still write a profile.
  if (child.connected) child.disconnect();
  else child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
  await gone;
  clearTimeout(timer);
}
