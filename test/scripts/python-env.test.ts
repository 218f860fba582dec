import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { preparePythonEnvironment } from '../../scripts/python-env.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parlance-python-'));
});

afterEach(async () => rm(folder, { recursive: true, force: true }));

/** A program in Python's place. */
async function fakePython(script: string): Promise<string> {
  const path = join(folder, 'python3');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Answers as Python, venv and pip do. */
const WORKING_PYTHON = `
case "$*" in
  *"pip list"*) echo '[{"name": "openai", "version": "3.1.0"}]' ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
esac`;

describe('preparePythonEnvironment', () => {
  it('says what to install when there is no Python', async () => {
    const command = join(folder, 'python3');
    expect(await preparePythonEnvironment({ directory: join(folder, 'env'), command })).toEqual({
      missing: expect.stringMatching(/^No Python 3\.9 or newer: install python3, .*ENOENT\)$/),
    });
  });

  it('says what to install when Python has no venv', async () => {
    const command = await fakePython('case "$*" in *venv*) echo "No module named venv" >&2; exit 1 ;; esac');
    expect(await preparePythonEnvironment({ directory: join(folder, 'env'), command })).toEqual({
      missing: expect.stringMatching(/install python3-venv\. \(.*No module named venv\)$/s),
    });
  });

  it('makes an environment once, and uses it from then on', async () => {
    const directory = join(folder, 'env');
    const command = await fakePython(WORKING_PYTHON);
    const made = await preparePythonEnvironment({ directory, command });
    expect(made).toEqual({ python: join(directory, 'bin/python'), versions: { openai: '3.1.0' } });
    await rm(command);
    expect(await preparePythonEnvironment({ directory, command })).toEqual(made);
  });

  it('makes it again when other packages are asked for', async () => {
    const options = { directory: join(folder, 'env'), requirements: join(folder, 'requirements.txt') };
    await writeFile(options.requirements, 'openai');
    await preparePythonEnvironment({ ...options, command: await fakePython(WORKING_PYTHON) });
    await writeFile(options.requirements, 'numpy');
    const command = await fakePython(WORKING_PYTHON.replaceAll('openai', 'numpy'));
    expect(await preparePythonEnvironment({ ...options, command })).toMatchObject({
      versions: { numpy: '3.1.0' },
    });
  });

  it('starts anew where it was interrupted', async () => {
    const directory = join(folder, 'env');
    const command = await fakePython(WORKING_PYTHON);
    await preparePythonEnvironment({ directory, command });
    await rm(join(directory, 'installed.json'));
    await writeFile(join(directory, 'leftover'), '');
    expect(await preparePythonEnvironment({ directory, command })).toHaveProperty('versions');
    expect(await readdir(directory)).toEqual(expect.arrayContaining(['bin', 'installed.json']));
    expect(await readdir(directory)).not.toContain('leftover');
  });
});
