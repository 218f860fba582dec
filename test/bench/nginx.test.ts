import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findNginx } from '../../bench/nginx.ts';

describe('findNginx', () => {
  it('takes the first on the PATH that can be run', () => {
    const folders = ['plain', 'right'].map((name) => mkdtempSync(join(tmpdir(), `parlance-${name}-`)));
    onTestFinished(() => {
      for (const folder of folders) rmSync(folder, { recursive: true });
    });
    const [plain = '', right = ''] = folders.map((folder) => join(folder, 'nginx'));
    for (const file of [plain, right]) writeFileSync(file, '');
    chmodSync(plain, 0o644);
    chmodSync(right, 0o755);
    expect(findNginx({ PATH: `::${folders.join(':')}` })).toBe(right);
  });
});
