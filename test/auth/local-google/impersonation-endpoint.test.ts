import { describe, expect, it } from 'vitest';
import {
  ask,
  EMAIL,
  localFixture,
  machineToken,
  MACHINE_EMAIL,
  type ReadAnswer,
  START,
  VERTEX_SCOPE,
} from './local-fixture.ts';

const fixture = localFixture();
const IAM_SCOPE = 'https://www.googleapis.com/auth/iam';

interface Wish {
  readonly token?: string;
  readonly target?: string;
  readonly body?: unknown;
}

const impersonate = ({ token, target = EMAIL, body }: Wish): Promise<ReadAnswer> =>
  ask(fixture().signIn, {
    method: 'POST',
    url: `/v1/projects/-/serviceAccounts/${target}:generateAccessToken`,
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body ?? { delegates: [], scope: [VERTEX_SCOPE], lifetime: '3600s' }),
  });

describe('generateAccessToken', () => {
  it.each([EMAIL, EMAIL.replace('@', '%40')])('gives a token of %s', async (target) => {
    const { signIn } = fixture();
    const token = await machineToken(signIn, `?scopes=${IAM_SCOPE}`);
    const answer = await impersonate({ token, target });
    expect(answer).toMatchObject({
      status: 200,
      body: { accessToken: expect.stringMatching(/^ya29\./), expireTime: '2026-01-01T01:00:00Z' },
    });
    const { accessToken } = answer.body as { accessToken: string };
    expect(await signIn.tokens.authenticate(accessToken)).toMatchObject({ id: EMAIL });
  });

  it('gives one of the machine, too', async () => {
    const token = await machineToken(fixture().signIn);
    expect((await impersonate({ token, target: MACHINE_EMAIL })).status).toBe(200);
  });

  it.each<[string, string]>([
    ['60s', '2026-01-01T00:01:00Z'],
    ['60.5s', '2026-01-01T00:01:00Z'],
    ['43200s', '2026-01-01T01:00:00Z'],
  ])('with a lifetime of %s ends at %s', async (lifetime, expireTime) => {
    const token = await machineToken(fixture().signIn);
    const body = { scope: [VERTEX_SCOPE], lifetime };
    expect((await impersonate({ token, body })).body).toMatchObject({ expireTime });
  });

  it('gives none that outlives the token it was asked with', async () => {
    const setting = fixture();
    const token = await machineToken(setting.signIn);
    setting.now = START + 3_599_000;
    expect((await impersonate({ token })).body).toMatchObject({ expireTime: '2026-01-01T01:00:00Z' });
    setting.now += 1000;
    expect((await impersonate({ token })).status).toBe(401);
  });

  it.each<[string, (token: string) => string | undefined]>([
    ['no token', () => undefined],
    ['a changed token', (token) => `${token}A`],
    ['a foreign token', () => 'ya29.a0AfH6SMBx'],
  ])('refuses %s', async (_, change) => {
    const token = change(await machineToken(fixture().signIn));
    const answer = await impersonate(token === undefined ? {} : { token });
    expect(answer).toMatchObject({
      status: 401,
      body: { error: { code: 401, status: 'UNAUTHENTICATED', message: expect.any(String) } },
    });
  });

  it('refuses a token that is for something else', async () => {
    const token = await machineToken(fixture().signIn, '?scopes=openid');
    expect((await impersonate({ token })).status).toBe(401);
  });

  it('knows registered accounts only', async () => {
    const token = await machineToken(fixture().signIn);
    expect(await impersonate({ token, target: 'x@y.example' })).toMatchObject({
      status: 404,
      body: { error: { code: 404, status: 'NOT_FOUND' } },
    });
  });

  it.each([
    {},
    [],
    'x',
    { scope: VERTEX_SCOPE },
    { scope: [] },
    { scope: [7] },
    { scope: ['a"b'] },
    { scope: [VERTEX_SCOPE], lifetime: 3600 },
    { scope: [VERTEX_SCOPE], lifetime: '-1s' },
    { scope: [VERTEX_SCOPE], lifetime: '0s' },
  ])('refuses the body %j', async (body) => {
    const token = await machineToken(fixture().signIn);
    expect(await impersonate({ token, body })).toMatchObject({
      status: 400,
      body: { error: { status: 'INVALID_ARGUMENT' } },
    });
  });
});
