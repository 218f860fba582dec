import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import type { Environment } from '../../src/config/interpolate.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { LoadedConfig } from '../../src/config/load.ts';

interface TemporaryFiles {
  /** The empty folder of the running test. */
  folder(): string;
  /** Loads a `parlance.yaml` with this text. */
  load(text: string, env: Environment): LoadedConfig;
}

/** Gives each test of the calling file an empty folder, and removes them all at the end. */
export function temporaryFiles(): TemporaryFiles {
  const root = mkdtempSync(join(tmpdir(), 'parlance-config-'));
  let cwd = root;
  beforeEach(() => {
    cwd = mkdtempSync(join(root, 'case-'));
  });
  afterAll(() => rmSync(root, { recursive: true }));
  return {
    folder: () => cwd,
    load: (text, env) => {
      writeFileSync(join(cwd, 'parlance.yaml'), text, { mode: 0o600 });
      return loadConfig({ env, cwd });
    },
  };
}

/** The ConfigError that a call throws; `undefined` when it succeeds. Any other error is passed on. */
export function attempt(run: () => unknown): ConfigError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** The ConfigError that a call must throw. */
export function failure(run: () => unknown): ConfigError {
  const error = attempt(run);
  if (error === undefined) throw new Error('the configuration was accepted');
  return error;
}
