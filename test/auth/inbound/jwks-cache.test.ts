import { describe, expect, it } from 'vitest';
import { IdTokens } from '../../../src/auth/inbound/id-tokens.ts';
import type { Principal } from '../../../src/auth/inbound/principal.ts';
import type { GatewayError } from '../../../src/errors.ts';
import { type Fault, failureOf, identityFixture, never } from './identity-server.ts';
import { type IssuerKey, issuerKey, jwkOf, signToken } from './signed-tokens.ts';

const fixture = identityFixture();
const first = issuerKey('first');
const second = issuerKey('second');

interface Published {
  keys: unknown[];
}

/** An authenticator for one issuer, and what that publishes. */
function open(more: { readonly discovery?: boolean; readonly timeoutMs?: number } = {}) {
  const { server, dispatcher, now, onFailure } = fixture();
  const published: Published = { keys: [jwkOf(first)] };
  server.answer = ({ url }) =>
    url === '/keys'
      ? { body: published }
      : { body: { issuer: server.origin, jwks_uri: `${server.origin}/keys` } };
  const tokens = new IdTokens({
    issuers: [
      {
        name: 'corp',
        issuer: server.origin,
        ...(more.discovery !== true && { keysUrl: new URL(`${server.origin}/keys`) }),
        audiences: ['parlance'],
        rules: { everyone: true },
      },
    ],
    dispatcher,
    now,
    timeoutMs: more.timeoutMs ?? 10_000,
    onFailure,
  });
  return { tokens, published };
}

/** A token that is valid now. */
function tokenOf(key: IssuerKey, header: object = {}): string {
  const now = fixture().time / 1000;
  const claims = { iss: fixture().server.origin, sub: 'u', aud: 'parlance', iat: now, exp: now + 3600 };
  return signToken(key, claims, header);
}

const call = (tokens: IdTokens, key: IssuerKey): Promise<Principal | undefined> =>
  tokens.authenticate(tokenOf(key), never);

/** `admitted`, or the code of the error. */
async function outcome(tokens: IdTokens, key: IssuerKey): Promise<string> {
  return call(tokens, key).then(
    () => 'admitted',
    (error: unknown) => (error as GatewayError).code,
  );
}

const requests = (): number => fixture().server.requests.length;
const pass = (seconds: number): void => {
  fixture().time += seconds * 1000;
};

