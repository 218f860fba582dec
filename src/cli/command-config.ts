import { hasCredentials } from '../auth/outbound/google-credentials.ts';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import type { CommandIo } from './command-io.ts';

/**
 * The configuration that a command works with, as the server has it.
 *
 * @param path what `--config` says
 * @throws {ConfigError}
 */
export function commandConfig(path: string | undefined, { env, cwd }: CommandIo): LoadedConfig {
  return loadConfig({ env, cwd, path, hasGoogleCredentials: hasCredentials(env) });
}
