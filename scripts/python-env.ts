/**
 * Prepares the Python the tests run client programs with: a virtual environment in .cache/python that holds what
 * examples/python/requirements.txt asks for.
 *
 * Usage: node scripts/python-env.ts
 * What is installed is written to .cache/python/installed.json. Delete .cache/python to get the newest versions again.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Python with the packages of a requirements file. */
export interface PythonEnvironment {
  /** Path of the interpreter. */
  readonly python: string;
  /** Version of each installed package, by its name on the index. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Why there is no {@link PythonEnvironment}, and what to do about it. */
export interface PythonMissing {
  readonly missing: string;
}

export interface PythonEnvironmentOptions {
  /** Where the virtual environment lies. @default '.cache/python' of this checkout */
  readonly directory?: string;
  /** Path of the file that lists the packages. @default 'examples/python/requirements.txt' of this checkout */
  readonly requirements?: string;
  /** The interpreter it is made from. @default 'python3' */
  readonly command?: string;
}

const ROOT = join(import.meta.dirname, '..');
const PIP_RELEASE = 'https://pypi.org/pypi/pip/json';
const MAX_REASON_CHARACTERS = 600;

/** Makes the virtual environment; one that is there and has all packages is used as it is. */
export async function preparePythonEnvironment({
  directory = join(ROOT, '.cache/python'),
  requirements = join(ROOT, 'examples/python/requirements.txt'),
  command = 'python3',
}: PythonEnvironmentOptions = {}): Promise<PythonEnvironment | PythonMissing> {
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const python = join(directory, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const receipt = join(directory, 'installed.json');
  const installed = existsSync(python) ? await readReceipt(receipt) : undefined;
  if (installed?.requirements === digest) return { python, versions: installed.versions };

  try {
    await rm(directory, { recursive: true, force: true });
    await createVirtualEnvironment(command, { directory, python });
    await run(python, ['-m', 'pip', 'install', '--quiet', '--no-input', '--requirement', requirements]);
    const list: unknown = JSON.parse(await run(python, ['-m', 'pip', 'list', '--format', 'json']));
    const versions = readPackageList(list);
    // Written last: an environment without a receipt is one that was never finished.
    await writeFile(receipt, `${JSON.stringify({ requirements: digest, versions }, undefined, 2)}\n`);
    return { python, versions };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

async function createVirtualEnvironment(
  command: string,
  { directory, python }: { directory: string; python: string },
): Promise<void> {
  await run(command, ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).catch((error: unknown) => {
    throw new Error(`No Python 3.9 or newer: install python3, then run the tests again. (${reason(error)})`);
  });
  try {
    await run(command, ['-m', 'venv', directory]);
  } catch {
    // Debian and Ubuntu ship Python without the pip that venv would copy.
    await rm(directory, { recursive: true, force: true });
    await run(command, ['-m', 'venv', '--without-pip', directory]).catch((error: unknown) => {
      throw new Error(`Python cannot make virtual environments: install python3-venv. (${reason(error)})`);
    });
    await installPip(python);
  }
}

/** Installs pip with pip itself: its wheel can be run before it is installed. */
async function installPip(python: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'parlance-pip-'));
  try {
    const release = await download(PIP_RELEASE);
    const { urls } = (await release.json()) as {
      urls: { packagetype: string; url: string; filename: string }[];
    };
    const wheel = urls.find(({ packagetype }) => packagetype === 'bdist_wheel');
    if (wheel === undefined) throw new Error(`${PIP_RELEASE} lists no wheel`);
    const path = join(folder, wheel.filename);
    await writeFile(
      path,
      Buffer.from(await (await download(new URL(wheel.url, release.url).href)).arrayBuffer()),
    );
    await run(python, [join(path, 'pip'), 'install', '--quiet', '--no-input', path]);
  } catch (error) {
    throw new Error(
      `This Python has no pip: install python3-venv. (Fetching pip instead failed: ${reason(error)})`,
      { cause: error },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function download(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered with HTTP ${response.status}`);
  return response;
}

/** @returns what the command printed @throws {Error} with the end of its output when it fails or does not exist */
async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  const errors: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const code = await promise;
  if (code === 0) return output.join('');
  const said = `${output.join('')}${errors.join('')}`.trim().slice(-MAX_REASON_CHARACTERS);
  throw new Error(`${command} failed${said === '' ? '' : `: ${said}`}`);
}

async function readReceipt(
  path: string,
): Promise<{ requirements: string; versions: Record<string, string> } | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as {
      requirements: string;
      versions: Record<string, string>;
    };
  } catch {
    return undefined;
  }
}

function readPackageList(list: unknown): Record<string, string> {
  const packages = list as { name: string; version: string }[];
  return Object.fromEntries(packages.map(({ name, version }) => [name, version]));
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

if (import.meta.main) {
  const result = await preparePythonEnvironment();
  if ('missing' in result) {
    console.error(result.missing);
    process.exitCode = 1;
  } else {
    console.log(
      `${result.python}\n${Object.entries(result.versions)
        .map((entry) => entry.join(' '))
        .join('\n')}`,
    );
  }
}
