import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClientCredential } from '../../../src/auth/inbound/client-credential.ts';
import {
  accountJwt,
  ask,
  EMAIL,
  failureOf,
  localFixture,
  machineToken,
  MACHINE_EMAIL,
  makeJwt,
  METADATA,
  NOW,
  PORT,
  START,
  VERTEX_SCOPE,
} from './local-fixture.ts';

const fixture = localFixture();
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
const VERTEX = 'https://aiplatform.googleapis.com/';
const RENEWING = /run `gcloud auth print-access-token`, or in Python call `credentials\.refresh\(/;

/** What Google's libraries make with a key file, for Vertex AI. */
const selfSigned = (claims: object = {}, header: object = {}): string =>
  accountJwt(fixture().keyFile, { sub: EMAIL, aud: VERTEX, ...claims }, header);

function publicPem(): string {
  const key = createPublicKey(createPrivateKey(fixture().keyFile.private_key));
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

describe('an access token', () => {
  it('names its account', async () => {
    const { signIn } = fixture();
    const token = await machineToken(signIn);
    expect(await signIn.tokens.authenticate(token)).toEqual({
      kind: 'local',
      id: MACHINE_EMAIL,
      tenant: `local:${MACHINE_EMAIL}`,
    });
  });

  it.each(['', '.read-only'])('may call with the scope cloud-platform%s alone', async (suffix) => {
    const { signIn } = fixture();
    const token = await machineToken(signIn, `?scopes=${VERTEX_SCOPE}${suffix}`);
    expect(await signIn.tokens.authenticate(token)).toMatchObject({ id: MACHINE_EMAIL });
  });

  it('may not call without it', async () => {
    const { signIn } = fixture();
    const token = await machineToken(signIn, '?scopes=openid,https://www.googleapis.com/auth/userinfo.email');
    const error = await failureOf(signIn.tokens.authenticate(token));
    expect(error).toMatchObject({ code: 'permission_denied', status: 403 });
    expect(error.message).toContain(`scopes=["${VERTEX_SCOPE}"]`);
  });

  it('says when it expired and how to get the next one, not what it is', async () => {
    const setting = fixture();
    const token = await machineToken(setting.signIn);
    setting.now = START + 3_600_000;
    const error = await failureOf(setting.signIn.tokens.authenticate(token));
    expect(error).toMatchObject({ code: 'invalid_api_key', status: 401 });
    expect(error.message).toContain('This access token expired at 2026-01-01T01:00:00.000Z.');
    expect(error.message).toMatch(RENEWING);
    expect(error.message).not.toContain(token.slice(14, 24));
  });

  it('is refused when it was changed', async () => {
    const { signIn } = fixture();
    const token = await machineToken(signIn);
    const error = await failureOf(signIn.tokens.authenticate(`${token}x`));
    expect(error.code).toBe('invalid_api_key');
    expect(error.message).toMatch(RENEWING);
  });

  it('works after a restart of the server', async () => {
    const token = await machineToken(fixture().signIn);
    expect(await fixture().open().tokens.authenticate(token)).toMatchObject({ id: MACHINE_EMAIL });
  });
});

describe('a JWT that a service account signed itself', () => {
  it.each<[string, object]>([
    ['for Vertex AI', {}],
    ['for Vertex AI, without the last slash', { aud: 'https://aiplatform.googleapis.com' }],
    ['for a region', { aud: 'https://us-central1-aiplatform.googleapis.com/' }],
    ['for a multi-region', { aud: 'https://aiplatform.eu.rep.googleapis.com/' }],
    ['for this server', { aud: `http://127.0.0.1:${PORT}/` }],
    ['for this server, by name', { aud: `http://localhost:${PORT}` }],
    ['for a scope', { aud: undefined, scope: `openid ${VERTEX_SCOPE}` }],
    ['with a clock that is ahead', { iat: NOW + 59, exp: NOW + 3659 }],
    ['just before its end', { iat: NOW - 3600, exp: NOW + 1 }],
  ])('is taken %s', async (_, claims) => {
    const caller = await fixture().signIn.tokens.authenticate(selfSigned(claims));
    expect(caller).toEqual({ kind: 'local', id: EMAIL, tenant: `local:${EMAIL}` });
  });

  it('needs no key id', async () => {
    const jwt = selfSigned({}, { kid: undefined });
    expect(await fixture().signIn.tokens.authenticate(jwt)).toMatchObject({ id: EMAIL });
  });

  it.each<[string, object, RegExp]>([
    ['for somebody else', { aud: 'https://example.com/' }, /"aud" of this JWT is not this server/],
    ['for another API', { aud: 'https://storage.googleapis.com/' }, /"aud"/],
    ['for a host that looks alike', { aud: 'https://aiplatform.googleapis.com.evil.example/' }, /"aud"/],
    ['for the token endpoint', { aud: 'https://oauth2.googleapis.com/token' }, /"aud"/],
    ['for another server of this machine', { aud: 'http://127.0.0.1:9999/' }, /"aud"/],
    ['for a page of this server', { aud: `http://127.0.0.1:${PORT}/token` }, /"aud"/],
    ['for several', { aud: [VERTEX] }, /"aud"/],
    ['for another API, with a scope', { aud: 'https://example.com/', scope: VERTEX_SCOPE }, /"aud"/],
    ['for nothing', { aud: undefined }, /has not the scope/],
    ['for another scope', { aud: undefined, scope: 'openid' }, /has not the scope/],
    ['for a scope that is no text', { aud: undefined, scope: [VERTEX_SCOPE] }, /has not the scope/],
    ['in the name of another', { sub: 'ann@example.com' }, /"sub" of this JWT/],
    ["in nobody's name", { sub: undefined }, /"sub"/],
    ['that has expired', { iat: NOW - 3700, exp: NOW - 100 }, /This JWT expired at 2025-12-31T23:58:20/],
    ['that lives too long', { exp: NOW + 7200 }, /may live for an hour at most/],
    ['from the future', { iat: NOW + 120, exp: NOW + 3600 }, /"iat" and "exp"/],
    ['that ends before it begins', { exp: NOW - 1 }, /"iat" and "exp"/],
    ['without a beginning', { iat: undefined }, /"iat" and "exp"/],
    ['without an end', { exp: undefined }, /"iat" and "exp"/],
    ['with an end that is no number', { exp: String(NOW + 60) }, /"iat" and "exp"/],
    ['from before time began', { iat: -1e300, exp: -1e300 + 1 }, /"iat" and "exp"/],
    ['not to be used yet', { nbf: NOW + 600 }, /"iat" and "exp"/],
  ])('is refused %s', async (_, claims, reason) => {
    const error = await failureOf(fixture().signIn.tokens.authenticate(selfSigned(claims)));
    expect(error.message).toMatch(reason);
    expect(error.code).toBe(/scope/.test(error.message) ? 'permission_denied' : 'invalid_api_key');
  });

  const attacks: [string, () => string][] = [
    ['no algorithm', () => forge({ alg: 'none' }, () => Buffer.from('x'))],
    [
      'the public key as a secret',
      () => forge({ alg: 'HS256' }, (signed) => createHmac('sha256', publicPem()).update(signed).digest()),
    ],
    ['another key under the known id', () => forge({ alg: 'RS256' }, foreign.privateKey)],
    [
      'a key of its own in the header',
      () => forge({ alg: 'RS256', jwk: foreign.publicKey.export({ format: 'jwk' }) }, foreign.privateKey),
    ],
    ['something to understand', () => selfSigned({}, { crit: ['b64'], b64: false })],
  ];

  it.each(attacks)('is refused with %s', async (_, attack) => {
    const error = await failureOf(fixture().signIn.tokens.authenticate(attack()));
    expect(error.code).toBe('invalid_api_key');
    expect(error.message).toMatch(/signature of this JWT is not that of the service account/);
  });

  it.each<[string, () => string]>([
    ['a key nobody knows', () => selfSigned({}, { kid: 'f'.repeat(40) })],
    ['a key id that is a path', () => selfSigned({}, { kid: '../signing-keys' })],
    ['a key id that is no text', () => selfSigned({}, { kid: 7 })],
    ['an issuer the key is not of', () => selfSigned({ iss: MACHINE_EMAIL, sub: MACHINE_EMAIL })],
    ['an unknown issuer and no key', () => selfSigned({ iss: 'x@y.example' }, { kid: undefined })],
    ['no issuer', () => selfSigned({ iss: undefined })],
  ])('is left to others with %s', async (_, jwt) => {
    expect(await fixture().signIn.tokens.authenticate(jwt())).toBeUndefined();
  });

  function forge(header: object, signer: Parameters<typeof makeJwt>[2]): string {
    const { private_key_id: kid } = fixture().keyFile;
    const claims = { iss: EMAIL, sub: EMAIL, aud: VERTEX, iat: NOW, exp: NOW + 60 };
    return makeJwt({ ...header, kid }, claims, signer);
  }
});

