import { createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  accountJwt,
  ask,
  decodeJwt,
  EMAIL,
  HOST,
  localFixture,
  makeJwt,
  NOW,
  type ReadAnswer,
  START,
  USER_EMAIL,
  VERTEX_SCOPE,
} from './local-fixture.ts';

const fixture = localFixture();
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const GOOGLE = 'https://oauth2.googleapis.com/token';
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });

const post = (form: Readonly<Record<string, string>>, host = HOST): Promise<ReadAnswer> =>
  ask(fixture().signIn, { url: '/token', form, headers: { host } });

const trade = (assertion: string, host = HOST): Promise<ReadAnswer> =>
  post({ assertion, grant_type: JWT_BEARER }, host);

/** What google-auth signs: always for Google's URL. */
const assertion = (claims: object = {}, header: object = {}): string =>
  accountJwt(fixture().keyFile, { aud: GOOGLE, scope: VERTEX_SCOPE, ...claims }, header);

const tokenOf = ({ body }: ReadAnswer): string => (body as { access_token: string }).access_token;

const refresh = (change: Readonly<Record<string, string>> = {}): Promise<ReadAnswer> => {
  const { client_id, client_secret, refresh_token } = fixture().userFile;
  return post({ grant_type: 'refresh_token', client_id, client_secret, refresh_token, ...change });
};

describe('an assertion of a service account', () => {
  it('is traded for an access token', async () => {
    const answer = await trade(assertion());
    expect(answer).toEqual({
      status: 200,
      headers: expect.objectContaining({ 'content-type': 'application/json', 'cache-control': 'no-store' }),
      body: { access_token: expect.stringMatching(/^ya29\./), expires_in: 3599, token_type: 'Bearer' },
    });
    expect(await fixture().signIn.tokens.authenticate(tokenOf(answer))).toMatchObject({ id: EMAIL });
  });

  it.each<[string, string]>([
    [GOOGLE, HOST],
    [`http://${HOST}/token`, HOST],
    ['http://localhost:8080/token', HOST],
    ['http://[::1]:8080/token', HOST],
    [`http://${HOST}/token`, 'localhost:8080'],
    ['http://127.0.0.1/token', '127.0.0.1'],
    ['http://127.0.0.1:80/token', 'localhost'],
  ])('may be made for %s when it is sent to %s', async (aud, host) => {
    expect((await trade(assertion({ aud }), host)).status).toBe(200);
  });

  it.each<[unknown]>([
    [undefined],
    [''],
    ['https://oauth2.googleapis.com/token/'],
    ['https://oauth2.googleapis.com.evil.example/token'],
    ['https://example.com/token'],
    ['http://127.0.0.1:8081/token'],
    ['http://127.0.0.1:8080/'],
    ['http://127.0.0.1:8080/token?x'],
    ['http://127.0.0.1:8080@evil.example/token'],
    ['http://evil.example:8080/token'],
    [[GOOGLE]],
    [7],
  ])('is refused when it is made for %j', async (aud) => {
    expect(await trade(assertion({ aud }))).toMatchObject({
      status: 400,
      body: {
        error: 'invalid_grant',
        error_description: expect.stringMatching(/^Invalid JWT: Failed audience check\./),
      },
    });
  });

  const timesText = /^Invalid JWT: Token must be a short-lived token \(60 minutes\)/;
  it.each<[string, object, RegExp]>([
    ['expired', { iat: NOW - 3700, exp: NOW - 61 }, timesText],
    ['of two hours', { exp: NOW + 7200 }, timesText],
    ['from the future', { iat: NOW + 61 }, timesText],
    ['without times', { iat: undefined, exp: undefined }, timesText],
    ['of an issuer that is not the one of the key', { iss: 'x@y.example' }, /^Invalid JWT Signature\./],
    ['of no issuer', { iss: undefined }, /^Invalid JWT Signature\./],
  ])('is refused when it is one %s', async (_, claims, text) => {
    expect(await trade(assertion(claims))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', error_description: expect.stringMatching(text) },
    });
  });

  it.each<[string, () => string]>([
    ['no algorithm', () => forge({ alg: 'none' }, () => Buffer.from('x'))],
    [
      'a secret',
      () => forge({ alg: 'HS256' }, (signed) => createHmac('sha256', 'x').update(signed).digest()),
    ],
    ['another key', () => forge({ alg: 'RS256' }, foreign.privateKey)],
  ])('is refused with %s', async (_, attack) => {
    expect(await trade(attack())).toMatchObject({
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' },
    });
  });

  it('with an unknown key says how keys become known', async () => {
    const { body } = await trade(assertion({}, { kid: '0'.repeat(40) }));
    expect(body).toEqual({
      error: 'invalid_grant',
      error_description: expect.stringMatching(/^Invalid JWT Signature\. .*"parlance auth local --out FILE"/),
    });
  });

  it.each(['', 'x', 'a.b.c', 'hunter2.hunter2.hunter2'])('is refused when it is %j', async (text) => {
    const { status, body } = await trade(text);
    expect(status).toBe(400);
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });

  it('may be sent again while it lives, and not longer', async () => {
    const setting = fixture();
    const text = assertion();
    const answers = [await trade(text), await trade(text)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    setting.now = START + 3_600_000 + 60_000;
    expect((await trade(text)).status).toBe(400);
  });

  it.each<[string, object]>([
    ['no scope', { scope: undefined }],
    ['an empty scope', { scope: '' }],
    ['a scope that is no text', { scope: [VERTEX_SCOPE] }],
    ['a scope nobody could write', { scope: 'a"b' }],
    ['more scopes than fit', { scope: 'x'.repeat(1001) }],
  ])('is refused with %s', async (_, claims) => {
    expect(await trade(assertion(claims))).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  });

  it('does not speak for others', async () => {
    expect(await trade(assertion({ sub: USER_EMAIL }))).toMatchObject({
      status: 401,
      body: { error: 'unauthorized_client' },
    });
    expect((await trade(assertion({ sub: EMAIL }))).status).toBe(200);
  });

  it('with target_audience is traded for an ID token that the published keys verify', async () => {
    const audience = '32555940559.apps.googleusercontent.com';
    const { body } = await trade(assertion({ scope: undefined, target_audience: audience }));
    expect(Object.keys(body as object)).toEqual(['id_token']);
    const { id_token: token } = body as { id_token: string };
    const { header, claims } = decodeJwt(token);
    expect(claims).toMatchObject({
      iss: 'https://accounts.google.com',
      aud: audience,
      email: EMAIL,
      email_verified: true,
      iat: NOW,
      exp: NOW + 3600,
    });
    const { body: keySet } = await ask(fixture().signIn, { url: '/oauth2/v3/certs' });
    const [key = {}] = (keySet as { keys: Record<string, string>[] }).keys;
    expect(key).toEqual({
      kty: 'RSA',
      alg: 'RS256',
      use: 'sig',
      kid: header['kid'],
      n: expect.any(String),
      e: 'AQAB',
    });
    const cut = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(cut + 1), 'base64url');
    const publicKey = createPublicKey({ key, format: 'jwk' });
    expect(verify('sha256', Buffer.from(token.slice(0, cut)), publicKey, signature)).toBe(true);
  });

  function forge(header: object, signer: Parameters<typeof makeJwt>[2]): string {
    const { private_key_id: kid } = fixture().keyFile;
    const claims = { iss: EMAIL, aud: GOOGLE, scope: VERTEX_SCOPE, iat: NOW, exp: NOW + 60 };
    return makeJwt({ ...header, kid }, claims, signer);
  }
});

