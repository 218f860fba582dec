/** Whom a server with `auth: { mode: local }` does not let in, asked over HTTP. */
import { createSign, generateKeyPairSync, type KeyLike } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ParlanceProcess } from '../support/parlance-process.ts';
import { ask, BASE_PATH, CHAT_BODY, SignInServers, tokenOf } from './sign-in/sign-in-servers.ts';

/** Life of the tokens of the second server, in seconds. */
const BRIEF_LIFE = 3;

const WRONG = 'Bearer realm="parlance", error="invalid_token"';
const NONE = 'Bearer realm="parlance"';

interface KeyFile {
  readonly client_email: string;
  readonly private_key: string;
  readonly private_key_id: string;
}

let servers: SignInServers;
let server: ParlanceProcess;
let brief: ParlanceProcess;
/** With a home of its own, so that nothing it gives is worth anything to the others. */
let stranger: ParlanceProcess;
let account: KeyFile;

beforeAll(async () => {
  servers = await SignInServers.create();
  server = await servers.start();
  brief = await servers.start({ local: { token_lifetime_s: BRIEF_LIFE } });
  stranger = await servers.start({ home: 'stranger' });
  account = JSON.parse(await readFile(await servers.createKeyFile(server, 'key.json'), 'utf8')) as KeyFile;
});

afterAll(async () => servers[Symbol.asyncDispose]());

interface JwtOptions {
  /** @default that of the account; `undefined` for `alg: none` */
  readonly key?: KeyLike | undefined;
  /** When it was made, in seconds before now; it is good for an hour. @default 0 */
  readonly age?: number;
}

/** A JWT that claims to come from the account of the key file. */
function jwt(options: JwtOptions = {}): string {
  const { key, age = 0 } = { key: account.private_key, ...options };
  const issuedAt = Math.floor(Date.now() / 1000) - age;
  const header = { alg: key === undefined ? 'none' : 'RS256', typ: 'JWT', kid: account.private_key_id };
  const claims = {
    iss: account.client_email,
    sub: account.client_email,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    iat: issuedAt,
    exp: issuedAt + 3600,
  };
  const parts = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const text = parts.join('.');
  const signature = key === undefined ? '' : createSign('RSA-SHA256').update(text).sign(key, 'base64url');
  return `${text}.${signature}`;
}

const otherKey = (): KeyLike => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

function withOtherEnd(token: string): string {
  return `${token.slice(0, -4)}${token.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
}

async function readRefusal(response: Response): Promise<object> {
  const { error } = (await response.json()) as { error: object };
  return { status: response.status, challenge: response.headers.get('www-authenticate'), error };
}

const refusal = (challenge: string, message: unknown = expect.any(String)): object => ({
  status: 401,
  challenge,
  error: { message, type: 'authentication_error', param: null, code: 'invalid_api_key' },
});

const completionsAsked = (): number =>
  servers.model.requests.filter(({ method }) => method === 'POST').length;

describe('the same by rightful means', () => {
  it.each([
    { who: 'a token', token: () => tokenOf(server) },
    { who: 'a JWT of the account', token: () => jwt() },
  ])('$who is let in', async ({ token }) => {
    expect((await ask(server, await token())).status).toBe(200);
  });

  it('the token of the other server is good there', async () => {
    expect((await ask(stranger, await tokenOf(stranger))).status).toBe(200);
  });
});

describe('refused with 401', () => {
  it.each<{ who: string; token: () => string | Promise<string> }>([
    { who: 'a token with another signature', token: async () => withOtherEnd(await tokenOf(server)) },
    { who: 'a token of another server', token: () => tokenOf(stranger) },
    { who: 'what only begins like a token', token: () => 'ya29.a0AfH6SMAx' },
    { who: 'a JWT signed with another key', token: () => jwt({ key: otherKey() }) },
    { who: 'a JWT signed with no key', token: () => jwt({ key: undefined }) },
    { who: 'a JWT that has expired', token: () => jwt({ age: 7200 }) },
    { who: 'a key', token: () => 'a-key-of-some-other-kind' },
  ])('$who', async ({ token }) => {
    const credential = await token();
    const asked = completionsAsked();
    const response = await ask(server, credential);
    expect(await readRefusal(response)).toEqual(refusal(WRONG));
    expect(completionsAsked()).toBe(asked);
    expect(server.output()).not.toContain(credential);
  });

  it('a token that has expired', async () => {
    const token = await tokenOf(brief);
    expect((await ask(brief, token)).status).toBe(200);
    await pause(BRIEF_LIFE * 1000);
    const expired = refusal(WRONG, expect.stringContaining('expired at'));
    expect(await readRefusal(await ask(brief, token))).toEqual(expired);
  });

  it.each([
    ['POST', `${BASE_PATH}/chat/completions`],
    ['POST', '/v1beta/openai/chat/completions'],
    ['POST', '/v1/chat/completions'],
    ['GET', '/v1/models'],
  ])('nobody at all, at %s %s', async (method, path) => {
    const post = { headers: { 'content-type': 'application/json' }, body: CHAT_BODY };
    const response = await fetch(`${server.url}${path}`, { method, ...(method === 'POST' ? post : {}) });
    expect(await readRefusal(response)).toEqual(refusal(NONE));
  });
});

describe('other machines', () => {
  it.each(['0.0.0.0', '::'])('never reach it: it does not start on %s', async (host) => {
    const started = servers.start({ env: { HOST: host } });
    await expect(started).rejects.toThrow('the server ended with exit code 1.');
    await expect(started).rejects.toThrow(
      `other machines can reach \`${host}\`, and auth mode \`local\` gives a token to everybody who asks for one`,
    );
  });
});
