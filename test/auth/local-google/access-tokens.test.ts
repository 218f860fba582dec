import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AccessTokens } from '../../../src/auth/local-google/access-tokens.ts';
import { LocalFolder } from '../../../src/auth/local-google/local-folder.ts';
import { LocalKeys } from '../../../src/auth/local-google/local-keys.ts';
import { NOW, START } from './local-fixture.ts';

const EMAIL = 'local@my-project.iam.gserviceaccount.com';
const SCOPES = ['https://www.googleapis.com/auth/cloud-platform', 'openid'];

let root: string;
let now: number;
let tokens: AccessTokens;

/** The tokens of a server that has just started. */
function open(home = 'home', lifetimeSeconds = 3600): AccessTokens {
  const keys = new LocalKeys(new LocalFolder(join(root, home)));
  return new AccessTokens({ keys, now: () => now, lifetimeSeconds });
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'parlance-access-tokens-'));
  tokens = open();
});

beforeEach(() => {
  now = START;
});

afterAll(() => rmSync(root, { recursive: true }));

/** Two tokens of two accounts. */
async function pair(): Promise<[string, string]> {
  const [left, right] = await Promise.all([
    tokens.issue(EMAIL, SCOPES),
    tokens.issue('mallory@example.com', ['openid']),
  ]);
  return [left.value, right.value];
}

describe('an access token', () => {
  it('says whose it is, what for and until when', async () => {
    const { value, expiresAt, expiresIn } = await tokens.issue(EMAIL, SCOPES);
    expect(value).toMatch(/^ya29\.parlance\.[\w-]+\.[\w-]{43}$/);
    expect({ expiresAt, expiresIn }).toEqual({ expiresAt: NOW + 3600, expiresIn: 3599 });
    expect(await tokens.read(value)).toEqual({
      state: 'valid',
      grant: { email: EMAIL, scopes: SCOPES, expiresAt: NOW + 3600 },
    });
  });

  it('is another one each time', async () => {
    const values = await Promise.all(Array.from({ length: 50 }, () => tokens.issue(EMAIL, SCOPES)));
    expect(new Set(values.map(({ value }) => value)).size).toBe(50);
  });

  it.each([1, 2, 60, 3600])('of %d seconds ends with the last of them', async (lifetime) => {
    const { value, expiresIn } = await open('home', lifetime).issue(EMAIL, SCOPES);
    expect(expiresIn).toBe(Math.max(1, lifetime - 1));
    now = START + lifetime * 1000 - 1;
    expect((await tokens.read(value)).state).toBe('valid');
    now += 1;
    expect((await tokens.read(value)).state).toBe('expired');
  });

  it('ends earlier where it has to', async () => {
    const { value, expiresAt, expiresIn } = await tokens.issue(EMAIL, SCOPES, NOW + 10);
    expect({ expiresAt, expiresIn }).toEqual({ expiresAt: NOW + 10, expiresIn: 9 });
    now += 10_000;
    expect((await tokens.read(value)).state).toBe('expired');
  });

  it('outlives a restart and holds for other processes of the same home, and for no other home', async () => {
    const { value } = await tokens.issue(EMAIL, SCOPES);
    expect((await open().read(value)).state).toBe('valid');
    expect(await open('other').read(value)).toEqual({ state: 'forged' });
  });

  it('stays under 2,048 characters with the longest address and scopes', async () => {
    const email = `${'a'.repeat(64)}@${'b'.repeat(186)}.de`;
    const { value } = await tokens.issue(email, ['s'.repeat(1000)]);
    expect(value.length).toBeLessThan(2048);
    expect((await tokens.read(value)).state).toBe('valid');
  });
});

describe('what is no access token of ours', () => {
  it.each([
    '',
    'sk-1234',
    'ya29.a0AfH6SMBx-real',
    'ya29.c.b0AXv0zTN',
    'ya29.parlance',
    'Ya29.parlance.x.y',
    'a.b.c',
  ])('%j is left to others', async (text) => {
    expect(await tokens.read(text)).toEqual({ state: 'foreign' });
  });

  it.each([
    'ya29.parlance.',
    'ya29.parlance.x',
    'ya29.parlance.x.',
    'ya29.parlance..',
    `ya29.parlance.${'x'.repeat(5000)}.y`,
  ])('%j is forged', async (text) => {
    expect(await tokens.read(text)).toEqual({ state: 'forged' });
  });

  it('is one signed with a guessed secret', async () => {
    const payload = Buffer.from(JSON.stringify({ sub: EMAIL, scope: SCOPES[0], exp: NOW + 9999 }));
    const text = `ya29.parlance.${payload.toString('base64url')}`;
    for (const secret of ['', 'secret', Buffer.alloc(32)]) {
      const mac = createHmac('sha256', secret).update(text).digest('base64url');
      expect(await tokens.read(`${text}.${mac}`)).toEqual({ state: 'forged' });
    }
  });
});

describe('a changed token', () => {
  it('is never valid with any character changed', async () => {
    const [token] = await pair();
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.integer({ min: 1, max: 0xff }), async (at, change) => {
        const character = String.fromCharCode(token.charCodeAt(at) ^ change);
        const { state } = await tokens.read(token.slice(0, at) + character + token.slice(at + 1));
        return state === 'forged' || state === 'foreign';
      }),
      { numRuns: 2000 },
    );
  });

  it('is never valid when it is cut, or something is put into it', async () => {
    const [token] = await pair();
    const position = fc.nat(token.length);
    await fc.assert(
      fc.asyncProperty(position, position, fc.string({ maxLength: 4 }), async (start, end, text) => {
        const changed = token.slice(0, start) + text + token.slice(end);
        const { state } = await tokens.read(changed);
        return changed === token ? state === 'valid' : state !== 'valid' && state !== 'expired';
      }),
      { numRuns: 1000 },
    );
  });

  it('is never valid with a part of another one', async () => {
    const [left, right] = await pair();
    const parts = [left, right].flatMap((token) => token.split('.').slice(2));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...parts), { maxLength: 3 }), async (chosen) => {
        const text = `ya29.parlance.${chosen.join('.')}`;
        return ((await tokens.read(text)).state === 'valid') === (text === left || text === right);
      }),
      { numRuns: 500 },
    );
  });
});