describe('a refresh token', () => {
  it('is traded for an access token and an ID token, again and again', async () => {
    const answers = [await refresh(), await refresh()];
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 200,
        body: {
          access_token: expect.stringMatching(/^ya29\./),
          expires_in: 3599,
          scope: expect.stringContaining(VERTEX_SCOPE),
          token_type: 'Bearer',
        },
      });
      expect(await fixture().signIn.tokens.authenticate(tokenOf(answer))).toMatchObject({ id: USER_EMAIL });
    }
    const idToken = String((answers.at(0)?.body as { id_token?: string } | undefined)?.id_token);
    expect(decodeJwt(idToken).claims).toMatchObject({ email: USER_EMAIL, aud: fixture().userFile.client_id });
  });

  it('gives the scopes that are asked for', async () => {
    const { body } = await refresh({ scope: VERTEX_SCOPE });
    expect(body).toMatchObject({ scope: VERTEX_SCOPE });
    expect(body).not.toHaveProperty('id_token');
  });

  it.each<[string, Record<string, string>]>([
    ['refresh_token', { refresh_token: '1//0parlance-other' }],
    ['client_id', { client_id: 'other' }],
    ['client_secret', { client_secret: 'other' }],
  ])('is refused with another %s', async (_, change) => {
    expect(await refresh(change)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' },
    });
  });
});

describe('a token request', () => {
  it.each<[string, Record<string, string>, string]>([
    ['without a grant', {}, 'invalid_request'],
    ['with an unknown grant', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['without an assertion', { grant_type: JWT_BEARER }, 'invalid_request'],
    ['without a refresh token', { grant_type: 'refresh_token' }, 'invalid_request'],
  ])('%s is refused', async (_, form, error) => {
    expect(await post(form)).toMatchObject({ status: 400, body: { error } });
  });

  it.each<[string, string, string]>([
    ['in JSON', 'application/json', JSON.stringify({ grant_type: JWT_BEARER })],
    ['of no type', '', 'grant_type=x'],
    ['with a parameter twice', 'application/x-www-form-urlencoded', 'grant_type=a&grant_type=a'],
  ])('%s is refused', async (_, type, body) => {
    const answer = await ask(fixture().signIn, {
      method: 'POST',
      url: '/token',
      headers: { 'content-type': type },
      body,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('may name the charset of its form', async () => {
    const answer = await ask(fixture().signIn, {
      url: '/token',
      headers: { 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=UTF-8' },
      form: { grant_type: JWT_BEARER, assertion: assertion() },
    });
    expect(answer.status).toBe(200);
  });
});
