import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalFolder } from '../../../src/auth/local-google/local-folder.ts';
import { LocalRegistry } from '../../../src/auth/local-google/local-registry.ts';
import { failureOf } from './local-fixture.ts';

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const KEY_ID = 'a'.repeat(40);
const EMAIL = 'a@b.example';
const USER = { clientId: 'id-1', clientSecret: 'GOCSPX-s3cret', refreshToken: '1//r3fresh' };

let home: string;
let registry: LocalRegistry;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'parlance-local-registry-'));
  registry = new LocalRegistry(new LocalFolder(home));
});

afterEach(() => rmSync(home, { recursive: true }));

const folder = (): string => join(home, 'local-google');

describe('registered keys', () => {
  it('are found by their id and by their account, by every process', async () => {
    await registry.addKey({ keyId: KEY_ID, email: EMAIL, publicKey });
    await registry.addKey({ keyId: 'b'.repeat(40), email: EMAIL, publicKey });
    await registry.addKey({ keyId: 'c'.repeat(40), email: 'x@y.example', publicKey });
    const other = new LocalRegistry(new LocalFolder(home));
    expect(await other.findKey(KEY_ID)).toMatchObject({ keyId: KEY_ID, email: EMAIL });
    expect((await other.findKey(KEY_ID))?.publicKey.equals(publicKey)).toBe(true);
    expect(new Set((await other.keysOf(EMAIL)).map(({ keyId }) => keyId[0]))).toEqual(new Set(['a', 'b']));
    expect(await other.keysOf('nobody@b.example')).toEqual([]);
  });

  it('are forgotten with their file', async () => {
    await registry.addKey({ keyId: KEY_ID, email: EMAIL, publicKey });
    await registry.removeKey(KEY_ID);
    expect(await registry.findKey(KEY_ID)).toBeUndefined();
    expect(await registry.keysOf(EMAIL)).toEqual([]);
  });

  it.each([
    '',
    'a',
    '../../etc/passwd',
    `${'a'.repeat(40)}/`,
    'A'.repeat(40),
    `${'a'.repeat(40)}\n`,
    '__proto__',
  ])('are not looked for under %j', async (keyId) => {
    await registry.addKey({ keyId: KEY_ID, email: EMAIL, publicKey });
    expect(await registry.findKey(keyId)).toBeUndefined();
  });

  it('have nothing secret in their files', async () => {
    await registry.addKey({ keyId: KEY_ID, email: EMAIL, publicKey });
    expect(readFileSync(join(folder(), `key-${KEY_ID}.json`), 'utf8')).not.toContain('PRIVATE');
  });

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['no key', JSON.stringify({ client_email: EMAIL })],
    ['another address', JSON.stringify({ client_email: 'x', public_key: pem() })],
    ['a short key', JSON.stringify({ client_email: EMAIL, public_key: pem(1024) })],
  ])('are refused with %s in the file', async (_, text) => {
    await registry.addKey({ keyId: KEY_ID, email: EMAIL, publicKey });
    writeFileSync(join(folder(), `key-${KEY_ID}.json`), text);
    expect((await failureOf(registry.findKey(KEY_ID))).message).toContain(`key-${KEY_ID}.json is damaged`);
  });

  it.skipIf(process.platform === 'win32')('are refused while others could have put them there', async () => {
    await registry.addKey({ keyId: KEY_ID, email: EMAIL, publicKey });
    chmodSync(folder(), 0o777);
    expect((await failureOf(registry.findKey(KEY_ID))).message).toContain('chmod 700');
  });
});

function pem(modulusLength = 2048): string {
  return generateKeyPairSync('rsa', { modulusLength })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();
}

describe('registered users', () => {
  it('are known by token, client and secret together', async () => {
    await registry.addUser(EMAIL, USER);
    expect(await registry.findUser(USER)).toEqual({ email: EMAIL, clientId: 'id-1' });
    expect(await registry.findUser({ ...USER, clientId: 'id-2' })).toBeUndefined();
    expect(await registry.findUser({ ...USER, clientSecret: 'GOCSPX-s3creT' })).toBeUndefined();
    expect(await registry.findUser({ ...USER, refreshToken: '1//r3fresH' })).toBeUndefined();
    await registry.removeUser(USER.refreshToken);
    expect(await registry.findUser(USER)).toBeUndefined();
  });

  it('leave neither token nor secret on the disk', async () => {
    await registry.addUser(EMAIL, USER);
    const [name = ''] = readdirSync(folder());
    const text = `${name}${readFileSync(join(folder(), name), 'utf8')}`;
    expect(text).not.toMatch(/s3cret|r3fresh/);
  });
});
