import { describe, expect, it } from 'vitest';
import {
  ask,
  HOST,
  localFixture,
  machineToken,
  MACHINE_EMAIL,
  METADATA,
  NOW,
  START,
} from './local-fixture.ts';

const fixture = localFixture();

describe('the local sign-in', () => {
  it.each([
    '/token/',
    '/v1/token',
    '/Token',
    '//token',
    '/healthz',
    '/computemetadata/v1',
    '/v1/models',
    '/v1/projects/p/locations/l/endpoints/openapi/chat/completions',
    '/v1/projects/-/serviceAccounts/a@b.example:signBlob',
    '/v1/projects/p/serviceAccounts/a@b.example:generateAccessToken',
  ])('leaves %s to others', async (path) => {
    const request = { method: 'GET', path, query: new URLSearchParams(), headers: { host: HOST }, body: '' };
    expect(await fixture().signIn.google.handle(request)).toBeUndefined();
  });

  it.each<[string, string, string]>([
    ['GET', '/token', 'POST'],
    ['GET', '/introspect', 'POST'],
    ['POST', '/tokeninfo', 'GET'],
    ['POST', '/oauth2/v3/certs', 'GET'],
    ['GET', '/v1/projects/-/serviceAccounts/a@b.example:generateAccessToken', 'POST'],
    ['POST', '/computeMetadata/v1/instance/service-accounts/default/token', 'GET'],
  ])('does not answer %s %s', async (method, url, allow) => {
    const answer = await ask(fixture().signIn, { method, url, headers: METADATA });
    expect(answer).toMatchObject({ status: 405, headers: { allow } });
  });

  it.each(['POST', 'GET'])('marks every answer of the metadata server, to %s too', async (method) => {
    const url = '/computeMetadata/v1/';
    for (const headers of [{}, METADATA, { ...METADATA, host: 'evil.example' }]) {
      const answer = await ask(fixture().signIn, { method, url, headers });
      expect(answer.headers).toMatchObject({ 'metadata-flavor': 'Google' });
    }
  });

  it.each(['/token', '/introspect', '/tokeninfo', '/oauth2/v3/certs', '/', '/computeMetadata/v1/'])(
    'does not answer %s under another name than that of this machine',
    async (url) => {
      for (const host of ['evil.example', '10.0.0.1:8080', '']) {
        const answer = await ask(fixture().signIn, { url, headers: { ...METADATA, host } });
        expect(answer).toMatchObject({ status: 403, body: { error: 'access_denied' } });
      }
    },
  );
});

describe('tokeninfo', () => {
  it('tells about a token', async () => {
    const setting = fixture();
    const token = await machineToken(setting.signIn);
    setting.now = START + 1000;
    const { status, body } = await ask(setting.signIn, { url: `/tokeninfo?access_token=${token}` });
    expect(status).toBe(200);
    expect(body).toEqual({
      azp: expect.stringMatching(/^\d{21}$/),
      aud: (body as { azp: string }).azp,
      scope: expect.stringContaining('cloud-platform'),
      exp: String(NOW + 3600),
      expires_in: '3599',
      email: MACHINE_EMAIL,
      email_verified: 'true',
      access_type: 'online',
    });
  });

  it('names nobody whose token is not for that', async () => {
    const { signIn } = fixture();
    const token = await machineToken(signIn, '?scopes=https://www.googleapis.com/auth/cloud-platform');
    const { body } = await ask(signIn, { url: `/tokeninfo?access_token=${token}` });
    expect(body).not.toHaveProperty('email');
  });

  it.each<[string, (token: string) => string]>([
    ['no', () => ''],
    ['a changed', (token) => `?access_token=${token}A`],
    ['a foreign', () => '?access_token=ya29.a0Af'],
  ])('refuses %s token', async (_, query) => {
    const { signIn } = fixture();
    const url = `/tokeninfo${query(await machineToken(signIn))}`;
    expect(await ask(signIn, { url })).toMatchObject({
      status: 400,
      body: { error: 'invalid_token', error_description: 'Invalid Value' },
    });
  });

  it('refuses an expired token', async () => {
    const setting = fixture();
    const url = `/tokeninfo?access_token=${await machineToken(setting.signIn)}`;
    setting.now = START + 3_600_000;
    expect((await ask(setting.signIn, { url })).status).toBe(400);
  });
});

describe('introspection', () => {
  it('tells about a token', async () => {
    const { signIn } = fixture();
    const form = {
      token: await machineToken(signIn),
      token_type_hint: 'urn:ietf:params:oauth:token-type:access_token',
    };
    expect(await ask(signIn, { url: '/introspect', form })).toMatchObject({
      status: 200,
      body: {
        active: true,
        exp: NOW + 3600,
        iss: 'https://sts.googleapis.com/',
        scope: expect.stringContaining('cloud-platform'),
        username: `principal://iam.googleapis.com/locations/global/workforcePools/parlance-local/subject/${MACHINE_EMAIL}`,
      },
    });
  });

  it('says of others no more than that they are not active', async () => {
    const setting = fixture();
    const token = await machineToken(setting.signIn);
    const forms = [{ token: `${token}A` }, { token: 'x' }];
    for (const form of forms) {
      const { status, body } = await ask(setting.signIn, { url: '/introspect', form });
      expect({ status, body }).toEqual({ status: 200, body: { active: false } });
    }
    setting.now = START + 3_600_000;
    const expired = await ask(setting.signIn, { url: '/introspect', form: { token } });
    expect(expired.body).toEqual({ active: false });
    expect((await ask(setting.signIn, { url: '/introspect', form: {} })).status).toBe(400);
  });
});
