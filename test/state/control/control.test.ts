import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient, NobodyListens } from '../../../src/state/control/control-client.ts';
import { controlPath } from '../../../src/state/control/control-path.ts';
import { serveControl } from '../../../src/state/control/control-server.ts';
import type { KeyAdmin } from '../../../src/state/keys/key-admin.ts';
import type { NewKey } from '../../../src/state/keys/key-store.ts';
import type { StoredKey } from '../../../src/state/keys/stored-key.ts';

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

describe('the control socket', () => {
  it('passes keys on as they are, dates included', async () => {
    const keys = new ScriptedKeys();
    const server = await serveControl(path, keys);
    const client = new ControlClient(path);
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

  it('tells of failures, and outlives them', async () => {
    const server = await serveControl(path, new ScriptedKeys());
    const client = new ControlClient(path);
    await expect(client.revoke('broken')).rejects.toThrow('the database is away');
    expect(await client.list()).toHaveLength(2);
    await server.close();
  });

  it.runIf(process.platform !== 'win32')('can be opened by its user alone', async () => {
    const server = await serveControl(path, new ScriptedKeys());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await server.close();
  });

  it('takes the place of what a killed server left', async () => {
    await writeFile(path, '');
    const server = await serveControl(path, new ScriptedKeys());
    expect(await new ControlClient(path).list()).toHaveLength(2);
    await server.close();
  });

  it('is told apart from one where nobody listens', async () => {
    await expect(new ControlClient(path).list()).rejects.toThrow(NobodyListens);
    const server = await serveControl(path, new ScriptedKeys());
    await server.close();
    await expect(new ControlClient(path).list()).rejects.toThrow(NobodyListens);
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
