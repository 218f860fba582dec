import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const ENGINE_VARIABLES =
  /^(PATH|HOME|TMPDIR|TEMP|TMP|LANG|LC_|LD_|DYLD_|SYSTEMROOT|WINDIR|CUDA|HIP|ROCR|GGML_|VK_|OMP_)/i;

/**
 * Starts an engine process that speaks the messages of `engine/protocol.ts` over its IPC channel.
 *
 * @param entry the script it runs
 */
export function spawnEngine(entry: string): ChildProcess {
  return fork(entry, [], {
    env: engineEnvironment(process.env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  });
}

/** Scripts of the two kinds of engine: for text, and for prompts with images or audio. */
export const TEXT_ENGINE = scriptBeside('./engine/engine-process');
export const MEDIA_ENGINE = scriptBeside('./media-engine/media-process');

/** The sources of a checkout run as they are, an installed package has them compiled. */
function scriptBeside(path: string): string {
  const self = fileURLToPath(import.meta.url);
  return fileURLToPath(new URL(`${path}${extname(self)}`, import.meta.url));
}

/** What the loader of native libraries reads. Secrets of the server are no business of native code. */
function engineEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const cache = getCompileCacheDir();
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => ENGINE_VARIABLES.test(name))),
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
  };
}
