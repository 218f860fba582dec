import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient, NobodyListens } from '../../../src/state/control/control-client.ts';
import { controlPath } from '../../../src/state/control/control-path.ts';
import { serveControl } from '../../../src/state/control/control-server.ts';
import type { KeyAdmin } from '../../../src/state/keys/key-admin.ts';
import type { NewKey } from '../../../src/state/keys/key-store.ts';
import type { StoredKey } from '../../../src/state/keys/stored-key.ts';
import type { StateAdmin } from '../../../src/state/state-admin.ts';
import type { UsageQuery, UsageTotal } from '../../../src/state/usage/usage-totals.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parlance-control-'));
  path = join(folder, 'control.sock');
});

afterEach(() => rm(folder, { recursive: true }));

const DATE = new Date('2026-03-04T05:06:07.089Z');

const storedKey = (id: string, dates: Partial<StoredKey> = {}): StoredKey => ({
  id,
  name: 'a name \u{1f511}',
  prefix: 'sk-parlance-abc',
  policy: { models: ['*'], limits: { requestsPerMinute: 3 } },
  createdAt: DATE,
  expiresAt: undefined,
  revokedAt: undefined,
  lastUsedAt: undefined,
  ...dates,
});

/** Keys that remember what they were asked. */
class ScriptedKeys implements KeyAdmin {
  readonly created: NewKey[] = [];

  create = async (key: NewKey) => {
    this.created.push(key);
    return { id: 'key_new', key: 'sk-parlance-new' };
  };

  list = async () => [storedKey('key_1'), storedKey('key_2', { expiresAt: DATE, lastUsedAt: DATE })];

  revoke = async (id: string) => {
    if (id === 'broken') throw new Error('the database is away');
    return id === 'key_1' ? storedKey(id, { revokedAt: DATE }) : undefined;
  };
}

const TOTAL: UsageTotal = {
  month: '2026-07',
  model: 'a name \u{1f511}',
  requests: 4,
  failed: 1,
  cancelled: 1,
  open: 1,
  promptTokens: 10,
  completionTokens: 20,
  totalTokens: 9_007_199_254_740_991,
  reservedTokens: 5,
};

/** A state that remembers what it was asked. */
class ScriptedState implements StateAdmin {
  readonly keys = new ScriptedKeys();
  readonly queries: UsageQuery[] = [];
  readonly usage = {
    totals: async (query: UsageQuery) => {
      this.queries.push(query);
      return [TOTAL];
    },
  };
}

describe('the control socket', () => {
  it('passes keys on as they are, dates included', async () => {
    const state = new ScriptedState();
    const { keys } = state;
    const server = await serveControl(path, state);
    const { keys: client } = new ControlClient(path);
    const wanted: NewKey[] = [
      { name: 'plain' },
      { name: 'full', policy: { endpoints: ['1'], models: [] }, expiresAt: DATE },
    ];
    for (const key of wanted)
      expect(await client.create(key)).toEqual({ id: 'key_new', key: 'sk-parlance-new' });
    expect(keys.created).toEqual(wanted);
    expect(await client.list()).toEqual(await keys.list());
    expect(await client.revoke('key_1')).toEqual(await keys.revoke('key_1'));
    expect(await client.revoke('key_2')).toBeUndefined();
    await server.close();
  });

  it.each<UsageQuery>([
    { by: [] },
    { by: ['month', 'model'], from: DATE, to: DATE, principals: ['key_1', 'ann@example.com'], models: [] },
  ])('passes the query %j on as it is, and its answer back', async (query) => {
    const state = new ScriptedState();
    const server = await serveControl(path, state);
    expect(await new ControlClient(path).usage.totals(query)).toEqual([TOTAL]);
    expect(state.queries).toEqual([query]);
    await server.close();
  });

  it('asks for a restart of a server that does not know what is asked', async () => {
    const message = 'The server is of another version: restart it.';
    const server = await serveControl(path, new ScriptedState());
    const query = { by: ['planet'] } as unknown as UsageQuery;
    await expect(new ControlClient(path).usage.totals(query)).rejects.toThrow(message);
    await server.close();
    const older = createServer((_request, response) => {
      response.writeHead(404).end(JSON.stringify({ message }));
    }).listen(path);
    await expect(new ControlClient(path).usage.totals({ by: [] })).rejects.toThrow(message);
    older.close();
  });

  it('tells of failures, and outlives them', async () => {
    const server = await serveControl(path, new ScriptedState());
    const { keys: client } = new ControlClient(path);
    await expect(client.revoke('broken')).rejects.toThrow('the database is away');
    expect(await client.list()).toHaveLength(2);
    await server.close();
  });

  it.runIf(process.platform !== 'win32')('can be opened by its user alone', async () => {
    const server = await serveControl(path, new ScriptedState());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await server.close();
  });

  it('takes the place of what a killed server left', async () => {
    await writeFile(path, '');
    const server = await serveControl(path, new ScriptedState());
    expect(await new ControlClient(path).keys.list()).toHaveLength(2);
    await server.close();
  });

  it('is told apart from one where nobody listens', async () => {
    await expect(new ControlClient(path).keys.list()).rejects.toThrow(NobodyListens);
    await expect(new ControlClient(path).usage.totals({ by: [] })).rejects.toThrow(NobodyListens);
    const server = await serveControl(path, new ScriptedState());
    await server.close();
    await expect(new ControlClient(path).keys.list()).rejects.toThrow(NobodyListens);
  });
});

describe('controlPath', () => {
  it.each([
    ['/home/me/.parlance', 'linux', '/home/me/.parlance/state/control.sock'],
    [`/${'x'.repeat(83)}`, 'linux', `/${'x'.repeat(83)}/state/control.sock`],
    [`/${'x'.repeat(84)}`, 'linux', undefined],
    [`/${'é'.repeat(45)}`, 'darwin', undefined],
  ] as const)('of %s on %s', (home, platform, expected) => {
    expect(controlPath(home, platform)).toBe(expected);
  });

  it('is a pipe of its own for every home on Windows', () => {
    const [one, other] = [controlPath('C:\\a', 'win32'), controlPath('C:\\b', 'win32')];
    expect(one).toMatch(/^\\\\\.\\pipe\\parlance-[0-9a-f]{32}$/);
    expect(other).not.toBe(one);
  });
});
