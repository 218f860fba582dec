import { hash } from 'node:crypto';
import { join } from 'node:path';

/** Longest path of a Unix socket, in bytes: 104 with the final zero on macOS and the BSDs, 108 on Linux. */
const MAX_PATH_BYTES = 103;

/**
 * Where the process that has the embedded database of a home listens for other commands of this machine.
 *
 * @returns `undefined` where the home's path is too long for a socket
 */
export function controlPath(home: string, platform = process.platform): string | undefined {
  if (platform === 'win32') return String.raw`\\.\pipe\parlance-${hash('sha256', home).slice(0, 32)}`;
  const path = join(home, 'state', 'control.sock');
  return Buffer.byteLength(path) > MAX_PATH_BYTES ? undefined : path;
}
