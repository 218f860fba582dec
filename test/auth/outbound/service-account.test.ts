import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  credentialFixture,
  failureOf,
  never,
  serviceAccountFile,
  START,
  tokenOf,
} from './credential-fixture.ts';
import { decodeAssertion, privateKeyPem } from './token-server.ts';

const fixture = credentialFixture();

const VERTEX_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

describe('a service account', () => {
  it('trades a signed assertion for a token at the token_uri of its file', async () => {
    const { server, openFile } = fixture();
    expect(await tokenOf(openFile(serviceAccountFile(server)))).toBe('ya29.1');
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', url: '/token' });
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(Object.keys(request?.form ?? {})).toEqual(['grant_type', 'assertion']);
    expect(decodeAssertion(request?.form['assertion'] ?? '')).toEqual({
      header: { alg: 'RS256', typ: 'JWT', kid: 'key-1' },
      claims: {
        iss: 'parlance@key-project.iam.gserviceaccount.com',
        scope: VERTEX_SCOPE,
        aud: `${server.origin}/token`,
        iat: START / 1000,
        exp: START / 1000 + 3600,
      },
    });
  });

  it("asks Google's own endpoint when the file names none", async () => {
    const { server, openFile, secureOrigins } = fixture();
    const { token_uri: _, ...file } = serviceAccountFile(server);
    expect(await tokenOf(openFile(file))).toBe('ya29.1');
    expect(secureOrigins).toEqual(['https://oauth2.googleapis.com']);
    const { claims } = decodeAssertion(server.requests[0]?.form['assertion'] ?? '');
    expect(claims.aud).toBe('https://oauth2.googleapis.com/token');
  });

  it('asks for the scopes it is given', async () => {
    const { server, openFile } = fixture();
    await tokenOf(openFile(serviceAccountFile(server), { scopes: ['https://a/one', 'https://a/two'] }));
    expect(decodeAssertion(server.requests[0]?.form['assertion'] ?? '').claims.scope).toBe(
      'https://a/one https://a/two',
    );
  });

  it('needs no key id', async () => {
    const { server, openFile } = fixture();
    const { private_key_id: _, ...file } = serviceAccountFile(server);
    await tokenOf(openFile(file));
    const { header } = decodeAssertion(server.requests[0]?.form['assertion'] ?? '');
    expect(header).toEqual({ alg: 'RS256', typ: 'JWT' });
  });

  it('tells what the server refused and what to check, and keeps the assertion to itself', async () => {
    const { server, openFile } = fixture();
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const file = {
      ...serviceAccountFile(server),
      private_key: other.export({ type: 'pkcs8', format: 'pem' }),
    };
    const error = await failureOf(openFile(file).headers(never));
    expect(error.status).toBe(502);
    expect(error.message).toContain(
      `${server.origin}/token answered 400 invalid_grant: Invalid JWT Signature: [secret]. Check that this key of parlance@key-project.iam.gserviceaccount.com still exists`,
    );
    expect(error.shouldRetry).toBe(false);
    expect(server.requests).toHaveLength(1);
  });

  const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  it.each([
    { change: { private_key: 'hunter2' }, problem: '"private_key" is not a private key in PEM form' },
    { change: { private_key: privateKeyPem().slice(0, 300) }, problem: '"private_key" is not a private key' },
    {
      change: { private_key: ecKey.export({ type: 'pkcs8', format: 'pem' }) },
      problem: '"private_key" is not an RSA key',
    },
    { change: { private_key: undefined }, problem: '"private_key" is missing' },
    { change: { private_key: 7 }, problem: '"private_key" is not a string' },
    { change: { client_email: '' }, problem: '"client_email" is missing' },
    { change: { token_uri: 'ftp://hunter2/' }, problem: '"token_uri" is not an http or https URL' },
    { change: { token_uri: 'hunter2' }, problem: '"token_uri" is not an http or https URL' },
  ])('refuses a file where $problem', async ({ change, problem }) => {
    const { server, openFile, folder } = fixture();
    const error = await failureOf(openFile({ ...serviceAccountFile(server), ...change }).headers(never));
    expect(error.message).toContain(`${folder}/credentials.json: ${problem}`);
    expect(error.message).not.toMatch(/hunter2|BEGIN|MII/);
    expect(server.requests).toHaveLength(0);
  });
});
