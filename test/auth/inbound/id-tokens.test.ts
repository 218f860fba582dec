import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdTokens } from '../../../src/auth/inbound/id-tokens.ts';
import { GOOGLE_ISSUER, type IssuerOptions } from '../../../src/auth/inbound/id-token-issuer.ts';
import type { GatewayError } from '../../../src/errors.ts';
import { failureOf, identityFixture, never, START } from './identity-server.ts';
import { type Algorithm, encode, issuerKey, jwkOf, macToken, signToken } from './signed-tokens.ts';

const NOW = START / 1000;
const fixture = identityFixture();

/** Keys that the server publishes for its issuer. */
const key = issuerKey('k1');
const googleKey = issuerKey('g1');
const published = (['RS256', 'PS256', 'ES256', 'EdDSA'] as const).map((algorithm) =>
  issuerKey(`k-${algorithm}`, algorithm),
);

/** An authenticator for Google and for an issuer on this machine, whose keys the server publishes. */
function open(options: Partial<IssuerOptions> = {}, google: Partial<IssuerOptions> = {}): IdTokens {
  const { server, dispatcher, now, onFailure } = fixture();
  server.answer = ({ url }) => {
    if (url === '/keys') return { body: { keys: [key, ...published].map((one) => jwkOf(one)) } };
    if (url === '/google-keys') return { body: { keys: [jwkOf(googleKey)] } };
    if (url !== '/.well-known/openid-configuration') return { status: 404, body: {} };
    return { body: { issuer: server.origin, jwks_uri: `${server.origin}/keys` } };
  };
  const issuers: IssuerOptions[] = [
    { name: 'corp', issuer: server.origin, audiences: ['parlance'], rules: { everyone: true }, ...options },
    {
      name: 'google',
      issuer: GOOGLE_ISSUER,
      keysUrl: new URL(`${server.origin}/google-keys`),
      audiences: ['client.apps.googleusercontent.com'],
      rules: { domains: ['example.com'] },
      ...google,
    },
  ];
  return new IdTokens({ issuers, dispatcher, now, timeoutMs: 10_000, onFailure });
}

const claims = (more: object = {}): object => ({
  iss: fixture().server.origin,
  sub: 'user-1',
  aud: 'parlance',
  iat: NOW,
  exp: NOW + 3600,
  ...more,
});

const googleClaims = (more: object = {}): object => ({
  iss: GOOGLE_ISSUER,
  azp: 'client.apps.googleusercontent.com',
  aud: 'client.apps.googleusercontent.com',
  sub: '110169484474386276334',
  hd: 'example.com',
  email: 'Ann@example.com',
  email_verified: true,
  iat: NOW,
  exp: NOW + 3600,
  ...more,
});

/** The 401 of a token that is of a known issuer. It never quotes the token. */
async function refusalOf(token: string, tokens = open()): Promise<GatewayError> {
  const error = await failureOf(tokens.authenticate(token, never));
  expect(error).toMatchObject({ code: 'invalid_api_key', status: 401 });
  for (const part of token.split('.').filter((text) => text.length > 10))
    expect(error.message).not.toContain(part);
  return error;
}

