import { describe, expect, it } from 'vitest';
import {
  authorizedUserFile,
  credentialFixture,
  failureOf,
  never,
  serviceAccountFile,
  START,
  tokenOf,
} from './credential-fixture.ts';
import { decodeAssertion, type TokenServer } from './token-server.ts';

const fixture = credentialFixture();

const PATH = '/v1/projects/-/serviceAccounts/target@p.iam.gserviceaccount.com:generateAccessToken';

function impersonatedFile(server: TokenServer, source: unknown): Record<string, unknown> {
  return {
    type: 'impersonated_service_account',
    service_account_impersonation_url: `${server.origin}${PATH}`,
    delegates: ['middle@p.iam.gserviceaccount.com'],
    source_credentials: source,
  };
}

describe('impersonation', () => {
  it('has the source make a token for the target, at the host of the file', async () => {
    const { server, openFile } = fixture();
    const file = impersonatedFile(server, authorizedUserFile(server));
    expect(await tokenOf(openFile(file, { scopes: ['https://a/one'] }))).toBe('ya29.2.impersonated');
    const [, request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', url: PATH });
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer ya29.1',
      'content-type': 'application/json',
    });
    expect(JSON.parse(request?.body ?? '')).toEqual({
      delegates: ['middle@p.iam.gserviceaccount.com'],
      scope: ['https://a/one'],
      lifetime: '3600s',
    });
  });

  it('asks the source for the scope of the whole cloud', async () => {
    const { server, openFile } = fixture();
    const file = impersonatedFile(server, serviceAccountFile(server));
    await tokenOf(openFile(file, { scopes: ['https://a/one'] }));
    expect(decodeAssertion(server.requests[0]?.form['assertion'] ?? '').claims.scope).toBe(
      'https://www.googleapis.com/auth/cloud-platform',
    );
  });

  it('renews before the expireTime it was told', async () => {
    const all = fixture();
    const source = all.openFile(impersonatedFile(all.server, authorizedUserFile(all.server)));
    await tokenOf(source);
    all.now = START + 3_590_001;
    expect(await tokenOf(source)).toBe('ya29.4.impersonated');
  });

  it('tells which role is missing', async () => {
    const { server, openFile } = fixture();
    server.faults.push(
      { status: 200, body: { access_token: 'ya29.source' } },
      {
        status: 403,
        body: {
          error: { code: 403, status: 'PERMISSION_DENIED', message: 'Permission denied for ya29.source.' },
        },
      },
    );
    const file = impersonatedFile(server, authorizedUserFile(server));
    const { message } = await failureOf(openFile(file).headers(never));
    expect(message).toContain('answered 403 PERMISSION_DENIED: Permission denied for [secret].');
    expect(message).toContain('roles/iam.serviceAccountTokenCreator');
  });

  it.each([
    { body: { accessToken: 'x' }, problem: 'without a usable "expireTime"' },
    { body: { expireTime: '2026-01-01T01:00:00Z' }, problem: 'without a usable "accessToken"' },
    {
      body: { accessToken: 'a\r\nb', expireTime: '2026-01-01T01:00:00Z' },
      problem: 'without a usable "accessToken"',
    },
  ])('refuses an answer $problem', async ({ body, problem }) => {
    const { server, openFile } = fixture();
    server.faults.push({ status: 200, body: { access_token: 'source' } }, { status: 200, body });
    const file = impersonatedFile(server, authorizedUserFile(server));
    const { message } = await failureOf(openFile(file).headers(never));
    expect(message).toContain(`generateAccessToken answered ${problem}`);
  });

  it.each([
    { change: { source_credentials: undefined }, problem: '"source_credentials" is missing' },
    { change: { source_credentials: 'x' }, problem: '"source_credentials" is not an object' },
    {
      change: { source_credentials: { type: 'authorized_user' } },
      problem: '"source_credentials.client_id" is missing',
    },
    { change: { delegates: [1] }, problem: '"delegates" is not an array of strings' },
    {
      change: { service_account_impersonation_url: null },
      problem: '"service_account_impersonation_url" is missing',
    },
  ])('refuses a file where $problem', async ({ change, problem }) => {
    const { server, openFile } = fixture();
    const file = { ...impersonatedFile(server, authorizedUserFile(server)), ...change };
    const { message } = await failureOf(openFile(file).headers(never));
    expect(message).toContain(problem);
  });
});
