import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';

describe('the README of the examples', () => {
  it('shows a configuration that works', () => {
    const readme = readFileSync(new URL('../../examples/README.md', import.meta.url), 'utf8');
    const cwd = mkdtempSync(join(tmpdir(), 'parlance-readme-'));
    writeFileSync(join(cwd, 'parlance.yaml'), /```yaml\n([^]*?)```/.exec(readme)?.[1] ?? '');
    const { upstreams, endpoints, models } = loadConfig({ env: {}, cwd });
    rmSync(cwd, { recursive: true });
    expect(upstreams['gemma']).toMatchObject({
      kind: 'vllm',
      base_urls: ['http://127.0.0.1:8000/v1', 'http://127.0.0.1:8001/v1'],
      fallback: [{ upstream: 'local' }],
    });
    expect(endpoints).toMatchObject({ '1234567890': { upstream: 'gemma' } });
    expect(models).toMatchObject([{ match: '*', upstream: 'local' }]);
  });
});