describe('IdTokens', () => {
  it('tells whose token of an issuer it is', async () => {
    const token = signToken(key, claims({ email: 'Ann@Corp.example', email_verified: true }));
    expect(await open({ policy: { projects: ['p'] } }).authenticate(token, never)).toEqual({
      kind: 'oidc',
      id: 'corp:ann@corp.example',
      tenant: `oidc:${fixture().server.origin}:user-1`,
      policy: { projects: ['p'] },
    });
  });

  it('names a caller without a verified address by the subject', async () => {
    const token = signToken(key, claims({ email: 'ann@corp.example', email_verified: false }));
    expect(await open().authenticate(token, never)).toMatchObject({ id: 'corp:user-1' });
  });

  it.each(['https://accounts.google.com', 'accounts.google.com'])(
    'tells whose token of %s it is',
    async (iss) => {
      const token = signToken(googleKey, googleClaims({ iss }));
      expect(await open().authenticate(token, never)).toEqual({
        kind: 'google',
        id: 'ann@example.com',
        tenant: 'google:ann@example.com',
      });
    },
  );

  it.each(published.map((one) => ({ one, name: one.algorithm })))('verifies $name', async ({ one }) => {
    expect(await open().authenticate(signToken(one, claims()), never)).toMatchObject({
      id: 'corp:user-1',
    });
  });

  it('finds the keys by discovery, once for all tokens', async () => {
    const tokens = open();
    for (let call = 0; call < 5; call++) await tokens.authenticate(signToken(key, claims({ call })), never);
    expect(fixture().server.requests.map(({ url }) => url)).toEqual([
      '/.well-known/openid-configuration',
      '/keys',
    ]);
  });

  it.each<{ what: string; credential: () => string }>([
    { what: 'nothing', credential: () => '' },
    { what: 'a key', credential: () => 'sk-proj-12345' },
    { what: 'an access token with dots', credential: () => 'ya29.c.b0Aaekm1K' },
    {
      what: 'a JWT of another issuer',
      credential: () => signToken(key, claims({ iss: 'https://other.example' })),
    },
    {
      what: 'an issuer with a slash more',
      credential: () => signToken(key, claims({ iss: `${fixture().server.origin}/` })),
    },
    {
      what: 'an issuer in a list',
      credential: () => signToken(key, claims({ iss: [fixture().server.origin] })),
    },
    { what: 'a JWT without an issuer', credential: () => signToken(key, claims({ iss: undefined })) },
    { what: 'a name every object has', credential: () => signToken(key, claims({ iss: '__proto__' })) },
    { what: 'an encrypted JWT', credential: () => `${signToken(key, claims())}.a.b` },
    { what: 'two parts', credential: () => signToken(key, claims()).split('.').slice(0, 2).join('.') },
    { what: 'a header that is no object', credential: () => `${encode([])}.${encode(claims())}.c2ln` },
    { what: 'claims that are no object', credential: () => `${encode({ alg: 'RS256' })}.bnVsbA.c2ln` },
    { what: 'dots', credential: () => '..' },
  ])('leaves to others: $what', async ({ credential }) => {
    expect(await open().authenticate(credential(), never)).toBeUndefined();
    expect(fixture().server.requests).toEqual([]);
  });

  it('does not look at what is longer than 16 KiB', async () => {
    const tokens = open();
    const fitting = signToken(key, claims({ padding: 'x'.repeat(11_000) }));
    expect(await tokens.authenticate(fitting, never)).toMatchObject({ id: 'corp:user-1' });
    expect(
      (await refusalOf(signToken(key, claims({ padding: 'x'.repeat(16_000) })), tokens)).message,
    ).toContain('16 KiB');
    expect(await tokens.authenticate('x'.repeat(20_000), never)).toBeUndefined();
  });

  it('stops for a caller that left', async () => {
    const signal = AbortSignal.abort(new Error('left'));
    await expect(open().authenticate(signToken(key, claims()), signal)).rejects.toThrow('left');
  });
});