describe('other credentials', () => {
  it.each([
    'local',
    'sk-proj-1234567890',
    'AIzaSyA-1234567890',
    'ya29.a0AfH6SMBx',
    'eyJhbGciOiJSUzI1NiJ9.e30.eA',
  ])('%s is left to others', async (credential) => {
    expect(await fixture().signIn.tokens.authenticate(credential)).toBeUndefined();
  });

  it('are ID tokens of this server', async () => {
    const { signIn } = fixture();
    const url = `/computeMetadata/v1/instance/service-accounts/default/identity?audience=${VERTEX}`;
    const { body } = await ask(signIn, { url, headers: METADATA });
    expect(await signIn.tokens.authenticate(String(body))).toBeUndefined();
  });

  it('never get in when they are genuine ones changed', async () => {
    const { signIn } = fixture();
    const genuine = [await machineToken(signIn), selfSigned()];
    const change = fc.record({
      token: fc.constantFrom(...genuine),
      start: fc.nat(2048),
      length: fc.nat(3),
      text: fc.string({ maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ token, start, length, text }) => {
        const at = start % token.length;
        const changed = token.slice(0, at) + text + token.slice(at + length);
        // What a server would read from the header.
        const key = readClientCredential({ authorization: `Bearer ${changed}` });
        if (key === undefined || genuine.includes(key)) return true;
        const caller = await signIn.tokens.authenticate(key).catch(() => undefined);
        return caller === undefined;
      }),
      { numRuns: 2000 },
    );
  });
});
