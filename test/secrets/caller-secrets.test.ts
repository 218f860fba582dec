/** What callers show of themselves, in requests good and broken: nobody else sees it, and no log. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createUserFile } from '../../src/auth/local-google/credentials-file.ts';
import { PlantedServer } from './planted-server.ts';
import { order, senderOf } from './repeating-upstream.ts';

const CHAT = '/v1/chat/completions';
const PASSTHROUGH = '/v1beta/openai/chat/completions';
/** Where the local sign-in, keys and Google's accounts are let in. */
const VERTEX = '/v1/projects/p-1/locations/us-central1/endpoints/openapi/chat/completions';

let planted: PlantedServer;

beforeAll(async () => {
  planted = await PlantedServer.start();
});

afterAll(() => planted[Symbol.asyncDispose]());

afterEach(() => planted.assertNoNewLeak());

/** A part of a JSON Web Token. */
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const grant = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

const messages = (content: unknown): unknown[] => [{ role: 'user', content }];

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

function bodyOf(model: string, owner: string): string {
  const prompt = planted.plants.put(`prompt of ${owner}`, owner, 'text');
  return JSON.stringify({
    model,
    messages: [{ role: 'user', content: `${order(owner, 'good')} ${prompt}` }],
  });
}

type Place = readonly [
  place: string,
  write: (secret: string) => { readonly headers?: Record<string, string>; readonly query?: string },
];

/** Where a client may have its credential. */
const PLACES: readonly Place[] = [
  ['authorization', (secret) => ({ headers: bearer(secret) })],
  ['x-goog-api-key', (secret) => ({ headers: { 'x-goog-api-key': secret } })],
  ['api-key', (secret) => ({ headers: { 'api-key': secret } })],
  ['the query', (secret) => ({ query: `?key=${encodeURIComponent(secret)}` })],
];

/** Where it is not looked for. */
const BASIC: Place = [
  'another scheme',
  (secret) => ({ headers: { authorization: `Basic ${btoa(`ann:${secret}`)}` } }),
];

describe('a credential', () => {
  it.each([...PLACES, BASIC])('that nobody knows, in %s', async (place, write) => {
    for (const path of [CHAT, '/v1/models', '/v1/no-such-thing', '/%zz']) {
      const owner = `a stranger with ${place} at ${path}`;
      const { headers = {}, query = '' } = write(planted.plants.put(owner));
      const { status } = await planted.send({ owner, path: path + query, headers });
      expect([401, 404, 405]).toContain(status);
    }
  });

  it.each(PLACES)('that goes on to the upstream, from %s', async (place, write) => {
    const owner = `passed through from ${place}`;
    const { headers = {}, query = '' } = write(planted.plants.put(senderOf(owner), senderOf(owner)));
    const { status } = await planted.send({
      owner,
      path: PASSTHROUGH + query,
      headers,
      body: bodyOf('gemini', owner),
    });
    expect(status).toBe(200);
    expect(planted.upstream.sights.at(-1)?.name).toContain(owner);
  });

  it.each<[name: string, token: (secret: string) => string]>([
    ['an access token', (secret) => `ya29.${secret}`],
    [
      'an ID token of Google',
      (secret) =>
        `${part({ alg: 'RS256', kid: 'k' })}.${part({ iss: 'https://accounts.google.com', aud: 'planted', sub: secret })}.${secret}`,
    ],
    [
      'an ID token of another issuer',
      (secret) =>
        `${part({ alg: 'RS256', kid: secret })}.${part({ iss: planted.upstream.urlOf('issuer'), aud: 'planted', sub: secret })}.${part({ secret })}`,
    ],
    ['a token that is none', (secret) => `${part({ alg: 'none' })}.${part({ secret })}.`],
  ])('that Google or another issuer is asked about: %s', async (name, token) => {
    const headers = bearer(token(planted.plants.put(name)));
    const { status } = await planted.send({
      owner: name,
      path: VERTEX,
      headers,
      body: bodyOf('server', name),
    });
    expect([401, 503]).toContain(status);
  });
});