describe('claims', () => {
  it.each([
    { what: 'expired within the leeway', claim: { exp: NOW - 59 } },
    { what: 'begins within the leeway', claim: { nbf: NOW + 60 } },
    { what: 'is issued within the leeway', claim: { iat: NOW + 60 } },
    { what: 'lives for a day', claim: { exp: NOW + 24 * 3600 } },
    { what: 'has its audience in a list', claim: { aud: ['parlance'] } },
    { what: 'is a JWT access token', claim: {}, header: { typ: 'at+jwt' } },
    { what: 'has no type', claim: {}, header: { typ: undefined } },
  ])('admits a token that $what', async ({ claim, header }) => {
    const token = signToken(key, claims(claim), header);
    expect(await open().authenticate(token, never)).toMatchObject({ id: 'corp:user-1' });
  });

  it.each<{
    what: string;
    claim: object;
    header?: object;
    message: string;
    options?: Partial<IssuerOptions>;
  }>([
    { what: 'expired', claim: { exp: NOW - 60 }, message: 'expired at 2025-12-31T23:59:00Z' },
    { what: 'expired in the stone age', claim: { exp: -1e300 }, message: 'expired at -' },
    { what: 'never expires', claim: { exp: undefined }, message: 'has no "exp"' },
    { what: 'expires never', claim: { exp: 'never' }, message: '"exp" that is no number' },
    { what: 'expires null', claim: { exp: null }, message: '"exp" that is no number' },
    {
      what: 'lives for longer than a day',
      claim: { exp: NOW + 24 * 3600 + 61 },
      message: 'until 2026-01-02T00:01:01Z',
    },
    { what: 'lives for ever', claim: { exp: 1e300 }, message: 'more than 24 hours ahead' },
    { what: 'begins later', claim: { nbf: NOW + 61 }, message: 'not valid before 2026-01-01T00:01:01Z' },
    { what: 'begins some day', claim: { nbf: 'x' }, message: '"nbf" that is no number' },
    {
      what: 'was issued in the future',
      claim: { iat: NOW + 61 },
      message: 'in the future, at 2026-01-01T00:01:01Z',
    },
    { what: 'was never issued', claim: { iat: undefined }, message: 'has no "iat"' },
    { what: 'is for another', claim: { aud: 'other' }, message: '"other", which is not an audience' },
    {
      what: 'is for a longer name',
      claim: { aud: 'parlance2' },
      message: '"parlance2", which is not an audience',
    },
    { what: 'is for another too', claim: { aud: ['parlance', 'other'] }, message: 'also meant for "other"' },
    { what: 'is for nobody', claim: { aud: [] }, message: 'is not an audience' },
    { what: 'has no audience', claim: { aud: undefined }, message: 'has no "aud"' },
    { what: 'has an odd audience', claim: { aud: { parlance: true } }, message: 'is not an audience' },
    { what: 'has no subject', claim: { sub: undefined }, message: 'has no "sub"' },
    { what: 'has an empty subject', claim: { sub: '' }, message: 'no "sub" of at most' },
    { what: 'has a subject that breaks lines', claim: { sub: 'a\nb' }, message: 'no "sub" of at most' },
    { what: 'has a long subject', claim: { sub: 'x'.repeat(256) }, message: 'no "sub" of at most' },
    { what: 'has no jti', claim: {}, message: 'has no "jti"', options: { requireJti: true } },
    { what: 'is a logout token', claim: {}, header: { typ: 'logout+jwt' }, message: 'for another use' },
    {
      what: 'has a critical extension',
      claim: {},
      header: { crit: ['x'], x: 1 },
      message: 'cannot be verified',
    },
    {
      what: 'is not encoded',
      claim: {},
      header: { crit: ['b64'], b64: false },
      message: 'cannot be verified',
    },
  ])('refuses a token that $what', async ({ claim, header, message, options }) => {
    const token = signToken(key, claims(claim), header);
    expect((await refusalOf(token, open(options))).message).toContain(message);
  });

  it('does not ask for keys because of an expired token', async () => {
    await refusalOf(signToken(issuerKey('old'), claims({ exp: NOW - 1000 })));
    expect(fixture().server.requests).toEqual([]);
  });
});

const SERVICE = 'robot@my-project.iam.gserviceaccount.com';

