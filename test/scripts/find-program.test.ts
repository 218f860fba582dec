import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findProgram, pathFolders } from '../../scripts/find-program.ts';

let folders: string[];
/** The program in each of them; in the first it cannot be run. */
let programs: string[];

beforeEach(() => {
  folders = ['plain', 'first', 'second'].map((name) => mkdtempSync(join(tmpdir(), `parlance-${name}-`)));
  programs = folders.map((folder) => join(folder, 'some-program'));
  for (const program of programs) {
    writeFileSync(program, '');
    chmodSync(program, program === programs[0] ? 0o644 : 0o755);
  }
});

afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe('findProgram', () => {
  it('takes the first on the PATH that can be run', () => {
    vi.stubEnv('PATH', `::${folders.join(':')}`);
    expect(findProgram('some-program')).toBe(programs[1]);
    expect(findProgram('other-program')).toBeUndefined();
  });

  it('looks into other folders in their order', () => {
    vi.stubEnv('PATH', folders[1]);
    expect(findProgram('some-program', [folders[2] ?? '', ...pathFolders()])).toBe(programs[2]);
    expect(findProgram('some-program', [...pathFolders(), folders[2] ?? ''])).toBe(programs[1]);
  });
});
