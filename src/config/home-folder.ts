import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Environment } from './interpolate.ts';

/** Folder of models, keys and state, absolute: `PARLANCE_HOME` or `~/.parlance`. */
export function homeFolder(env: Environment, cwd: string): string {
  return resolve(cwd, env['PARLANCE_HOME'] || resolve(homedir(), '.parlance'));
}
