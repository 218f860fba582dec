import { describe, expect, it } from 'vitest';
import {
  ask,
  decodeJwt,
  localFixture,
  machineToken,
  MACHINE_EMAIL,
  METADATA,
  type ReadAnswer,
  VERTEX_SCOPE,
} from './local-fixture.ts';

const fixture = localFixture();
const ACCOUNTS = '/computeMetadata/v1/instance/service-accounts';

const get = (url: string, headers: Readonly<Record<string, string>> = METADATA): Promise<ReadAnswer> =>
  ask(fixture().signIn, { url, headers });

describe('the metadata server', () => {
  // The requests of gcloud, and of Google's libraries for Python and Node.
  it.each<[string, unknown]>([
    ['/', 'computeMetadata/\n'],
    ['/computeMetadata/v1/instance', 'service-accounts/\n'],
    ['/computeMetadata/v1/instance/', 'service-accounts/\n'],
    ['/computeMetadata/v1/project/numeric-project-id', expect.stringMatching(/^\d+$/)],
    ['/computeMetadata/v1/project/project-id', 'machine-project'],
    [`${ACCOUNTS}/`, `default/\n${MACHINE_EMAIL}/\n`],
    [`${ACCOUNTS}/default/email`, MACHINE_EMAIL],
    [`${ACCOUNTS}/${MACHINE_EMAIL}/email`, MACHINE_EMAIL],
    ['/computeMetadata/v1/universe/universe-domain', 'googleapis.com'],
  ])('tells %s as a text', async (url, text) => {
    const { status, headers, body } = await get(url);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'metadata-flavor': 'Google', 'content-type': 'application/text' });
    expect(body).toEqual(text);
  });

  it.each(['default', MACHINE_EMAIL, MACHINE_EMAIL.replace('@', '%40')])(
    'describes the account %s',
    async (account) => {
      expect(await get(`${ACCOUNTS}/${account}/?recursive=true`)).toEqual({
        status: 200,
        headers: expect.objectContaining({ 'metadata-flavor': 'Google', 'content-type': 'application/json' }),
        body: { aliases: ['default'], email: MACHINE_EMAIL, scopes: expect.arrayContaining([VERTEX_SCOPE]) },
      });
    },
  );

  it.each([
    'default/token',
    `${MACHINE_EMAIL}/token`,
    `default/token?scopes=${encodeURIComponent(`${VERTEX_SCOPE},openid`)}`,
  ])('gives a token at %s', async (place) => {
    const { status, headers, body } = await get(`${ACCOUNTS}/${place}`);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'metadata-flavor': 'Google', 'content-type': 'application/json' });
    expect(body).toEqual({
      access_token: expect.stringMatching(/^ya29\./),
      expires_in: 3599,
      token_type: 'Bearer',
    });
    const { access_token: token } = body as { access_token: string };
    expect(await fixture().signIn.tokens.authenticate(token)).toMatchObject({ id: MACHINE_EMAIL });
  });

  it('gives an ID token as a text', async () => {
    const audience = '32555940559.apps.googleusercontent.com';
    const { headers, body } = await get(
      `${ACCOUNTS}/default/identity?audience=${audience}&format=standard&licenses=FALSE`,
    );
    expect(headers['content-type']).toBe('application/text');
    expect(decodeJwt(String(body)).claims).toMatchObject({ aud: audience, email: MACHINE_EMAIL });
  });

  it.each<[string, number]>([
    [`${ACCOUNTS}/default/identity`, 400],
    [`${ACCOUNTS}/default/token?scopes=a%22b`, 400],
    [`${ACCOUNTS}/other@machine-project.iam.gserviceaccount.com/token`, 404],
    [`${ACCOUNTS}//token`, 404],
    [`${ACCOUNTS}/default/keys`, 404],
    ['/computeMetadata/v1/instance/zone', 404],
    ['/computeMetadata/v2/', 404],
    ['/computeMetadata/v1beta1/instance', 404],
  ])('answers %s with %d', async (url, status) => {
    const answer = await get(url);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({ 'metadata-flavor': 'Google' });
  });

  it.each<[string, Record<string, string>]>([
    ['no flavour', {}],
    ['another flavour', { 'metadata-flavor': 'google' }],
    ['a proxy in between', { ...METADATA, 'x-forwarded-for': '10.0.0.1' }],
  ])('gives nothing away with %s', async (_, headers) => {
    for (const url of ['/', '/computeMetadata/v1/project/project-id', `${ACCOUNTS}/default/token`]) {
      const answer = await get(url, headers);
      expect(answer.status).toBe(403);
      expect(answer.headers).toMatchObject({ 'metadata-flavor': 'Google' });
      expect(String(answer.body)).not.toMatch(/ya29|machine-project/);
    }
  });

  it('shows a name of its own address to nobody who came by another name', async () => {
    const url = `${ACCOUNTS}/default/token`;
    for (const host of ['rebound.example:8080', '169.254.169.254', '']) {
      const answer = await get(url, { ...METADATA, host });
      expect(answer).toMatchObject({ status: 403, body: { error: 'access_denied' } });
    }
  });

  it('gives each token a life of its own', async () => {
    const { signIn } = fixture();
    expect(await machineToken(signIn)).not.toBe(await machineToken(signIn));
  });
});
