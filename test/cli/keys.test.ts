import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeysCommand } from '../../src/cli/commands/keys.ts';
import { createParlance } from '../../src/compose/create-parlance.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { StoredKey } from '../../src/state/keys/stored-key.ts';
import { makeTestHome, type TestHome } from '../state/embedded-home.ts';
import { type Outcome, runCommand } from './run-command.ts';

let home: TestHome;

beforeAll(async () => {
  home = await makeTestHome();
  await writeFile(
    join(home.path, 'parlance.yaml'),
    [
      'server: { port: 0 }',
      'log: { level: silent }',
      'auth: { mode: keys }',
      'upstreams: { server: { kind: openai, base_url: "http://127.0.0.1:9", health: { interval_ms: 0 } } }',
    ].join('\n'),
  );
});

afterAll(() => home[Symbol.asyncDispose]());

const run = (...args: string[]): Promise<Outcome> => runCommand(runKeysCommand, args, { home: home.path });

const list = async (): Promise<StoredKey[]> =>
  JSON.parse((await run('list', '--json')).stdout) as StoredKey[];

describe('parlance keys', () => {
  it.each([[['--help']], [['create', '-h']]])('explains itself on %j', async (args) => {
    const { exitCode, stdout } = await run(...args);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: parlance keys create --name NAME/);
  });

  it.each<[string[], RegExp]>([
    [[], /needs to know what to do: create, list or revoke/],
    [['make'], /knows create, list and revoke, not "make"/],
    [['create'], /--name NAME/],
    [['create', '--name', ' '], /--name NAME/],
    [['create', 'x', '--name', 'n'], /"x" is too much/],
    [['create', '--name', 'n', '--models', 'a,,b'], /--models wants names/],
    [['create', '--name', 'n', '--expires', '0d'], /--expires wants 30d/],
    [['create', '--name', 'n', '--expires', '2020-01-01'], /a date to come/],
    [['create', '--name', 'n', '--expires', 'tomorrow'], /not "tomorrow"/],
    [['list', '--name', 'n'], /--name belongs to create/],
    [['list', 'x'], /"x" is too much/],
    [['revoke'], /Name the key by its id/],
    [['revoke', 'a', 'b'], /"b" is too much/],
    [['list', '--jsn'], /jsn/],
  ])('does not understand %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('says what is wrong with the configuration', async () => {
    const { exitCode, stderr } = await run('list', '--config', 'absent.yaml');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('absent.yaml');
  });
});

describe('keys', () => {
  it('are made, listed and revoked without a server', async () => {
    expect((await run('list')).stdout).toMatch(/^No keys yet/);
    const { stdout, stderr } = await run('create', '--name', 'ci', '--models', 'google/*, meta/*');
    expect(stdout).toMatch(/^sk-parlance-\w{40}\n$/);
    expect(stderr).not.toContain(stdout.trim());
    const [key] = await list();
    expect(key).toMatchObject({ name: 'ci', policy: { models: ['google/*', 'meta/*'] } });
    expect(JSON.stringify(key)).not.toContain(stdout.trim());
    expect((await run('list')).stdout).toMatch(/ci +sk-parlance-\w{8}\.\.\. +valid +never +models google/);
    expect((await run('revoke', key!.id)).exitCode).toBe(0);
    expect((await run('list')).stdout).toMatch(/revoked \d{4}-/);
    expect(await run('revoke', 'key_none')).toMatchObject({ exitCode: 1, stdout: '' });
  }, 60_000);

  it('work at once while a server runs, for what they may ask for, until they are revoked', async () => {
    const config = loadConfig({ env: { PARLANCE_HOME: home.path }, cwd: home.path });
    const parlance = createParlance(config);
    const url = await parlance.listen();
    try {
      const made = await run('create', '--name', 'app\u{1b}[31m', '--projects', 'mine', '--json');
      const { id, key } = JSON.parse(made.stdout) as { id: string; key: string };
      const ask = async (path: string, credential = key) => {
        const response = await fetch(`${url}${path}/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${credential}` },
          body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] }),
        });
        const { error } = (await response.json()) as { error: { code: string } };
        return `${response.status} ${error.code}`;
      };
      const mine = '/v1/projects/mine/locations/us-central1/endpoints/openapi';
      // Nobody listens behind the upstream: it is reached by whoever is let in.
      expect(await ask(mine)).toBe('503 upstream_unavailable');
      expect(await ask(mine.replace('mine', 'yours'))).toBe('403 permission_denied');
      expect(await ask('/v1')).toBe('403 permission_denied');
      expect(await ask(mine, `${key.slice(0, -1)}_`)).toBe('401 invalid_api_key');
      expect((await run('list')).stdout).not.toContain('\u{1b}');
      expect((await run('revoke', id)).exitCode).toBe(0);
      expect(await ask(mine)).toBe('401 invalid_api_key');
    } finally {
      await parlance.close();
    }
    expect((await list()).map(({ name }) => name)).toEqual(['ci', 'app\u{1b}[31m']);
  }, 60_000);
});
