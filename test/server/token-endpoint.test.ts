/** What the token endpoint of the local sign-in gives nothing for, at the HTTP server. */
import { describe, expect, it } from 'vitest';
import { signToken } from '../auth/inbound/signed-tokens.ts';
import { EMAIL, machineToken, VERTEX_SCOPE } from '../auth/local-google/local-fixture.ts';
import {
  CLIENT,
  GOOGLE_TOKEN_URL,
  googleKey,
  key,
  SignInPlace,
  type TokenCase,
  withClaims,
} from './every-sign-in.ts';
import type { TestServer } from './test-server.ts';

const TYPE = 'urn:ietf:params:oauth';
const ACCESS_TOKEN = `${TYPE}:token-type:access_token`;
const ID_TOKEN = `${TYPE}:token-type:id_token`;

const place = new SignInPlace();
const { local, stranger } = place;

const byAssertion = (assertion: string): Record<string, string> => ({
  grant_type: `${TYPE}:grant-type:jwt-bearer`,
  assertion,
});

const byExchange = (token: string, type: string): Record<string, string> => ({
  grant_type: `${TYPE}:grant-type:token-exchange`,
  subject_token: token,
  subject_token_type: type,
});

const byRefreshToken = (token: string): Record<string, string> => {
  const { client_id, client_secret } = local().userFile;
  return { grant_type: 'refresh_token', client_id, client_secret, refresh_token: token };
};

async function post({ url }: TestServer, form: Record<string, string>): Promise<object> {
  const response = await fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: await response.json() };
}

/** In the form of OAuth, whose clients know no other. RFC 6749 section 5.2. */
const REFUSAL = {
  status: 400,
  body: { error: 'invalid_grant', error_description: expect.any(String) },
};

describe('the token endpoint gives nothing for', () => {
  it.each<TokenCase>([
    ['an assertion for somebody else', () => place.assertion({ aud: 'https://example.com/token' })],
    ['an assertion for another Parlance', () => place.assertion({ aud: 'http://127.0.0.1:1/token' })],
    ['an assertion of an account of another Parlance', () => place.assertion({}, stranger().keyFile)],
    ['an assertion without a signature', () => place.assertion().replace(/[^.]+$/, '')],
    [
      'an assertion with another scope under the same signature',
      () => withClaims(place.assertion({ scope: 'openid' }), { scope: VERTEX_SCOPE }),
    ],
    ['a JWT for Vertex AI', () => place.selfSigned()],
    ['an access token', () => machineToken(local().signIn)],
    ['an ID token', () => place.localIdToken(GOOGLE_TOKEN_URL)],
    [
      'an ID token of another issuer',
      () => signToken(key, place.claims({ iss: EMAIL, aud: GOOGLE_TOKEN_URL })),
    ],
  ])('%s as an assertion', async (_what, make) => {
    const { server } = await place.start();
    expect(await post(server, byAssertion(await make()))).toEqual(REFUSAL);
  });

  it.each<TokenCase>([
    ['an access token', () => machineToken(local().signIn)],
    ['an assertion', () => place.assertion()],
    ['the secret of the client', () => local().userFile.client_secret],
    ['a refresh token of another Parlance', () => stranger().userFile.refresh_token],
  ])('%s as a refresh token', async (_what, make) => {
    const { server } = await place.start();
    expect(await post(server, byRefreshToken(await make()))).toEqual(REFUSAL);
  });

  it.each<readonly [...TokenCase, type: string]>([
    ['an access token of another Parlance', () => machineToken(stranger().signIn), ACCESS_TOKEN],
    ['an assertion', () => place.assertion(), ID_TOKEN],
    ['an ID token for somebody else', () => place.localIdToken(CLIENT), ID_TOKEN],
    ['an ID token of another issuer', () => signToken(googleKey, place.googleClaims()), ID_TOKEN],
  ])('%s in exchange', async (_what, make, type) => {
    const { server } = await place.start();
    expect(await post(server, byExchange(await make(), type))).toEqual(REFUSAL);
  });

  it.each<readonly [what: string, makeForm: () => Promise<Record<string, string>>]>([
    ['an assertion', async () => byAssertion(place.assertion())],
    ['an access token', async () => byExchange(await machineToken(local().signIn), ACCESS_TOKEN)],
  ])('%s that is shown again after its end', async (_what, makeForm) => {
    const { server } = await place.start();
    const form = await makeForm();
    expect(await post(server, form)).toMatchObject({ status: 200 });
    place.pass(3600 + 60);
    expect(await post(server, form)).toEqual(REFUSAL);
  });
});