describe('who may call', () => {
  it.each<{ what: string; claim: object; rules: IssuerOptions['rules'] }>([
    { what: 'organisation', claim: {}, rules: { domains: ['example.com'] } },
    {
      what: 'organisation with a second domain',
      claim: { email: 'a@second.example' },
      rules: { domains: ['example.com'] },
    },
    { what: 'address', claim: { hd: undefined }, rules: { emails: ['ann@example.com'] } },
    {
      what: 'domain of Google',
      claim: { hd: undefined, email: 'a@gmail.com' },
      rules: { domains: ['gmail.com'] },
    },
    { what: 'service account', claim: { hd: undefined, email: SERVICE }, rules: { emails: [SERVICE] } },
    { what: 'project', claim: { hd: undefined, email: SERVICE }, rules: { projects: ['my-project'] } },
    { what: 'subject', claim: { email: undefined }, rules: { subjects: ['110169484474386276334'] } },
  ])('admits an account of Google by $what', async ({ claim, rules }) => {
    const token = signToken(googleKey, googleClaims(claim));
    expect(await open({}, { rules }).authenticate(token, never)).toMatchObject({ kind: 'google' });
  });

  it.each<{ what: string; claim: object; rules: IssuerOptions['rules'] }>([
    {
      what: 'a private account with a business address',
      claim: { hd: undefined },
      rules: { domains: ['example.com'] },
    },
    {
      what: 'another organisation with an address of ours',
      claim: { hd: 'evil.com' },
      rules: { domains: ['example.com'] },
    },
    {
      what: 'an organisation in a list',
      claim: { hd: ['example.com'] },
      rules: { domains: ['example.com'] },
    },
    {
      what: 'an address nobody verified',
      claim: { email_verified: false },
      rules: { emails: ['ann@example.com'] },
    },
    {
      what: 'an address without a word about it',
      claim: { email_verified: undefined },
      rules: { emails: ['ann@example.com'] },
    },
    {
      what: 'two addresses in one',
      claim: { email: 'eve@evil.com@example.com' },
      rules: { emails: ['ann@example.com'] },
    },
    { what: 'another account', claim: {}, rules: { emails: ['bob@example.com'] } },
    {
      what: 'a service account of a lookalike',
      claim: { hd: undefined, email: 'a@my-project.iam.gserviceaccount.com.evil.com' },
      rules: { projects: ['my-project'] },
    },
    {
      what: 'a subject that is an address',
      claim: { sub: 'ann@example.com', email: undefined },
      rules: { emails: ['ann@example.com'] },
    },
  ])('refuses with 403: $what', async ({ claim, rules }) => {
    const token = signToken(googleKey, googleClaims(claim));
    expect(await failureOf(open({}, { rules }).authenticate(token, never))).toMatchObject({
      code: 'permission_denied',
      status: 403,
    });
  });

  it.each([
    { claim: { email: 'a@corp.example', email_verified: true }, admitted: true },
    { claim: { email: 'a@corp.example', email_verified: 'true' }, admitted: true },
    { claim: { email: 'a@corp.example' }, admitted: false },
    { claim: { email: 'a@sub.corp.example', email_verified: true }, admitted: false },
    // Only Google's word about organisations counts.
    { claim: { email: 'a@evil.com', email_verified: true, hd: 'corp.example' }, admitted: false },
    { claim: { hd: 'corp.example' }, admitted: false },
  ])('judges the domain of another issuer by verified addresses: $claim', async ({ claim, admitted }) => {
    const call = open({ rules: { domains: ['corp.example'] } }).authenticate(
      signToken(key, claims(claim)),
      never,
    );
    expect(
      await call.then(
        () => 'admitted',
        (error: unknown) => (error as GatewayError).code,
      ),
    ).toBe(admitted ? 'admitted' : 'permission_denied');
  });

  it.each([
    { claim: { groups: ['x', 'ai'], repository: 'a/b' }, admitted: true },
    { claim: { groups: 'ai', repository: 'a/b' }, admitted: true },
    { claim: { groups: ['ai'] }, admitted: false },
    { claim: { groups: ['AI'], repository: 'a/b' }, admitted: false },
    { claim: { groups: 'ai,x', repository: 'a/b' }, admitted: false },
    { claim: {}, admitted: false },
  ])('demands the claims that are configured: $claim', async ({ claim, admitted }) => {
    const tokens = open({ claims: { groups: ['ai', 'ml'], repository: ['a/b'] } });
    const call = tokens.authenticate(signToken(key, claims(claim)), never);
    expect(
      await call.then(
        () => 'admitted',
        (error: unknown) => (error as GatewayError).code,
      ),
    ).toBe(admitted ? 'admitted' : 'permission_denied');
  });

  it('says who is refused, and not who would not be', async () => {
    const error = await failureOf(
      open({}, { rules: { domains: ['secret.org'] } }).authenticate(
        signToken(googleKey, googleClaims()),
        never,
      ),
    );
    expect(error.message).toBe(
      'The account ann@example.com may not call here: its domain example.com is not allowed ("domains").',
    );
  });
});