describe('the keys of an issuer', () => {
  it('are fetched once for a hundred callers', async () => {
    const { tokens } = open({ discovery: true });
    const all = await Promise.all(Array.from({ length: 100 }, () => outcome(tokens, first)));
    expect(new Set(all)).toEqual(new Set(['admitted']));
    expect(requests()).toBe(2);
  });

  it('are fetched anew for a token that names an unknown one', async () => {
    const { tokens, published } = open();
    await call(tokens, first);
    published.keys = [jwkOf(first), jwkOf(second)];
    pass(30);
    expect(await outcome(tokens, second)).toBe('admitted');
    expect(await outcome(tokens, first)).toBe('admitted');
    expect(requests()).toBe(2);
  });

  it('that are gone are trusted no more', async () => {
    const { tokens, published } = open();
    await call(tokens, first);
    published.keys = [jwkOf(second)];
    pass(30);
    expect(await outcome(tokens, second)).toBe('admitted');
    expect(await outcome(tokens, first)).toBe('invalid_api_key');
  });

  it('are asked for every half minute at most, whatever key ids come', async () => {
    const { tokens } = open();
    await call(tokens, first);
    for (let time = 0; time < 90; time++) {
      pass(1);
      const strangers = Array.from({ length: 5 }, (_, number) =>
        failureOf(tokens.authenticate(tokenOf(first, { kid: `${time}-${number}` }), never)),
      );
      expect((await Promise.all(strangers)).map(({ code }) => code)).toEqual(
        Array(5).fill('invalid_api_key'),
      );
    }
    expect(requests()).toBe(4);
  });

  it('are fetched anew behind the callers when they are ten minutes old', async () => {
    const { tokens, published } = open();
    await call(tokens, first);
    published.keys = [jwkOf(second)];
    pass(599);
    expect(await outcome(tokens, first)).toBe('admitted');
    expect(requests()).toBe(1);
    pass(1);
    expect(await outcome(tokens, first)).toBe('admitted');
    await fixture().idle();
    expect(requests()).toBe(2);
    expect(await outcome(tokens, first)).toBe('invalid_api_key');
  });

  it('are fetched on although the clock was set back', async () => {
    const { tokens, published } = open();
    await call(tokens, first);
    published.keys = [jwkOf(second)];
    pass(-86_400);
    expect(await outcome(tokens, second)).toBe('admitted');
  });

  it('serve for a day while the issuer is down, and no longer', async () => {
    const { tokens } = open();
    await call(tokens, first);
    fixture().server.outage = { status: 503, body: {} };
    for (let hour = 0; hour < 23; hour++) {
      pass(3600);
      expect(await outcome(tokens, first)).toBe('admitted');
      await fixture().idle();
    }
    pass(3600);
    expect(await outcome(tokens, first)).toBe('overloaded');
    fixture().server.outage = undefined;
    pass(30);
    expect(await outcome(tokens, first)).toBe('admitted');
  });

  it('cannot be known to lack one while the issuer is down', async () => {
    const { tokens, published } = open();
    await call(tokens, first);
    fixture().server.outage = { status: 503, body: {} };
    published.keys.push(jwkOf(second));
    pass(30);
    const error = await failureOf(call(tokens, second));
    expect(error).toMatchObject({ code: 'overloaded', status: 503, retryAfterSeconds: 30 });
    pass(10);
    expect(await failureOf(call(tokens, second))).toMatchObject({ retryAfterSeconds: 20 });
    expect(requests()).toBe(2);
    fixture().server.outage = undefined;
    pass(20);
    expect(await outcome(tokens, second)).toBe('admitted');
  });

  it('are asked for after 1, 2, 4 ... 30 seconds where there are none yet', async () => {
    const { tokens } = open();
    fixture().server.outage = { status: 503, body: {} };
    const asked: number[] = [];
    for (let time = 0; time <= 100; time++) {
      const before = requests();
      expect(await outcome(tokens, first)).toBe('overloaded');
      if (requests() > before) asked.push(time);
      pass(1);
    }
    expect(asked).toEqual([0, 1, 3, 7, 15, 31, 61, 91]);
  });

  it('leave a caller that does not wait', async () => {
    const { tokens } = open();
    fixture().server.faults.push('hang');
    const caller = new AbortController();
    const waiting = tokens.authenticate(tokenOf(first), caller.signal);
    caller.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    tokens.close();
  });

  it.each<{ fault: Fault; problem: string }>([
    { fault: 'hang', problem: 'did not answer in time' },
    { fault: 'huge', problem: 'larger than this server accepts' },
    { fault: { status: 404, body: {} }, problem: 'answered 404' },
    { fault: { status: 302, body: {}, headers: { location: '/keys' } }, problem: 'answered 302' },
    { fault: { body: '<html>' }, problem: 'no key' },
    { fault: { body: [] }, problem: 'no key' },
    { fault: { body: { keys: 'k' } }, problem: 'no key' },
    { fault: { body: { keys: [] } }, problem: 'no key' },
    { fault: { body: { keys: [null, 7, 'k', {}] } }, problem: 'no key' },
    { fault: { body: { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'first' }] } }, problem: 'no key' },
    { fault: { body: { keys: [jwkOf(first, { use: 'enc' })] } }, problem: 'no key' },
    { fault: { body: { keys: [jwkOf(first, { d: 'AQAB' })] } }, problem: 'no key' },
    { fault: { body: { keys: Array(101).fill(jwkOf(first)) } }, problem: 'more than 100 keys' },
  ])(
    'that cannot be read make no caller valid, and push out no good ones: $problem',
    async ({ fault, problem }) => {
      const { tokens } = open({ timeoutMs: fault === 'hang' ? 200 : 5000 });
      const state = fixture();
      state.server.faults.push(fault);
      expect(await outcome(tokens, first)).toBe('overloaded');
      expect(state.failures.join()).toContain(problem);
      pass(1);
      expect(await outcome(tokens, first)).toBe('admitted');
      state.server.outage = fault;
      pass(3600);
      expect(await outcome(tokens, first)).toBe('admitted');
      await fixture().idle();
      expect(await outcome(tokens, first)).toBe('admitted');
    },
  );

  it('are used where broken ones stand beside them', async () => {
    const { tokens, published } = open();
    published.keys = [
      null,
      { kty: 'RSA', kid: 7 },
      { kty: 'RSA', n: 'AQ', e: 'AQAB' },
      { kty: 'EC' },
      jwkOf(first),
    ];
    expect(await outcome(tokens, first)).toBe('admitted');
  });

  it.each([
    { what: 'too short', key: { kty: 'RSA', kid: 'first', n: 'AQAB', e: 'AQAB' } },
    { what: 'not whole', key: { kty: 'RSA', kid: 'first' } },
    { what: 'of another kind', key: { kty: 'EC', kid: 'first', crv: 'P-256', x: 'AA', y: 'AA' } },
    { what: 'ambiguous', key: jwkOf(issuerKey('first', 'PS256'), { alg: undefined }) },
  ])('make no token valid when they are $what', async ({ key }) => {
    const { tokens, published } = open();
    published.keys = [key];
    expect(await outcome(tokens, first)).toBe('invalid_api_key');
  });

  it('may do without a name where there is but one', async () => {
    const { tokens, published } = open();
    published.keys = [jwkOf(first, { kid: undefined, use: undefined, alg: undefined })];
    expect(await tokens.authenticate(tokenOf(first, { kid: undefined }), never)).toMatchObject({
      id: 'corp:u',
    });
  });
});

