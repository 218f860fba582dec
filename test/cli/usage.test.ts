import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeysCommand } from '../../src/cli/commands/keys.ts';
import { runUsageCommand } from '../../src/cli/commands/usage.ts';
import { createParlance, type Parlance } from '../../src/compose/create-parlance.ts';
import { loadConfig } from '../../src/config/load.ts';
import { openDatabase } from '../../src/state/database/open-database.ts';
import { UsageLedger } from '../../src/state/usage/usage-ledger.ts';
import { makeTestHome, type TestHome } from '../state/embedded-home.ts';
import { FaultyServer } from '../support/faulty-server.ts';
import { type Outcome, runCommand } from './run-command.ts';

const PROGRAM = resolve(import.meta.dirname, '../../bin/parlance.js');
const DAY = 86_400_000;
const PATIENCE = { timeout: 10_000 };

let home: TestHome;
let models: FaultyServer;

beforeAll(async () => {
  [home, models] = await Promise.all([makeTestHome(), FaultyServer.start()]);
  const upstream = { kind: 'openai', base_url: models.url, health: { interval_ms: 0 } };
  const config = {
    server: { port: 0 },
    log: { level: 'silent' },
    auth: { mode: 'keys' },
    state: { usage_days: 32 },
    upstreams: { server: upstream },
  };
  await writeFile(join(home.path, 'parlance.yaml'), JSON.stringify(config));
});

