/** `parlance explain` shows what upstreams would be sent, and not with which credentials. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runExplainCommand } from '../../src/cli/commands/explain.ts';
import { makePlantedConfig, UPSTREAMS } from './planted-config.ts';
import { Plants } from './plants.ts';
import { RepeatingUpstream } from './repeating-upstream.ts';

const NOTHING = Readable.from([]) as AsyncIterable<Uint8Array>;

describe('parlance explain', () => {
  const plants = new Plants();
  let upstream: RepeatingUpstream;
  let folder: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    upstream = await RepeatingUpstream.start(plants);
    folder = await mkdtemp(join(tmpdir(), 'parlance-explain-'));
    const config = await makePlantedConfig(plants, upstream, folder);
    await writeFile(join(folder, 'parlance.yaml'), config.text, { mode: 0o600 });
    env = { ...config.env, PARLANCE_HOME: folder };
  });

  afterAll(async () => {
    await upstream[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it.each(UPSTREAMS)('shows none of the credentials of %s', async (model) => {
    await writeFile(
      join(folder, 'body.json'),
      JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] }),
    );
    let text = '';
    const output = { write: (written: string) => (text += written) };
    for (const args of [['body.json'], ['body.json', '--json']]) {
      expect(
        await runExplainCommand(args, { stdin: NOTHING, stdout: output, stderr: output, env, cwd: folder }),
      ).toBe(0);
    }
    expect(text).toContain(upstream.urlOf(model));
    expect(plants.leaks([{ name: `the explanation of ${model}`, text, owners: [] }])).toEqual([]);
  });
});