describe('discovery', () => {
  it.each<{ what: string; document: (origin: string) => unknown }>([
    {
      what: 'another issuer',
      document: (origin) => ({ issuer: 'https://x.example', jwks_uri: `${origin}/keys` }),
    },
    {
      what: 'an issuer with a slash more',
      document: (origin) => ({ issuer: `${origin}/`, jwks_uri: `${origin}/keys` }),
    },
    { what: 'no keys', document: (origin) => ({ issuer: origin }) },
    { what: 'keys in a file', document: (origin) => ({ issuer: origin, jwks_uri: 'file:///etc/passwd' }) },
    {
      what: 'keys over http',
      document: (origin) => ({ issuer: origin, jwks_uri: 'http://corp.example/keys' }),
    },
    { what: 'keys nowhere', document: (origin) => ({ issuer: origin, jwks_uri: 'keys' }) },
    { what: 'nothing', document: () => '<html>' },
  ])('that names $what finds no keys', async ({ document }) => {
    const { tokens } = open({ discovery: true });
    const { server, failures } = fixture();
    server.faults.push({ body: document(server.origin) });
    expect(await outcome(tokens, first)).toBe('overloaded');
    expect(requests()).toBe(1);
    expect(failures).toHaveLength(1);
  });

  it('follows an issuer whose keys move', async () => {
    const { tokens } = open({ discovery: true });
    await call(tokens, first);
    const { server } = fixture();
    const { answer } = server;
    server.answer = (request) => {
      if (request.url === '/keys') return { status: 404, body: {} };
      if (request.url === '/new-keys') return { body: { keys: [jwkOf(second)] } };
      const right = answer(request);
      return { body: { ...(right.body as object), jwks_uri: `${server.origin}/new-keys` } };
    };
    pass(30);
    expect(await outcome(tokens, second)).toBe('admitted');
  });
});