afterAll(async () => {
  await models[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const run = (command: typeof runUsageCommand, args: readonly string[]): Promise<Outcome> =>
  runCommand(command, args, { home: home.path });

const usage = (...args: string[]) => run(runUsageCommand, args);

async function rows(...args: string[]): Promise<unknown> {
  return JSON.parse((await usage('--json', ...args)).stdout);
}

async function createKey(name: string): Promise<{ id: string; key: string }> {
  const { stdout } = await run(runKeysCommand, ['create', '--name', name, '--json']);
  return JSON.parse(stdout) as { id: string; key: string };
}

async function startServer(): Promise<{ url: string; parlance: Parlance }> {
  const parlance = createParlance(loadConfig({ env: { PARLANCE_HOME: home.path }, cwd: home.path }));
  return { url: await parlance.listen(), parlance };
}

const isoDay = (time: number) => new Date(time).toISOString().slice(0, 'YYYY-MM-DD'.length);

describe('parlance usage', () => {
  it.each([[['--help']], [['-h', '--by', 'day']]])('explains itself on %j', async (args) => {
    const { exitCode, stdout, stderr } = await usage(...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: parlance usage \[--by GROUPS\]/);
  });

  it.each<[string[], RegExp]>([
    [['today'], /^"today" is too much/],
    [['--by', 'hour'], /^--by wants day/],
    [['--from', 'tomorrow'], /^--from wants a day/],
    [['--until', '2026-01-01'], /--until/],
    [['--format'], /--format/],
  ])('does not understand %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await usage(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toContain('\n\nUsage: parlance usage');
  });

  it('says what is wrong with the configuration', async () => {
    const { exitCode, stdout, stderr } = await usage('--config', 'absent.yaml');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('absent.yaml');
  });

  it('says where nothing is kept why there is nothing', async () => {
    await writeFile(join(home.path, 'open.yaml'), 'upstreams: { local: { kind: embedded } }');
    const { exitCode, stdout, stderr } = await usage('--config', 'open.yaml', '--format', 'csv');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^caller,caller_name,requests,[a-z_,]+\r\n$/);
    expect(stderr).toMatch(/the server keeps no usage\. .* `state: \{\}`/);
  }, 60_000);
});

describe('usage', () => {
  it('is shown beside the server that is asked, and without it', async () => {
    const { url, parlance } = await startServer();
    const asked = async (key: string, fields: object = {}, signal: AbortSignal | null = null) => {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({
          model: 'google/some-model',
          messages: [{ role: 'user', content: 'Hi' }],
          ...fields,
        }),
        signal,
      });
      await response.text();
      return response.status;
    };
    try {
      const ci = await createKey('ci');
      const app = await createKey('=app\u{1b}[31m');
      expect([await asked(ci.key), await asked(ci.key), await asked(app.key)]).toEqual([200, 200, 200]);
      await run(runKeysCommand, ['revoke', ci.id]);
      // Nobody waits until it is written how a request ended.
      await expect
        .poll(() => rows('--by', 'upstream'), PATIENCE)
        .toMatchObject([{ requests: 3, open_requests: 0 }]);
      const known = { failed_requests: 0, cancelled_requests: 0, open_requests: 0, reserved_tokens: 0 };
      const ciRow = {
        caller: ci.id,
        caller_name: 'ci',
        requests: 2,
        prompt_tokens: 6,
        completion_tokens: 4,
        total_tokens: 10,
        ...known,
      };
      expect(await rows('--caller', 'ci')).toEqual([ciRow]);
      expect(await rows('--caller', ci.id)).toEqual([ciRow]);
      expect(await rows('--caller', 'nobody')).toEqual([]);
      for (const model of ['some-model', 'google/some-model', 'models/some-model'])
        expect(await rows('--by', 'model', '--model', model)).toMatchObject([{ model: 'some-model' }]);
      expect(await rows('--model', 'other')).toEqual([]);

      const leave = new AbortController();
      models.queue(['hang']);
      const hanging = asked(app.key, { max_tokens: 100 }, leave.signal);
      await expect
        .poll(() => rows('--caller', app.id), PATIENCE)
        .toMatchObject([{ requests: 2, open_requests: 1 }]);
      const { stdout } = await usage();
      expect(stdout).not.toContain('\u{1b}');
      expect(stdout).toMatch(/key_\w{16} +=app\?\[31m +2 +0 +0 +1 +3 +2 +1\d\d +1\d\d\n/);
      expect(stdout).toMatch(/RESERVED is the part of TOKENS that may not have been used/);
      const here = { cwd: home.path, env: { PATH: process.env['PATH'], PARLANCE_HOME: home.path } };
      const program = (...args: string[]) => promisify(execFile)(process.execPath, [PROGRAM, ...args], here);
      expect(await program('usage')).toEqual({ stdout, stderr: '' });
      expect((await program('usage', '--format', 'csv', '--caller', 'ci')).stdout).toBe(
        'caller,caller_name,requests,failed_requests,cancelled_requests,open_requests,' +
          `prompt_tokens,completion_tokens,total_tokens,reserved_tokens\r\n${ci.id},ci,2,0,0,0,6,4,10,0\r\n`,
      );
      expect((await program('--help')).stdout).toMatch(/^ {2}usage +shows/m);
      leave.abort();
      await expect(hanging).rejects.toThrow('aborted');
      await expect
        .poll(() => rows('--caller', app.id), PATIENCE)
        .toMatchObject([{ requests: 2, open_requests: 0, cancelled_requests: 1 }]);
    } finally {
      await parlance.close();
    }
    expect(await rows('--by', 'day,month')).toMatchObject([
      { day: isoDay(Date.now()), month: isoDay(Date.now()).slice(0, 7), requests: 4 },
    ]);
  }, 60_000);

  it('of long ago is deleted by the server, which the report says', async () => {
    const [old, young] = [Date.now() - 100 * DAY, Date.now() - 20 * DAY];
    const database = await openDatabase({ home: home.path });
    const ledger = new UsageLedger(database);
    const entry = {
      requestId: 'r',
      principal: 'ann',
      upstream: 'u',
      model: 'm',
      endpoint: 'chat.completions',
    };
    for (const time of [old, young])
      await ledger.open({ ...entry, id: String(time), at: new Date(time), reservedTokens: 7 });
    await ledger.close();
    await database.close();
    const { parlance } = await startServer();
    const since = ['--from', isoDay(old), '--by', 'day', '--caller', 'ann'];
    await expect
      .poll(() => rows(...since), PATIENCE)
      .toMatchObject([{ day: isoDay(young), reserved_tokens: 7 }]);
    await parlance.close();
    const { exitCode, stderr } = await usage(...since);
    expect(exitCode).toBe(0);
    expect(stderr).toBe(`Usage before ${isoDay(Date.now() - 32 * DAY)} is not kept.\n`);
  }, 60_000);
});
