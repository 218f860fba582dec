import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalFolder } from '../../../src/auth/local-google/local-folder.ts';
import { LocalKeys } from '../../../src/auth/local-google/local-keys.ts';
import { failureOf } from './local-fixture.ts';

let home: string;
let path: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'parlance-local-keys-'));
  path = join(home, 'local-google', 'signing-keys.json');
});

afterEach(() => rmSync(home, { recursive: true }));

const open = (): LocalKeys => new LocalKeys(new LocalFolder(home));

describe('the signing keys', () => {
  it('are the same for all who start at once, and after a restart', async () => {
    const all = await Promise.all([open(), open(), open(), open()].map((keys) => keys.get()));
    const again = await open().get();
    const secrets = [...all, again].map(({ accessTokenSecret }) => accessTokenSecret.toString('hex'));
    expect(new Set(secrets).size).toBe(1);
    expect(new Set([...all, again].map(({ idTokenKey }) => idTokenKey.keyId)).size).toBe(1);
    expect(again.accessTokenSecret).toHaveLength(32);
    expect(again.idTokenKey.keyId).toMatch(/^[0-9a-f]{40}$/);
  });

  it('are read once', async () => {
    const keys = open();
    const first = await keys.get();
    rmSync(path);
    expect(await keys.get()).toBe(first);
  });

  it.skipIf(process.platform === 'win32')(
    'are refused while others can read them, and not longer',
    async () => {
      await open().get();
      chmodSync(path, 0o644);
      const keys = open();
      expect((await failureOf(keys.get())).message).toContain(`chmod 600 '${path}'`);
      chmodSync(path, 0o600);
      expect((await keys.get()).accessTokenSecret).toHaveLength(32);
    },
  );

  it.each<[string, (text: string) => string]>([
    ['empty', () => ''],
    ['cut off', (text) => text.slice(0, 500)],
    ['without a secret', (text) => text.replace('access_token_secret', 'other')],
    ['with a short secret', (text) => text.replace(/("access_token_secret": "[^"]{20})[^"]*/, '$1')],
    ['with another key', (text) => text.replaceAll(/PRIVATE KEY/g, 'PUBLIC KEY')],
  ])('are not used when the file is %s', async (_, damage) => {
    await open().get();
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, damage(text));
    const { message } = await failureOf(open().get());
    expect(message).toContain(`${path} is damaged. Delete it`);
    const secret = /"access_token_secret": "([^"]{10})/.exec(text)?.[1] ?? '';
    expect(secret).toHaveLength(10);
    expect(message).not.toContain(secret);
    expect(message).not.toContain('MII');
  });
});
