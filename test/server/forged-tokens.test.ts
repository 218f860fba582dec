/** Tokens that are forged, have ended, or are meant for something else, at the HTTP server with every sign-in at once. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encode, jwkOf, macToken, signToken } from '../auth/inbound/signed-tokens.ts';
import { EMAIL, machineToken, makeJwt, NOW, VERTEX_SCOPE } from '../auth/local-google/local-fixture.ts';
import {
  CLIENT,
  evilKey,
  GOOGLE_TOKEN,
  googleKey,
  key,
  otherKey,
  SignInPlace,
  type TokenCase,
  VERTEX_AUDIENCE,
  withClaims,
} from './every-sign-in.ts';
import { CHAT, VERTEX } from './guarded-server.ts';
import { chatRequest, type ErrorEnvelope, type TestServer } from './test-server.ts';

const place = new SignInPlace();
const { local, stranger } = place;

const ofIssuer = (claims: object = {}, header: object = {}, signer = key): string =>
  signToken(signer, place.claims(claims), header);

/** What a local account would sign, with any header and any key. */
const asAccount = (header: object, signer: Parameters<typeof makeJwt>[2]): string => {
  const claims = { iss: EMAIL, sub: EMAIL, aud: VERTEX_AUDIENCE, iat: NOW, exp: NOW + 60 };
  return makeJwt({ alg: 'RS256', kid: local().keyFile.private_key_id, ...header }, claims, signer);
};

const publicKeyOfAccount = (): string => {
  const publicKey = createPublicKey(createPrivateKey(local().keyFile.private_key));
  return String(publicKey.export({ type: 'spki', format: 'pem' }));
};

const GENUINE: readonly TokenCase[] = [
  ['an ID token', () => ofIssuer()],
  [
    'an ID token that brings keys of others along',
    () => ofIssuer({}, { jku: place.evilUrl(), jwk: jwkOf(evilKey) }),
  ],
  ['an ID token of Google', () => signToken(googleKey, place.googleClaims())],
  ['an access token of Google', () => GOOGLE_TOKEN],
  ['an access token of the local sign-in', () => machineToken(local().signIn)],
  ['a JWT that a local account signed', () => place.selfSigned()],
];

const UNSIGNED = ['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg): TokenCase[] => [
  [`an ID token with the algorithm "${alg}"`, () => macToken(undefined, place.claims(), { alg, kid: 'k1' })],
  [`an ID token with a right signature and the algorithm "${alg}"`, () => ofIssuer({}, { alg })],
  [`a JWT of a local account with the algorithm "${alg}"`, () => asAccount({ alg }, () => Buffer.from('x'))],
  [
    `a JWT of a local account with a right signature and the algorithm "${alg}"`,
    () => place.selfSigned({}, { alg }),
  ],
]);

const PUBLIC_KEYS: readonly (readonly [form: string, secret: () => string | Buffer])[] = [
  ['PEM', () => key.publicKey.export({ type: 'spki', format: 'pem' })],
  ['DER', () => key.publicKey.export({ type: 'spki', format: 'der' })],
  ['JWK', () => JSON.stringify(jwkOf(key))],
];

const CONFUSED: readonly TokenCase[] = [
  ...PUBLIC_KEYS.flatMap(([form, secret]) =>
    ['HS256', 'RS256'].map((alg): TokenCase => {
      const what = `an ID token with the public key (${form}) as shared secret, called ${alg}`;
      return [what, () => macToken(secret(), place.claims(), { alg, typ: 'JWT', kid: 'k1' })];
    }),
  ),
  [
    'a JWT of a local account with the public key as shared secret',
    () => {
      const header = { alg: 'HS256', kid: local().keyFile.private_key_id };
      return macToken(publicKeyOfAccount(), { iss: EMAIL, sub: EMAIL, iat: NOW, exp: NOW + 60 }, header);
    },
  ],
  [
    'an ID token of the right key under another algorithm',
    () => ofIssuer({}, {}, { ...key, algorithm: 'PS256' }),
  ],
];

