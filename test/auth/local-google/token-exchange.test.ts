import { describe, expect, it } from 'vitest';
import {
  ask,
  localFixture,
  machineToken,
  MACHINE_EMAIL,
  METADATA,
  type ReadAnswer,
  START,
  VERTEX_SCOPE,
} from './local-fixture.ts';

const fixture = localFixture();
const TYPE = 'urn:ietf:params:oauth:token-type:';
const PROVIDER =
  '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/local';

/** As google-auth asks for an external account. */
const exchange = (form: Readonly<Record<string, string>>): Promise<ReadAnswer> =>
  ask(fixture().signIn, {
    url: '/token',
    form: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: `${TYPE}access_token`,
      ...form,
    },
  });

async function idToken(audience: string): Promise<string> {
  const url = `/computeMetadata/v1/instance/service-accounts/default/identity?audience=${encodeURIComponent(audience)}`;
  return String((await ask(fixture().signIn, { url, headers: METADATA })).body);
}

const tokenOf = ({ body }: ReadAnswer): string => (body as { access_token: string }).access_token;

const narrow = async (scope: string, query = ''): Promise<ReadAnswer> =>
  exchange({
    scope,
    subject_token: await machineToken(fixture().signIn, query),
    subject_token_type: `${TYPE}access_token`,
  });

describe('an ID token', () => {
  it.each([PROVIDER, `https:${PROVIDER}`])('for %s is traded for an access token', async (audience) => {
    for (const type of ['id_token', 'jwt']) {
      const answer = await exchange({
        audience: PROVIDER,
        scope: VERTEX_SCOPE,
        subject_token: await idToken(audience),
        subject_token_type: `${TYPE}${type}`,
      });
      expect(answer).toMatchObject({
        status: 200,
        body: { issued_token_type: `${TYPE}access_token`, token_type: 'Bearer', expires_in: 3599 },
      });
      const caller = await fixture().signIn.tokens.authenticate(tokenOf(answer));
      expect(caller).toMatchObject({ id: MACHINE_EMAIL });
    }
  });

  it.each<[string, string, string]>([
    ['for a service that was shown it', 'https://service.example', 'https://service.example'],
    ['for another provider', `${PROVIDER}-2`, PROVIDER],
    ['without an audience', PROVIDER, ''],
  ])('%s is refused', async (_, tokenAudience, audience) => {
    const answer = await exchange({
      audience,
      subject_token: await idToken(tokenAudience),
      subject_token_type: `${TYPE}id_token`,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('gives an access token that lives no longer than itself', async () => {
    const setting = fixture();
    const token = await idToken(PROVIDER);
    const form = { audience: PROVIDER, subject_token: token, subject_token_type: `${TYPE}id_token` };
    setting.now = START + 3_000_000;
    expect((await exchange(form)).body).toMatchObject({ expires_in: 599 });
    setting.now = START + 3_600_000;
    expect((await exchange(form)).status).toBe(400);
  });

  it.each([
    (token: string) => `${token}x`,
    (token: string) => token.slice(0, -1),
    (token: string) => token.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString('base64url')),
    () => 'x',
  ])('is refused when it was changed', async (change) => {
    const answer = await exchange({
      audience: PROVIDER,
      subject_token: change(await idToken(PROVIDER)),
      subject_token_type: `${TYPE}id_token`,
    });
    expect(answer.status).toBe(400);
  });
});

describe('an access token', () => {
  it('is traded for one that may do less', async () => {
    const answer = await narrow('openid');
    expect(answer.status).toBe(200);
    const { body } = await ask(fixture().signIn, { url: `/tokeninfo?access_token=${tokenOf(answer)}` });
    expect(body).toMatchObject({ scope: 'openid' });
  });

  it('keeps its scopes when none are asked for', async () => {
    const answer = await narrow('', `?scopes=${VERTEX_SCOPE}`);
    const { body } = await ask(fixture().signIn, { url: `/tokeninfo?access_token=${tokenOf(answer)}` });
    expect(body).toMatchObject({ scope: VERTEX_SCOPE });
  });

  it('is not traded for one that may do more', async () => {
    expect(await narrow(VERTEX_SCOPE, '?scopes=openid')).toMatchObject({
      status: 400,
      body: { error: 'invalid_scope' },
    });
  });

  it('cannot be made to live longer', async () => {
    const setting = fixture();
    const token = await machineToken(setting.signIn);
    setting.now = START + 1_800_000;
    const answer = await exchange({ subject_token: token, subject_token_type: `${TYPE}access_token` });
    expect(answer.body).toMatchObject({ expires_in: 1799 });
    setting.now = START + 3_600_000;
    const again = { subject_token: tokenOf(answer), subject_token_type: `${TYPE}access_token` };
    expect((await exchange(again)).status).toBe(400);
  });
});

describe('an exchange', () => {
  it.each<[string, Record<string, string>]>([
    ['without a token', { subject_token_type: `${TYPE}jwt` }],
    ['without a type', { subject_token: 'x' }],
    ['of an unknown type', { subject_token: 'x', subject_token_type: `${TYPE}saml2` }],
    [
      'for another type',
      { subject_token: 'x', subject_token_type: `${TYPE}jwt`, requested_token_type: `${TYPE}id_token` },
    ],
  ])('%s is refused', async (_, form) => {
    expect(await exchange(form)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });
});
