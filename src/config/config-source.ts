import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from './config-error.ts';
import type { Environment } from './interpolate.ts';

const DEFAULT_FILE = 'parlance.yaml';

/** Where a configuration comes from, and its text. */
export interface ConfigSource {
  /** Absolute path; `null` when there is no file. */
  readonly file: string | null;
  /** The file as the user named it. */
  readonly label: string | null;
  /** Without byte order mark; empty when there is no file. */
  readonly text: string;
}

interface Place {
  readonly path?: string | undefined;
  readonly env: Environment;
  readonly cwd: string;
}

/**
 * Reads the file at `path`, else at `PARLANCE_CONFIG`, else `./parlance.yaml`. Only the last one may be absent.
 *
 * @throws {ConfigError} when a named file is absent, or any file cannot be read or is not UTF-8
 */
export function readConfigSource({ path, env, cwd }: Place): ConfigSource {
  const named = path ?? (env['PARLANCE_CONFIG'] || undefined);
  const label = named ?? DEFAULT_FILE;
  const file = resolve(cwd, label);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    if (named === undefined && code === 'ENOENT') return { file: null, label: null, text: '' };
    throw new ConfigError(label, [
      { path: '', message: READ_FAILURES[code] ?? `this file cannot be read (${code})` },
    ]);
  }
  try {
    return { file, label, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    throw new ConfigError(label, [{ path: '', message: 'this file is not UTF-8 text; save it as UTF-8' }]);
  }
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; create it, or name another',
  EISDIR: `this is a folder; name the file in it, such as ${DEFAULT_FILE}`,
  EACCES: 'the user who runs Parlance may not read this file; change its permissions',
};
