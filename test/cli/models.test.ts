import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runModelsCommand } from '../../src/cli/commands/models.ts';
import { CATALOGUE } from '../../src/model-store/catalogue.ts';
import type { FileServer } from '../model-store/file-server.ts';
import { startFileServer } from '../model-store/file-server.ts';
import { TINY_GGUF, tinyModel } from '../model-store/tiny-model.ts';

let home: string;
let server: FileServer;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'parlance-models-'));
  server = await startFileServer({ files: { '/m.gguf': TINY_GGUF } });
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  vi.stubEnv('no_proxy', '127.0.0.1');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  await rm(home, { recursive: true });
});

/** Size of the one partial download there is. */
function partialBytes(): number | undefined {
  const folder = join(home, 'models');
  const file = existsSync(folder) ? readdirSync(folder).find((name) => name.endsWith('.partial')) : undefined;
  return file === undefined ? undefined : statSync(join(folder, file)).size;
}

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  args: readonly string[],
  { isTTY = false, signal }: { isTTY?: boolean; signal?: AbortSignal } = {},
): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const exitCode = await runModelsCommand(args, {
    stdout: { write: (chunk) => (stdout += chunk) },
    stderr: { write: (chunk) => (stderr += chunk), isTTY, columns: 200 },
    env: { PARLANCE_HOME: home },
    cwd: home,
    ...(signal !== undefined && { signal }),
  });
  return { exitCode, stdout, stderr };
}

describe('parlance models', () => {
  it.each([[['--help']], [['-h']], [['pull', '--help']]])('explains itself on %j', async (args) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: parlance models list/);
  });

  it.each<[string[], RegExp]>([
    [[], /needs one of: list, pull, rm/],
    [['fetch'], /not "fetch"/],
    [['rm'], /needs the name/],
    [['pull', 'a', 'b'], /One model at a time: "b"/],
    [['list', 'a'], /takes no name/],
    [['pull', '--json'], /--json belongs to/],
    [['list', '--yaml'], /Unknown option '--yaml'/],
  ])('refuses %j with exit code 2 and the usage', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toContain('Usage:');
  });
});

describe('parlance models list', () => {
  it('shows the catalogue and what is on the disk', async () => {
    await mkdir(join(home, 'models'));
    await writeFile(join(home, 'models', 'mine.gguf'), 'GGUF');
    await writeFile(join(home, 'models', `${CATALOGUE[1]?.file}.partial`), Buffer.alloc(5_000_000));
    const { exitCode, stdout } = await run(['list']);
    const lines = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(exitCode).toBe(0);
    expect(lines[0]).toEqual(['NAME', 'SIZE', 'STATE', 'LICENCE', 'NOTE']);
    expect(lines[1]).toEqual([
      'smollm2-135m-instruct (default)',
      '98.4 MB',
      'not here',
      'Apache-2.0',
      CATALOGUE[0]?.note,
    ]);
    expect(lines[2]?.slice(0, 3)).toEqual([CATALOGUE[1]?.name, '491.4 MB', '1% here']);
    expect(lines[CATALOGUE.length + 1]).toEqual(['mine.gguf', '4 B', 'on disk', '-']);
    expect(stdout).toContain(`Folder: ${join(home, 'models')}`);
  });

  it('gives the same as JSON', async () => {
    const { stdout } = await run(['list', '--json']);
    const parsed = JSON.parse(stdout) as { directory: string; models: unknown[] };
    expect(parsed.directory).toBe(join(home, 'models'));
    expect(parsed.models).toHaveLength(CATALOGUE.length);
    expect(parsed.models[0]).toMatchObject({
      name: CATALOGUE[0]?.name,
      state: 'absent',
      isDefault: true,
      bytes: 98_362_432,
    });
  });
});

describe('parlance models pull', () => {
  it('downloads, prints the path on stdout and what was not verified on stderr', async () => {
    const { exitCode, stdout, stderr } = await run(['pull', `${server.origin}/m.gguf`]);
    const [file] = (await readdir(join(home, 'models'))).toSorted();
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`${join(home, 'models', file ?? '')}\n`);
    expect(stderr).toContain('not verified against a published checksum');
    expect(stderr).toContain(tinyModel([]).sha256);
    expect(stderr).not.toContain('\r');
  });

  it('draws a bar on a terminal', async () => {
    const { stderr } = await run(['pull', `${server.origin}/m.gguf`], { isTTY: true });
    expect(stderr).toContain(`\rDownloading from ${new URL(server.origin).host}  [`);
  });

  it('fails with exit code 1 and says what to do', async () => {
    const { exitCode, stdout, stderr } = await run(['pull', `${server.origin}/none.gguf`]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('the server answered with HTTP 404');
    expect(stderr).toContain('set `model: /path/to/file.gguf` in the configuration');
  });

  it('fetches the default model when none is named, and stops when told to', async () => {
    const { exitCode, stderr } = await run(['pull'], { signal: AbortSignal.abort() });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('The download of smollm2-135m-instruct was stopped.');
  });

  it.skipIf(process.platform === 'win32')('stops on Ctrl-C and keeps what has arrived', async () => {
    const slow = await startFileServer({
      files: { '/m.gguf': TINY_GGUF },
      faults: [{ kind: 'stall', afterBytes: 9000 }],
    });
    const moduleUrl = new URL('../../src/cli/commands/models.ts', import.meta.url).href;
    const script = `
      const { runModelsCommand } = await import(${JSON.stringify(moduleUrl)});
      const { stdout, stderr, env } = process;
      process.exitCode = await runModelsCommand(['pull', '${slow.origin}/m.gguf'], { stdout, stderr, env, cwd: '/' });`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, PARLANCE_HOME: home },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      const stderr = text(child.stderr);
      await vi.waitUntil(() => partialBytes() === 9000, { timeout: 15_000 });
      child.kill('SIGINT');
      expect(await stderr).toMatch(/The download of .*m\.gguf was stopped\.\n$/);
      expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(1);
      expect(partialBytes()).toBe(9000);
      expect(readdirSync(join(home, 'models')).filter((file) => file.endsWith('.lock'))).toEqual([]);
    } finally {
      child.kill('SIGKILL');
      await slow.close();
    }
  });

  it('explains a home that is no folder', async () => {
    await writeFile(join(home, 'models'), 'x');
    const { exitCode, stderr } = await run(['list']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`The models folder of ${home} cannot be used`);
  });
});

describe('parlance models rm', () => {
  it('removes a file once', async () => {
    await mkdir(join(home, 'models'));
    await writeFile(join(home, 'models', 'mine.gguf'), 'GGUF');
    expect(await run(['rm', 'mine'])).toEqual({ exitCode: 0, stdout: 'Removed mine.\n', stderr: '' });
    expect(await run(['rm', 'mine'])).toMatchObject({ exitCode: 1, stdout: '' });
    const absent = await run(['rm', 'smollm2-135m-instruct']);
    expect(absent).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'smollm2-135m-instruct is not on this machine.\n',
    });
  });
});