describe('forged tokens', () => {
  const spki = key.publicKey.export({ type: 'spki', format: 'pem' });
  const der = key.publicKey.export({ type: 'spki', format: 'der' });
  const modulus = Buffer.from(String(jwkOf(key)['n']), 'base64url');

  it.each([
    'none',
    'None',
    'NONE',
    '',
    'HS256',
    'HS384',
    'RS1',
    'RS384',
    'ES256K',
    'dir',
    '__proto__',
    'constructor',
    7,
    null,
    undefined,
    {},
  ])('refuses the algorithm %j, signed or not, without asking for keys', async (alg) => {
    for (const secret of [undefined, spki]) {
      await refusalOf(macToken(secret, claims(), { alg, kid: 'k1' }));
    }
    expect(fixture().server.requests).toEqual([]);
  });

  it.each([
    { what: 'PEM', secret: Buffer.from(spki) },
    { what: 'PEM without its last line break', secret: Buffer.from(String(spki).trim()) },
    { what: 'DER', secret: der },
    { what: 'modulus', secret: modulus },
    { what: 'JWK', secret: Buffer.from(JSON.stringify(jwkOf(key))) },
    { what: 'empty text', secret: Buffer.from('') },
  ])(
    'does not take the public key ($what) for a shared secret, whatever the algorithm says',
    async ({ secret }) => {
      for (const alg of ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA']) {
        const { message } = await refusalOf(macToken(secret, claims(), { alg, typ: 'JWT', kid: 'k1' }));
        expect(message).toMatch(/accepted algorithm|right signature|does not publish|cannot be verified/);
      }
    },
  );

  it('refuses the signature of another key with the same name', async () => {
    for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const) {
      const other = { ...issuerKey(`other-${algorithm}`, algorithm), kid: `k-${algorithm}` };
      expect((await refusalOf(signToken(other, claims()))).message).toContain('right signature');
    }
  });

  it('refuses a key for another algorithm than it is published for', async () => {
    const rsa = published.find(({ algorithm }) => algorithm === 'RS256');
    const asPss = { ...(rsa ?? key), algorithm: 'PS256' as Algorithm };
    expect((await refusalOf(signToken(asPss, claims()))).message).toContain('does not publish');
  });

  it.each<unknown>([
    '../../../../dev/null',
    '/etc/passwd',
    "' or 1=1 --",
    'k1\0',
    'K1',
    '',
    'k1 ',
    'http://127.0.0.1/',
    '__proto__',
    'x'.repeat(5000),
    0,
    null,
    ['k1'],
    { k1: 1 },
  ])('refuses the key id %j', async (kid) => {
    const { server } = fixture();
    await refusalOf(signToken(issuerKey('evil'), claims(), { kid }));
    expect(server.requests.every(({ url }) => url === '/keys' || url.startsWith('/.well-known/'))).toBe(true);
  });

  it('does not look at keys and addresses of keys that a token brings along', async () => {
    const { server } = fixture();
    const evil = issuerKey('evil');
    const jku = `${server.origin}/evil-keys`;
    const tokens = open();
    for (const kid of ['evil', 'k1', undefined]) {
      for (const header of [
        { jku },
        { x5u: jku },
        { jwk: jwkOf(evil) },
        { x5c: ['MIIB'] },
        { jku, jwk: jwkOf(evil), x5u: jku },
      ]) {
        await refusalOf(signToken(evil, claims(), { ...header, kid }), tokens);
      }
    }
    expect(server.requests.some(({ url }) => url.includes('evil'))).toBe(false);
    const genuine = signToken(key, claims(), { jku, x5u: jku, jwk: jwkOf(evil) });
    expect(await tokens.authenticate(genuine, never)).toMatchObject({ id: 'corp:user-1' });
  });

  it('refuses a token that does not say which of several keys it is signed with', async () => {
    const { message } = await refusalOf(signToken(key, claims(), { kid: undefined }));
    expect(message).toContain('"kid"');
  });

  it('refuses what one issuer signs in the name of another', async () => {
    const tokens = open();
    for (const kid of ['k1', 'g1']) {
      const asGoogle = await refusalOf(signToken(key, googleClaims(), { kid }), tokens);
      const asOther = await refusalOf(signToken(googleKey, claims(), { kid }), tokens);
      expect([asGoogle.message, asOther.message]).toEqual([
        expect.stringContaining(GOOGLE_ISSUER),
        expect.stringContaining(fixture().server.origin),
      ]);
    }
  });

  it('refuses parts of two genuine tokens put together', async () => {
    const tokens = open();
    const one = signToken(key, claims({ sub: 'one' })).split('.');
    const two = signToken(published[2] ?? key, claims({ sub: 'two' })).split('.');
    for (let choice = 1; choice < 7; choice++) {
      const mixed = one.map((part, index) => (((choice >> index) & 1) === 1 ? two[index] : part)).join('.');
      await refusalOf(mixed, tokens);
    }
    expect(await tokens.authenticate(one.join('.'), never)).toMatchObject({ id: 'corp:one' });
  });

  it('refuses every shortened token', async () => {
    const tokens = open();
    const token = signToken(key, claims());
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), async (length) => {
        expect(await outcome(tokens, token.slice(0, length))).not.toBe('admitted');
      }),
    );
  });

  it.each(['RS256', 'ES256', 'EdDSA'] as const)('refuses every changed token (%s)', async (algorithm) => {
    const tokens = open();
    const token = signToken(issuerKey(`k-${algorithm}`, algorithm), claims());
    expect(await outcome(tokens, token)).toBe('admitted');
    const character = fc.constantFrom(...Array.from('ABCDwxyz0189-_.=+/ ~\n'));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length),
        fc.nat(2),
        fc.array(character, { maxLength: 3 }),
        async (at, cut, text) => {
          const changed = token.slice(0, at) + text.join('') + token.slice(at + cut);
          expect((await outcome(tokens, changed)) === 'admitted').toBe(changed === token);
        },
      ),
      { numRuns: 300 },
    );
    // The last character holds bits that mean nothing.
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      const changed = token.slice(0, -1) + last;
      expect((await outcome(tokens, changed)) === 'admitted').toBe(changed === token);
    }
  });

  it('judges any text without failing', async () => {
    const tokens = open();
    const part = fc.oneof(
      fc.string(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    const credential = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(credential, async (text) => {
        expect(['nobody', 'invalid_api_key']).toContain(await outcome(tokens, text));
      }),
    );
  });

  it('judges any claims and headers of a known issuer with 401', async () => {
    const tokens = open();
    const { origin } = fixture().server;
    const names = fc.constantFrom('aud', 'exp', 'nbf', 'iat', 'sub', 'email', 'jti');
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(names, fc.jsonValue()),
        fc.dictionary(fc.constantFrom('alg', 'typ', 'kid', 'crit', 'b64', 'cty'), fc.jsonValue()),
        fc.boolean(),
        async (claim, header, isSigned) => {
          const all = { ...claim, iss: origin };
          // Unsigned or signed with the right key: without a right audience and time, neither is valid.
          const token = isSigned ? signToken(key, all, header) : macToken('x', all, header);
          expect(await outcome(tokens, token)).toBe('invalid_api_key');
        },
      ),
      { numRuns: 300 },
    );
  });
});