const FOREIGN_KEYS: readonly TokenCase[] = [
  ['a key of its own under a known name', () => ofIssuer({}, { kid: 'k1' }, evilKey)],
  ['a key of its own under a name of its own', () => ofIssuer({}, {}, evilKey)],
  ['a key of its own without a name', () => ofIssuer({}, { kid: undefined }, evilKey)],
  ['the name of another key of its issuer', () => ofIssuer({}, { kid: 'k2' })],
  ['the name of a key of another issuer', () => ofIssuer({}, {}, googleKey)],
  ['a key name that is a path', () => ofIssuer({}, { kid: '../evil-keys' }, evilKey)],
  ['a key name that is a URL', () => ofIssuer({}, { kid: place.evilUrl() }, evilKey)],
  [
    'a key name that is an empty file',
    () => macToken('', place.claims(), { alg: 'HS256', kid: '/dev/null' }),
  ],
  ['an address of keys ("jku")', () => ofIssuer({}, { jku: place.evilUrl() }, evilKey)],
  ['an address of certificates ("x5u")', () => ofIssuer({}, { x5u: place.evilUrl(), kid: 'k1' }, evilKey)],
  ['a certificate of its own ("x5c")', () => ofIssuer({}, { x5c: ['MIIB'], kid: 'k1' }, evilKey)],
  ['a key in its header ("jwk")', () => ofIssuer({}, { jwk: jwkOf(evilKey) }, evilKey)],
  ['a key in its header and a known name', () => ofIssuer({}, { jwk: jwkOf(evilKey), kid: 'k1' }, evilKey)],
  ['an account for its issuer, and a key of its own', () => asAccount({}, evilKey.privateKey)],
  [
    'an account for its issuer, and a key in its header',
    () => asAccount({ jwk: jwkOf(evilKey), jku: place.evilUrl() }, evilKey.privateKey),
  ],
  ['Google for its issuer, and a key of another', () => signToken(key, place.googleClaims())],
  ['another issuer than Google, and a key of Google', () => ofIssuer({}, { kid: 'k1' }, googleKey)],
];

const WRONG_CLAIMS: readonly TokenCase[] = [
  ['an end in the past', () => ofIssuer({ iat: NOW - 7200, exp: NOW - 3600 })],
  ['no end', () => ofIssuer({ exp: undefined })],
  ['a beginning in the future', () => ofIssuer({ nbf: NOW + 600 })],
  ['another audience', () => ofIssuer({ aud: 'another-server' })],
  ['another audience beside ours', () => ofIssuer({ aud: ['parlance', 'another-server'] })],
  ['no audience', () => ofIssuer({ aud: undefined })],
  ['the audience of Google', () => ofIssuer({ aud: CLIENT })],
  ['an audience that is another client', () => signToken(googleKey, place.googleClaims({ aud: 'other' }))],
  ['an issuer nobody knows', () => ofIssuer({ iss: 'https://issuer.example' })],
  ['an issuer with a slash more', () => ofIssuer({ iss: `${place.identity().server.origin}/` })],
  ['no issuer', () => ofIssuer({ iss: undefined })],
  ['another type', () => ofIssuer({}, { typ: 'logout+jwt' })],
  ['an extension that nobody understands', () => ofIssuer({}, { crit: ['x'], x: 1 })],
  ['another subject under the same signature', () => withClaims(ofIssuer(), { sub: 'admin' })],
  [
    'a later end under the same signature',
    () => withClaims(ofIssuer({ exp: NOW - 600 }), { exp: NOW + 600 }),
  ],
  ['an end in the past, of an account', () => place.selfSigned({ iat: NOW - 7200, exp: NOW - 3600 })],
  ['another audience, of an account', () => place.selfSigned({ aud: 'https://storage.googleapis.com/' })],
  ['another server for its audience, of an account', () => place.selfSigned({ aud: 'http://127.0.0.1:1/' })],
  [
    'another account for its issuer',
    () => place.selfSigned({ iss: 'ann@example.com', sub: 'ann@example.com' }),
  ],
  ['another account for its subject', () => place.selfSigned({ sub: 'ann@example.com' })],
];

