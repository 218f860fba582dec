/** `parlance serve` as a process that need not become ready, or even start. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { vi } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** Variables of the machine that would change what the server does. */
const SERVER_VARIABLES = /^(?:PARLANCE_|GOOGLE_|GEMINI_|PIP_|HOST$|PORT$|\w+_PROXY$)/i;

export interface ServeProcessOptions {
  /** Text of a `parlance.yaml`. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class ServeProcess {
  /** Working directory, and `PARLANCE_HOME` unless the options say otherwise. Deleted by {@link dispose}. */
  readonly folder: string;
  /** The exit code; `null` when a signal ended the process. */
  readonly exit: Promise<number | null>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #output = '';

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder;
    const inherited = Object.entries(process.env).filter(([name]) => !SERVER_VARIABLES.test(name));
    this.#child = spawn(process.execPath, [join(ROOT, 'bin/parlance.js'), 'serve'], {
      cwd: folder,
      env: { ...Object.fromEntries(inherited), PARLANCE_HOME: folder, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.exit = new Promise((settle) => this.#child.once('close', settle));
  }

  static async start({ config, env = {} }: ServeProcessOptions = {}): Promise<ServeProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'parlance-serve-'));
    if (config !== undefined) await writeFile(join(folder, 'parlance.yaml'), config);
    return new ServeProcess(folder, env);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has written so far, both streams together. */
  get output(): string {
    return this.#output;
  }

  /** The base URL, once it listens. */
  async url(): Promise<string> {
    const listens = /listens on (http:\/\/\S+)/;
    await vi.waitUntil(() => listens.test(this.#output), { timeout: 30_000, interval: 20 });
    return listens.exec(this.#output)?.[1] ?? '';
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async dispose(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
    await rm(this.folder, { recursive: true, force: true });
  }
}