async function outcome(tokens: IdTokens, credential: string): Promise<string> {
  try {
    return (await tokens.authenticate(credential, never)) === undefined ? 'nobody' : 'admitted';
  } catch (error) {
    return (error as GatewayError).code;
  }
}

describe('a configuration', () => {
  it.each<{ what: string; options: Partial<IssuerOptions>; message: string }>([
    { what: 'without audiences', options: { audiences: [] }, message: 'at least one audience' },
    { what: 'without rules', options: { rules: {} }, message: 'name who may call' },
    { what: 'with an issuer over http', options: { issuer: 'http://corp.example' }, message: 'https' },
    {
      what: 'with keys over http',
      options: { keysUrl: new URL('http://corp.example/keys') },
      message: 'https',
    },
    { what: 'with a name for an issuer', options: { issuer: 'corp' }, message: 'not a URL' },
    { what: 'with one issuer twice', options: { issuer: 'accounts.google.com' }, message: 'twice' },
  ])('$what is refused', ({ options, message }) => {
    expect(() => open(options)).toThrow(message);
  });

  it('may name any issuer where it says where the keys are', async () => {
    const keysUrl = new URL(`${fixture().server.origin}/keys`);
    const tokens = open({ issuer: 'corp', keysUrl });
    expect(await tokens.authenticate(signToken(key, claims({ iss: 'corp' })), never)).toMatchObject({
      kind: 'oidc',
    });
  });
});
