import { homedir } from 'node:os';
import { resolve } from 'node:path';

/** For messages about paths that lead nowhere. */
export const RELATIVE_PATHS = 'relative paths start at the folder of the configuration file';

/** A path of the configuration, absolute. `~/` is the user's home. */
export function resolvePath(path: string, folder: string): string {
  return path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(folder, path);
}
