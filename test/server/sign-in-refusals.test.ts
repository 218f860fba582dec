/** Who is refused before anything is read, and how. */
import { describe, expect, it } from 'vitest';
import type { Authenticator } from '../../src/auth/inbound/principal.ts';
import { StaticKeys } from '../../src/auth/inbound/static-keys.ts';
import { KEY, startGuarded, VERTEX } from './guarded-server.ts';
import { RawConnection } from './raw-connection.ts';
import { chatRequest, type ErrorEnvelope } from './test-server.ts';

describe('a refusal', () => {
  it.each([
    { credential: undefined, status: 401, code: 'invalid_api_key', challenge: '' },
    { credential: 'Bearer', status: 401, code: 'invalid_api_key', challenge: '' },
    { credential: 'Basic a2V5', status: 401, code: 'invalid_api_key', challenge: '' },
    {
      credential: 'Bearer wrong',
      status: 401,
      code: 'invalid_api_key',
      challenge: ', error="invalid_token"',
    },
    {
      credential: 'Bearer expired',
      status: 401,
      code: 'invalid_api_key',
      challenge: ', error="invalid_token"',
    },
    {
      credential: 'Bearer foreign',
      status: 403,
      code: 'permission_denied',
      challenge: ', error="insufficient_scope"',
    },
  ])('of $credential is $status with www-authenticate', async ({ credential, status, code, challenge }) => {
    const server = await startGuarded();
    const headers = credential === undefined ? {} : { authorization: credential };
    for (const path of [
      '/v1/chat/completions',
      '/v1beta/openai/chat/completions',
      `${VERTEX}/openapi/chat/completions`,
    ]) {
      const response = await server.post(chatRequest(), path, headers);
      expect(response.status).toBe(status);
      expect(response.headers.get('www-authenticate')).toBe(`Bearer realm="parlance"${challenge}`);
      expect(response.headers.get('x-request-id')).toMatch(/./);
      expect(await response.json()).toMatchObject({
        error: {
          message: expect.stringMatching(/\.$/),
          type: status === 401 ? 'authentication_error' : 'permission_error',
          param: null,
          code,
        },
      });
    }
    expect(server.backend.calls).toEqual([]);
  });

  it('that is none of the credential has no www-authenticate', async () => {
    const server = await startGuarded();
    const unjudged = await server.post(chatRequest(), undefined, { authorization: 'Bearer unjudged' });
    expect(unjudged.status).toBe(503);
    expect(unjudged.headers.has('www-authenticate')).toBe(false);
    const admitted = await server.post({ ...chatRequest(), n: 'x' }, undefined, {
      authorization: `Bearer ${KEY}`,
    });
    expect(admitted.status).toBe(400);
    expect(admitted.headers.has('www-authenticate')).toBe(false);
  });

  it('by the policy of a caller is 403 in the envelope, and nothing is asked', async () => {
    const policy = { models: ['other-*'] };
    const limited: Authenticator = {
      authenticate: async () => ({ kind: 'oidc', id: 'a@example.com', tenant: 'a', policy }),
    };
    const server = await startGuarded({
      gate: { kind: 'closed', keys: new StaticKeys([]), authenticators: [limited] },
    });
    const response = await server.post(chatRequest(), undefined, { authorization: 'Bearer any' });
    expect(response.status).toBe(403);
    expect(((await response.json()) as ErrorEnvelope).error).toMatchObject({
      type: 'permission_error',
      param: 'model',
      code: 'permission_denied',
    });
    expect(server.backend.calls).toEqual([]);
  });

  it('comes before the body is asked for', async () => {
    const server = await startGuarded();
    const connection = await server.connect();
    connection.send(
      RawConnection.request([
        'POST /v1/chat/completions HTTP/1.1',
        'expect: 100-continue',
        'content-length: 50',
      ]),
    );
    expect((await connection.response()).status).toBe(401);
  });

  it('holds nothing of the credential, and neither does the log', async () => {
    const server = await startGuarded();
    const texts: string[] = [];
    for (const [path, headers] of [
      ['/v1/chat/completions', { authorization: 'Bearer s3cret' }],
      ['/v1/chat/completions', { 'x-goog-api-key': 's3cret' }],
      ['/v1/chat/completions?key=s3cret', {}],
      ['/v1/nothing?key=s3cret', {}],
    ] as const) {
      const response = await server.post(chatRequest(), path, headers);
      texts.push(await response.text(), JSON.stringify([...response.headers]));
    }
    expect(server.log.length).toBeGreaterThan(0);
    expect(JSON.stringify([texts, server.log])).not.toContain('s3cret');
  });
});

describe('whoever is asked about a caller', () => {
  it('is told when that caller leaves, and of no other on the same connection', async () => {
    const signals: AbortSignal[] = [];
    const slow: Authenticator = {
      authenticate: (credential, signal) => {
        signals.push(signal);
        const principal = { kind: 'oidc', id: credential, tenant: credential } as const;
        return credential === 'slow' ? new Promise(() => {}) : Promise.resolve(principal);
      },
    };
    const server = await startGuarded({
      gate: { kind: 'closed', keys: new StaticKeys([]), authenticators: [slow] },
    });
    const connection = await server.connect();
    connection.send(RawConnection.request(['GET /v1/models HTTP/1.1', 'api-key: quick']));
    expect((await connection.response('GET')).status).toBe(200);
    connection.send(RawConnection.request(['GET /v1/models HTTP/1.1', 'api-key: slow']));
    await expect.poll(() => signals.length).toBe(2);
    connection.destroy();
    await expect.poll(() => signals[1]?.aborted).toBe(true);
    expect(signals[0]?.aborted).toBe(false);
  });
});
