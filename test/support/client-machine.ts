/** The machine a client program runs on: where nobody, or one known account, is signed in to Google. */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Variables that would sign a client in, or send it elsewhere. */
const CLIENT_VARIABLES = /^(?:GOOGLE_|CLOUDSDK_|GCLOUD_|GEMINI_|OPENAI_|PARLANCE_|PYTHON)/;

/** Time one program may take, in milliseconds. */
const RUN_LIMIT = 150_000;

export interface ClientMachineOptions {
  /** Environment variables of every program. */
  readonly env?: Readonly<Record<string, string>>;
  /** What `gcloud auth print-access-token` prints; without it gcloud fails as it does before `gcloud auth login`. */
  readonly accessToken?: string;
}

export interface ClientRun {
  /** `null` when the program was killed because it took too long. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ClientMachine {
  /** The home folder of its only user. */
  readonly home: string;
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<ClientRun>;
  remove(): Promise<void>;
}

export async function createClientMachine({
  env = {},
  accessToken,
}: ClientMachineOptions): Promise<ClientMachine> {
  const home = await mkdtemp(join(tmpdir(), 'parlance-client-'));
  const programs = join(home, 'bin');
  await mkdir(programs);
  const gcloud = join(programs, 'gcloud');
  await writeFile(gcloud, `#!/bin/sh\n${accessToken === undefined ? 'exit 1' : `echo ${accessToken}`}\n`);
  await chmod(gcloud, 0o755);
  const inherited = Object.entries(process.env).filter(([name]) => !CLIENT_VARIABLES.test(name));
  const machine = {
    ...Object.fromEntries(inherited),
    PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}`,
    HOME: home,
    // google-auth must not ask for an account of the virtual machine the tests may run on.
    NO_GCE_CHECK: 'true',
    PYTHONDONTWRITEBYTECODE: '1',
    ...env,
  };
  return {
    home,
    run: (command, args, more = {}) => run(command, args, { ...machine, ...more }),
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<ClientRun> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_LIMIT });
  const stdout: string[] = [];
  const stderr: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => stdout.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  return { exitCode: await promise, stdout: stdout.join(''), stderr: stderr.join('') };
}