describe('the local sign-in', () => {
  it('gives a token to its caller alone', async () => {
    const path = join(planted.folder, 'user.json');
    const home = planted.process.folder;
    await createUserFile({
      path,
      home,
      replace: false,
      project: 'p-1',
      origin: planted.url,
      email: 'ann@example.com',
    });
    const {
      client_id = '',
      client_secret = '',
      refresh_token = '',
    } = JSON.parse(await readFile(path, 'utf8')) as Record<string, string>;
    planted.plants.adopt('client_secret', client_secret);
    planted.plants.adopt('refresh_token', refresh_token);
    const { text } = await planted.send({
      owner: 'ann',
      path: '/token',
      headers: FORM,
      body: grant({ grant_type: 'refresh_token', client_id, client_secret, refresh_token }),
    });
    const [, token = ''] = /"access_token":"([^"]+)"/.exec(text) ?? [];
    // What all tokens of the local sign-in begin with gives none of them away.
    planted.plants.adopt('a token of the local sign-in', token.slice(-60), 'ann');
    const owner = 'ann, signed in';
    const { status } = await planted.send({
      owner,
      path: VERTEX,
      headers: bearer(token),
      body: bodyOf('server', owner),
    });
    expect(status).toBe(200);
  });

  it.each<[name: string, fields: (secret: string) => Record<string, string>]>([
    [
      'a refresh token',
      (secret) => ({
        grant_type: 'refresh_token',
        refresh_token: secret,
        client_id: secret,
        client_secret: secret,
      }),
    ],
    [
      'an assertion',
      (secret) => ({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: `${btoa('{"alg":"RS256"}')}.${btoa(JSON.stringify({ iss: secret }))}.${secret}`,
      }),
    ],
    [
      'what is no assertion',
      (secret) => ({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: secret }),
    ],
    [
      'a token of somebody else',
      (secret) => ({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: secret,
        subject_token_type: secret,
        audience: secret,
      }),
    ],
    ['an unknown grant', (secret) => ({ grant_type: secret })],
  ])('refuses %s', async (name, fields) => {
    const owner = `${name} that is refused`;
    const body = grant(fields(planted.plants.put(owner)));
    const { status } = await planted.send({ owner, path: '/token', headers: FORM, body });
    expect([400, 401]).toContain(status);
  });

  it('knows no token that it did not give', async () => {
    const secret = encodeURIComponent(planted.plants.put('tokeninfo'));
    const path = `/tokeninfo?access_token=${secret}`;
    expect((await planted.send({ owner: 'tokeninfo', path })).status).toBeGreaterThanOrEqual(400);
  });
});

describe('where everybody may look', () => {
  it.each(['/healthz', '/readyz', '/v1/models', '/v1/models/server'])('at %s', async (path) => {
    const { status } = await planted.send({ owner: path, path, headers: bearer(planted.config.keys[0]) });
    expect(status).toBe(200);
  });
});

describe('a body', () => {
  it.each<[name: string, status: number, body: (secret: string) => string]>([
    ['that breaks off', 400, (secret) => `{"model":"gemini","messages":[{"role":"user","content":"${secret}`],
    ['that is no JSON', 400, (secret) => `{"prompt":${secret}}`],
    [
      'of wrong types',
      400,
      (secret) => JSON.stringify({ model: 'gemini', messages: secret, tools: [secret], user: [secret] }),
    ],
    [
      'with names that are none',
      200,
      (secret) => JSON.stringify({ model: 'gemini', messages: messages('Hi'), [secret]: secret }),
    ],
    [
      'with media that cannot be read',
      400,
      (secret) =>
        JSON.stringify({
          model: 'gemini',
          messages: messages([{ type: 'image_url', image_url: { url: `ftp://a/${secret}` } }]),
        }),
    ],
    [
      'with a name of a model that is none',
      400,
      (secret) => JSON.stringify({ model: secret, messages: messages('Hi') }),
    ],
    ['that is too long', 413, (secret) => secret + 'x'.repeat(70_000)],
  ])('%s', async (name, status, body) => {
    const owner = `a body ${name}`;
    const text = body(planted.plants.put(owner, owner));
    const got = await planted.send({
      owner,
      path: CHAT,
      headers: bearer(planted.config.keys[0]),
      body: text,
    });
    expect(got).toMatchObject({ status });
  });
});

describe('HTTP that is none', () => {
  it.each<[name: string, bytes: (secret: string) => string]>([
    ['a space in the address', (secret) => `GET /v1/models?key= ${secret} HTTP/1.1\r\n\r\n`],
    ['no host', (secret) => `GET /v1/models?key=${secret} HTTP/1.1\r\n\r\n`],
    [
      'a header without a colon',
      (secret) => `GET / HTTP/1.1\r\nhost: a\r\nauthorization Bearer ${secret}\r\n\r\n`,
    ],
    [
      'long headers',
      (secret) => `GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${secret}${'x'.repeat(20_000)}\r\n\r\n`,
    ],
    [
      'CONNECT',
      (secret) => `CONNECT a:1 HTTP/1.1\r\nhost: a\r\nproxy-authorization: Bearer ${secret}\r\n\r\n`,
    ],
    [
      'a body in broken chunks',
      (secret) =>
        `POST ${CHAT} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${planted.config.keys[0]}\r\ntransfer-encoding: chunked\r\n\r\n${secret}\r\n`,
    ],
  ])('with %s', async (name, bytes) => {
    const text = await planted.sendRaw(name, bytes(planted.plants.put(name)));
    expect(text).toMatch(/^HTTP\/1.1 4\d\d /);
  });
});

it('all secrets came in, and none was shown before it was known', async () => {
  const headers = bearer(planted.config.keys[0]);
  const owner = 'the last';
  const { status } = await planted.send({ owner, path: CHAT, headers, body: bodyOf('account', owner) });
  expect(status).toBe(200);
  const { plants } = planted;
  expect(plants.size).toBeGreaterThan(60);
  expect(plants.missing()).toEqual([]);
  expect(plants.leaks(planted.sights())).toEqual([]);
});