const OTHER_USES: readonly TokenCase[] = [
  ['an assertion for the token endpoint', () => place.assertion()],
  ['an assertion for our own', () => place.assertion({ aud: 'http://127.0.0.1:8080/token', sub: EMAIL })],
  ['an ID token of the local sign-in', () => place.localIdToken(CLIENT)],
  ['an ID token of the local sign-in for Vertex AI', () => place.localIdToken(VERTEX_AUDIENCE)],
  ['a refresh token', () => local().userFile.refresh_token],
  ['the secret of a client', () => local().userFile.client_secret],
  ['the name of a key', () => local().keyFile.private_key_id],
  ['an access token of another Parlance', () => machineToken(stranger().signIn)],
  ['a JWT of an account of another Parlance', () => place.selfSigned({}, {}, stranger().keyFile)],
  [
    'a JWT of an account of another Parlance with the name of our key',
    () => place.selfSigned({}, { kid: local().keyFile.private_key_id }, stranger().keyFile),
  ],
  ['an ID token of another Parlance', () => place.localIdToken(CLIENT, stranger())],
  ['an access token that Google does not know', () => 'ya29.a0AfH6SMB'],
  ['an access token that only begins like ours', () => 'ya29.parlance.e30.e30'],
  [
    'an access token with more scopes than it was given',
    async () => {
      const token = await machineToken(local().signIn, '?scopes=openid');
      const grant = encode({ sub: EMAIL, scope: VERTEX_SCOPE, exp: NOW + 3600, jti: 'x' });
      return `ya29.parlance.${grant}${token.slice(token.lastIndexOf('.'))}`;
    },
  ],
  ['two tokens in one', async () => `${await machineToken(local().signIn)},${ofIssuer()}`],
];

const REFUSAL = {
  status: 401,
  challenge: 'Bearer realm="parlance", error="invalid_token"',
  error: {
    message: expect.stringMatching(/\.$/),
    type: 'authentication_error',
    param: null,
    code: 'invalid_api_key',
  },
};

/** What becomes of a token in every place and on every family of routes, and what of it shows. */
async function present(server: TestServer, token: string): Promise<object> {
  const bearer = { authorization: `Bearer ${token}` };
  const calls: readonly [path: string, headers: Record<string, string>][] = [
    [CHAT, bearer],
    ['/v1beta/openai/chat/completions', bearer],
    [`${VERTEX}/openapi/chat/completions`, bearer],
    [CHAT, { 'x-goog-api-key': token }],
    [`${CHAT}?key=${encodeURIComponent(token)}`, {}],
  ];
  server.backend.calls.length = 0;
  const answers = await Promise.all(
    calls.map(async ([path, headers]) => {
      const response = await server.post(chatRequest(), path, headers);
      const { error } = (await response.json()) as ErrorEnvelope;
      return { status: response.status, challenge: response.headers.get('www-authenticate'), error };
    }),
  );
  const isShown = JSON.stringify([answers, server.log]).includes(token);
  return { answers, isShown, isAnswered: server.backend.calls.length > 0 };
}

const REFUSED_EVERYWHERE = {
  answers: Array.from({ length: 5 }, () => REFUSAL),
  isShown: false,
  isAnswered: false,
};

const statusOf = async (server: TestServer, token: string): Promise<number> =>
  (await server.post(chatRequest(), CHAT, { authorization: `Bearer ${token}` })).status;

describe('refused is', () => {
  it.each([...UNSIGNED, ...CONFUSED, ...OTHER_USES])('%s', async (_what, make) => {
    const { server } = await place.start();
    expect(await present(server, await make())).toEqual(REFUSED_EVERYWHERE);
  });

  it.each([...FOREIGN_KEYS, ...WRONG_CLAIMS])('a token that has %s', async (_what, make) => {
    const { server } = await place.start();
    expect(await present(server, await make())).toEqual(REFUSED_EVERYWHERE);
    const asked = new Set(place.identity().server.requests.map(({ url }) => url));
    expect(asked).not.toContain('/evil-keys');
  });

  it.each(GENUINE)('%s, but only when it has ended', async (_what, make) => {
    const { server } = await place.start();
    const token = await make();
    expect(await statusOf(server, token)).toBe(200);
    place.pass(3600 + 60);
    expect(await present(server, token)).toEqual(REFUSED_EVERYWHERE);
  });

  it('an ID token whose key has been withdrawn', async () => {
    const { server, published } = await place.start();
    const token = ofIssuer();
    expect(await statusOf(server, token)).toBe(200);
    published.keys = [jwkOf(otherKey)];
    // Who comes after ten minutes makes the server ask again.
    place.pass(600);
    await statusOf(server, token);
    await place.identity().idle();
    expect(await present(server, token)).toEqual(REFUSED_EVERYWHERE);
    expect(await statusOf(server, ofIssuer({}, {}, otherKey))).toBe(200);
  });
});
