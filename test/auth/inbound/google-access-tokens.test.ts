import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GoogleAccessTokens,
  type GoogleAccessTokensOptions,
} from '../../../src/auth/inbound/google-access-tokens.ts';
import {
  type Fault,
  failureOf,
  identityFixture,
  type IdentityRequest,
  never,
  type Reply,
  START,
} from './identity-server.ts';

const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform';
const TOKEN = 'ya29.a0AfH6SM-person';
const EMAIL = 'Ann@Example.com';

const fixture = identityFixture();

/** What Google knows: by token, what tokeninfo and userinfo say. */
interface KnownToken {
  readonly info?: object;
  readonly profile?: object | undefined;
}

const ANN: KnownToken = {
  info: { sub: '1001', email: EMAIL, email_verified: 'true' },
  profile: { sub: '1001', email: EMAIL, email_verified: true, hd: 'example.com' },
};

/** Lets the server know tokens, and opens an authenticator that asks it. */
function open(known: Readonly<Record<string, KnownToken>>, options: Partial<GoogleAccessTokensOptions> = {}) {
  const { server, dispatcher, now, onFailure } = fixture();
  server.answer = (request) => answer(request, known[request.bearer ?? '']);
  return new GoogleAccessTokens({
    dispatcher,
    now,
    onFailure,
    rules: { domains: ['example.com'] },
    tokeninfoUrl: new URL(`${server.origin}/tokeninfo`),
    userinfoUrl: new URL(`${server.origin}/userinfo`),
    timeoutMs: 10_000,
    ...options,
  });
}

function answer({ method, url }: IdentityRequest, token: KnownToken | undefined): Reply {
  if (url === '/userinfo' && method === 'GET') {
    const profile = token?.profile;
    return profile === undefined ? { status: 403, body: { error: 'insufficient_scope' } } : { body: profile };
  }
  if (url !== '/tokeninfo' || method !== 'POST') return { status: 404, body: 'not found' };
  if (token === undefined) {
    return { status: 400, body: { error: 'invalid_token', error_description: 'Invalid Value' } };
  }
  const client = '32555940559.apps.googleusercontent.com';
  return {
    body: {
      azp: client,
      aud: client,
      scope: `openid ${CLOUD_PLATFORM}`,
      exp: String(START / 1000 + 3600),
      expires_in: '3600',
      access_type: 'online',
      ...token.info,
    },
  };
}

const questions = (): number => fixture().server.requests.filter(({ url }) => url === '/tokeninfo').length;

describe('GoogleAccessTokens', () => {
  it('tells whose token it is', async () => {
    const tokens = open({ [TOKEN]: ANN }, { policy: { models: ['google/*'] } });
    expect(await tokens.authenticate(TOKEN, never)).toEqual({
      kind: 'google',
      id: 'ann@example.com',
      tenant: 'google:ann@example.com',
      policy: { models: ['google/*'] },
      accessToken: TOKEN,
    });
  });

  it('asks with the token in a header, never in a URL', async () => {
    await open({ [TOKEN]: ANN }).authenticate(TOKEN, never);
    const { requests } = fixture().server;
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /tokeninfo',
      'GET /userinfo',
    ]);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${TOKEN}`,
      `Bearer ${TOKEN}`,
    ]);
  });

  it.each([
    { credential: 'sk-proj-1234567890', why: 'a key of OpenAI' },
    { credential: 'AIzaSyA-1234567890', why: 'an API key' },
    { credential: 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln', why: 'a JWT' },
    { credential: '', why: 'nothing' },
    { credential: 'YA29.abc', why: 'another prefix' },
  ])('leaves $why to others and does not show it to Google', async ({ credential }) => {
    const tokens = open({});
    expect(await tokens.authenticate(credential, never)).toBeUndefined();
    expect(questions()).toBe(0);
  });

  describe('that asks about any prefix', () => {
    const options = { tokenPrefixes: [''] };

    it('knows what Google knows and leaves the rest to others', async () => {
      const tokens = open({ opaque: ANN }, options);
      expect(await tokens.authenticate('opaque', never)).toMatchObject({ id: 'ann@example.com' });
      expect(await tokens.authenticate('unknown', never)).toBeUndefined();
      expect(questions()).toBe(2);
    });

    it.each([
      'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln',
      'with space',
      'line\r\nbreak',
      'ü',
      'x'.repeat(16_385),
    ])('does not ask about %j', async (credential) => {
      expect(await open({}, options).authenticate(credential, never)).toBeUndefined();
      expect(questions()).toBe(0);
    });
  });

  it.each([
    { token: 'ya29.unknown', asked: 1 },
    { token: 'ya29.', asked: 1 },
    { token: 'ya29.with space', asked: 0 },
    { token: 'ya29.x\r\nhost: evil', asked: 0 },
    { token: 'ya29.ü', asked: 0 },
    { token: `ya29.${'x'.repeat(16_384)}`, asked: 0 },
  ])('refuses $token with 401, without quoting it', async ({ token, asked }) => {
    const error = await failureOf(open({ [TOKEN]: ANN }).authenticate(token, never));
    expect(error).toMatchObject({ code: 'invalid_api_key', status: 401 });
    expect(error.message).not.toContain(token.slice(5, 20) || 'no text');
    expect(questions()).toBe(asked);
  });

  it.each([
    { expires_in: '0' },
    { expires_in: '-5' },
    { expires_in: undefined, exp: String(START / 1000 - 1) },
    { error: 'invalid_token' },
  ])('refuses a token that Google describes with %j', async (info) => {
    const error = await failureOf(
      open({ [TOKEN]: { ...ANN, info: { ...ANN.info, ...info } } }).authenticate(TOKEN, never),
    );
    expect(error.code).toBe('invalid_api_key');
  });

  it('takes the absolute end of a token where there is no relative one', async () => {
    const info = { ...ANN.info, expires_in: undefined, exp: START / 1000 + 60 };
    const tokens = open({ [TOKEN]: { ...ANN, info } });
    await tokens.authenticate(TOKEN, never);
    fixture().time += 60_000;
    expect((await failureOf(tokens.authenticate(TOKEN, never))).code).toBe('invalid_api_key');
  });
});

const SERVICE = 'robot@my-project.iam.gserviceaccount.com';
const ROBOT: KnownToken = {
  info: { azp: '1122334455', aud: '1122334455', email: SERVICE, email_verified: true },
};
/** What a token shows that was asked for with the scope cloud-platform alone. */
const SILENT_ROBOT: KnownToken = { info: { azp: '1122334455', aud: '1122334455' } };
const SILENT_PERSON: KnownToken = { info: { sub: undefined } };
/** A private account with the address of an employer. */
const PRIVATE: KnownToken = { ...ANN, profile: { ...ANN.profile, hd: undefined } };
const GMAIL: KnownToken = { info: { email: 'bob@gmail.com', email_verified: 'true' } };

describe('who may call', () => {
  it.each<{ what: string; token: KnownToken; options: Partial<GoogleAccessTokensOptions>; id: string }>([
    { what: 'domain', token: ANN, options: { rules: { domains: ['Example.COM'] } }, id: 'ann@example.com' },
    {
      what: 'domain of Google',
      token: GMAIL,
      options: { rules: { domains: ['gmail.com'] } },
      id: 'bob@gmail.com',
    },
    {
      what: 'e-mail',
      token: ANN,
      options: { rules: { emails: ['ANN@example.com'] } },
      id: 'ann@example.com',
    },
    { what: 'service account', token: ROBOT, options: { rules: { emails: [SERVICE] } }, id: SERVICE },
    {
      what: 'unique id',
      token: SILENT_ROBOT,
      options: { rules: { subjects: ['1122334455'] } },
      id: '1122334455',
    },
    { what: 'sub', token: ANN, options: { rules: { subjects: ['1001'] } }, id: 'ann@example.com' },
    { what: 'project', token: ROBOT, options: { rules: { projects: ['my-project'] } }, id: SERVICE },
    {
      what: 'project of a domain',
      token: { info: { email: 'r@proj.example.com.iam.gserviceaccount.com', email_verified: true } },
      options: { rules: { projects: ['example.com:proj'] } },
      id: 'r@proj.example.com.iam.gserviceaccount.com',
    },
    {
      what: 'project number',
      token: { info: { email: '123-compute@developer.gserviceaccount.com', email_verified: true } },
      options: { rules: { projects: ['123'] } },
      id: '123-compute@developer.gserviceaccount.com',
    },
    {
      what: 'audience',
      token: { ...ANN, info: { ...ANN.info, azp: 'mine' } },
      options: { rules: { everyone: true }, audiences: ['mine'] },
      id: 'ann@example.com',
    },
    {
      what: 'other scope',
      token: {
        ...ANN,
        info: { ...ANN.info, scope: 'a https://www.googleapis.com/auth/generative-language b' },
      },
      options: {},
      id: 'ann@example.com',
    },
  ])('admits by $what', async ({ token, options, id }) => {
    expect(await open({ [TOKEN]: token }, options).authenticate(TOKEN, never)).toMatchObject({ id });
  });

  it.each<{ what: string; token: KnownToken; options?: Partial<GoogleAccessTokensOptions>; message: RegExp }>(
    [
      { what: 'no scope', token: { info: { scope: undefined } }, message: /none of the scopes/ },
      {
        what: 'a scope that only begins right',
        token: { info: { scope: `${CLOUD_PLATFORM}.read-only` } },
        message: /none of the scopes/,
      },
      { what: 'another client', token: ANN, options: { audiences: ['mine'] }, message: /"audiences"/ },
      {
        what: 'another domain',
        token: ANN,
        options: { rules: { domains: ['other.org'] } },
        message: /example\.com.*"domains"/,
      },
      { what: 'a subdomain', token: ANN, options: { rules: { domains: ['com'] } }, message: /"domains"/ },
      { what: 'a private account with a business address', token: PRIVATE, message: /no domain.*"domains"/ },
      {
        what: 'a userinfo of another account',
        token: { ...ANN, profile: { ...ANN.profile, email: 'eve@example.com' } },
        message: /"domains"/,
      },
      { what: 'no userinfo', token: { ...ANN, profile: undefined }, message: /"domains"/ },
      {
        what: 'an address nobody verified',
        token: { ...ANN, info: { ...ANN.info, email_verified: 'false' } },
        options: { rules: { emails: [EMAIL], domains: ['example.com'] } },
        message: /no verified e-mail/,
      },
      {
        what: 'an address that is written in other letters',
        token: { ...ANN, info: { ...ANN.info, email: 'ann@\u212Aexample.com' } },
        options: { rules: { emails: ['ann@kexample.com'] } },
        message: /no verified e-mail/,
      },
      {
        what: 'another address',
        token: GMAIL,
        options: { rules: { emails: [EMAIL] } },
        message: /bob@gmail\.com.*"emails"/,
      },
      {
        what: 'another project',
        token: ROBOT,
        options: { rules: { projects: ['other'] } },
        message: /my-project.*"projects"/,
      },
      {
        what: 'a person of a project',
        token: ANN,
        options: { rules: { projects: ['32555940559'] } },
        message: /"projects"/,
      },
      {
        what: 'no address',
        token: SILENT_ROBOT,
        options: { rules: { emails: [SERVICE] } },
        message: /1122334455.*no verified e-mail/,
      },
      {
        what: 'no name at all',
        token: SILENT_PERSON,
        options: { rules: { everyone: true } },
        message: /userinfo\.email/,
      },
      {
        what: 'a client id for a subject',
        token: SILENT_PERSON,
        options: { rules: { subjects: ['32555940559.apps.googleusercontent.com'] } },
        message: /subject/,
      },
    ],
  )('refuses with 403: $what', async ({ token, options, message }) => {
    const error = await failureOf(open({ [TOKEN]: token }, options).authenticate(TOKEN, never));
    expect(error).toMatchObject({ code: 'permission_denied', status: 403 });
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain(TOKEN);
    expect(error.message).not.toContain('other');
  });

  it('remembers what a refused token is, and so does not ask again', async () => {
    const tokens = open({ [TOKEN]: ANN }, { rules: { domains: ['other.org'] } });
    for (let call = 0; call < 5; call++) await failureOf(tokens.authenticate(TOKEN, never));
    expect(fixture().server.requests).toHaveLength(2);
  });

  it('asks for the organisation only where it matters', async () => {
    const tokens = open(
      { [TOKEN]: ANN, 'ya29.bob': GMAIL },
      { rules: { domains: ['x.org'], emails: [EMAIL] } },
    );
    await tokens.authenticate(TOKEN, never);
    await failureOf(tokens.authenticate('ya29.bob', never));
    expect(fixture().server.requests.map(({ url }) => url)).toEqual(['/tokeninfo', '/tokeninfo']);
  });

  it.each([{}, { domains: [] }, { everyone: false, emails: [], subjects: [], projects: [] }])(
    'takes no rules that name nobody: %j',
    (rules) => {
      expect(() => open({}, { rules })).toThrow(RangeError);
    },
  );

  it.each(['http://tokens.example.com/tokeninfo', 'http://127.0.0.1.example.com/', 'ftp://127.0.0.1/'])(
    'does not send tokens to %s',
    (url) => {
      expect(() => open({}, { tokeninfoUrl: new URL(url) })).toThrow('must be an https URL');
      expect(() => open({}, { userinfoUrl: new URL(url) })).toThrow('must be an https URL');
    },
  );
});

/** A token that is in its 100 first and 100 last characters like all others. */
const similar = (number: number): string =>
  `ya29.${'a'.repeat(95)}${String(number).padStart(4, '0')}${'z'.repeat(100)}`;

/** The server answers nothing until the returned function is called. */
function holdAnswers(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  fixture().server.gate = promise;
  return resolve;
}

describe('many tokens', () => {
  it('never crosses a thousand tokens with equal beginnings and ends', async () => {
    const numbers = Array.from({ length: 1000 }, (_, number) => number);
    // The odd ones are not valid.
    const known = Object.fromEntries(
      numbers
        .filter((number) => number % 2 === 0)
        .map((number) => [
          similar(number),
          { info: { email: `u${number}@gmail.com`, email_verified: true } },
        ]),
    );
    const tokens = open(known, { rules: { domains: ['gmail.com'] } });
    const ask = async (number: number): Promise<string> => {
      const principal = await tokens.authenticate(similar(number), never).catch(() => undefined);
      return principal?.id ?? 'refused';
    };
    const right = numbers.map((number) => (number % 2 === 0 ? `u${number}@gmail.com` : 'refused'));
    const shuffled = numbers.toSorted((a, b) => ((a * 7919) % 1000) - ((b * 7919) % 1000));
    for (let round = 0; round < 2; round++) {
      const answers = new Map<number, string>();
      for (let start = 0; start < 1000; start += 100) {
        const part = shuffled.slice(start, start + 100);
        for (const [index, id] of (await Promise.all(part.map(ask))).entries())
          answers.set(part[index] ?? -1, id);
      }
      expect(numbers.map((number) => answers.get(number))).toEqual(right);
    }
    expect(questions()).toBe(1000);
  });

  it('asks once for a hundred callers with one token', async () => {
    const tokens = open({ [TOKEN]: ANN });
    const release = holdAnswers();
    const callers = Array.from({ length: 100 }, () => tokens.authenticate(TOKEN, never));
    release();
    expect(new Set((await Promise.all(callers)).map((principal) => principal?.id))).toEqual(
      new Set(['ann@example.com']),
    );
    expect(questions()).toBe(1);
  });

  it('lets one caller go without disturbing the others', async () => {
    const tokens = open({ [TOKEN]: ANN });
    const release = holdAnswers();
    const impatient = new AbortController();
    const gone = tokens.authenticate(TOKEN, impatient.signal);
    const patient = tokens.authenticate(TOKEN, never);
    impatient.abort(new Error('left'));
    await expect(gone).rejects.toThrow('left');
    await expect(tokens.authenticate(TOKEN, impatient.signal)).rejects.toThrow('left');
    release();
    expect(await patient).toMatchObject({ id: 'ann@example.com' });
    expect(questions()).toBe(1);
  });

  it('keeps a bounded number, and the right ones through a flood of wrong ones', async () => {
    const tokens = open({ [TOKEN]: ANN }, { maxTokens: 20 });
    await tokens.authenticate(TOKEN, never);
    for (let number = 0; number < 60; number++) await failureOf(tokens.authenticate(similar(number), never));
    expect(tokens.size).toBe(21);
    await tokens.authenticate(TOKEN, never);
    expect(questions()).toBe(61);
  });

  it('forgets the token that was used longest ago', async () => {
    const names = ['a', 'b', 'c'].map((name) => `ya29.${name}`);
    const tokens = open(Object.fromEntries(names.map((name) => [name, GMAIL])), {
      maxTokens: 2,
      rules: { domains: ['gmail.com'] },
    });
    const [a = '', b = '', c = ''] = names;
    for (const name of [a, b, a, c, a]) await tokens.authenticate(name, never);
    expect(questions()).toBe(3);
    await tokens.authenticate(b, never);
    expect(questions()).toBe(4);
  });

  it('has a bounded number of questions under way', async () => {
    const tokens = open({});
    fixture().server.outage = 'hang';
    const callers = Array.from({ length: 250 }, (_, number) =>
      failureOf(tokens.authenticate(similar(number), never)),
    );
    const early = await Promise.all(callers.slice(200));
    expect(new Set(early.map(({ code }) => code))).toEqual(new Set(['overloaded']));
    tokens.close();
    await Promise.allSettled(callers);
    expect(questions()).toBeLessThanOrEqual(200);
  });

  it('takes no other token for a known one', async () => {
    const tokens = open({ [TOKEN]: ANN });
    await tokens.authenticate(TOKEN, never);
    await fc.assert(
      fc.asyncProperty(fc.nat(TOKEN.length - 1), fc.string({ maxLength: 3 }), async (at, text) => {
        const mutated = TOKEN.slice(0, at) + text + TOKEN.slice(at + 1);
        const principal = await tokens.authenticate(mutated, never).catch(() => undefined);
        expect(principal !== undefined).toBe(mutated === TOKEN);
      }),
      { numRuns: 100 },
    );
  });
});

/** What a call is told after some time: the caller's id, or the code of the error. */
async function after(tokens: GoogleAccessTokens, seconds: number): Promise<string> {
  fixture().time += seconds * 1000;
  const answered = await tokens.authenticate(TOKEN, never).then(
    (principal) => principal?.id ?? 'nobody',
    (error: unknown) => (error as { code: string }).code,
  );
  await fixture().idle();
  return answered;
}

describe('the life of an answer', () => {
  it('is four minutes without a question, and one more while the question is asked behind it', async () => {
    const tokens = open({ [TOKEN]: GMAIL }, { rules: { domains: ['gmail.com'] } });
    expect([await after(tokens, 0), questions()]).toEqual(['bob@gmail.com', 1]);
    expect([await after(tokens, 239), questions()]).toEqual(['bob@gmail.com', 1]);
    expect([await after(tokens, 1), questions()]).toEqual(['bob@gmail.com', 2]);
    expect([await after(tokens, 239), questions()]).toEqual(['bob@gmail.com', 2]);
    expect([await after(tokens, 61), questions()]).toEqual(['bob@gmail.com', 3]);
  });

  it('lets a withdrawn token serve for five minutes at most', async () => {
    const known: Record<string, KnownToken> = { [TOKEN]: ANN };
    const tokens = open(known);
    expect(await after(tokens, 0)).toBe('ann@example.com');
    delete known[TOKEN];
    expect(await after(tokens, 299)).toBe('ann@example.com');
    expect(await after(tokens, 0)).toBe('invalid_api_key');
    expect(await after(tokens, 1)).toBe('invalid_api_key');
  });

  it('asks before it answers once five minutes have passed', async () => {
    const known: Record<string, KnownToken> = { [TOKEN]: ANN };
    const tokens = open(known);
    await after(tokens, 0);
    delete known[TOKEN];
    expect(await after(tokens, 300)).toBe('invalid_api_key');
  });

  it('is never longer than that of the token', async () => {
    const tokens = open({ [TOKEN]: { ...ANN, info: { ...ANN.info, expires_in: '100' } } });
    expect(await after(tokens, 99)).toBe('ann@example.com');
    const short = await after(tokens, 0);
    expect(short).toBe('ann@example.com');
    expect(await after(tokens, 100)).toBe('invalid_api_key');
  });

  it('is known to be over by all who come after the first, without a question', async () => {
    const tokens = open({ [TOKEN]: ANN });
    await after(tokens, 0);
    const asked = questions();
    fixture().server.outage = { status: 500, body: {} };
    expect([await after(tokens, 3600), await after(tokens, 29)]).toEqual([
      'invalid_api_key',
      'invalid_api_key',
    ]);
    expect(questions()).toBe(asked);
  });

  it('is half a minute for a token that is not valid', async () => {
    const known: Record<string, KnownToken> = {};
    const tokens = open(known);
    expect([await after(tokens, 0), await after(tokens, 29)]).toEqual(['invalid_api_key', 'invalid_api_key']);
    expect(questions()).toBe(1);
    known[TOKEN] = ANN;
    expect(await after(tokens, 1)).toBe('ann@example.com');
  });
});

describe('when Google does not answer', () => {
  const garbage: { readonly fault: Fault; readonly problem: string }[] = [
    { fault: 'hang', problem: 'did not answer in time' },
    { fault: 'cut', problem: 'the connection broke' },
    { fault: 'huge', problem: 'larger than this server accepts' },
    { fault: { status: 500, body: {} }, problem: 'answered 500' },
    { fault: { status: 429, body: { error: 'quota' } }, problem: 'answered 429' },
    { fault: { status: 403, body: { error: 'no' } }, problem: 'answered 403' },
    { fault: { status: 400, body: '<html>' }, problem: 'answered 400' },
    {
      fault: { status: 302, body: {}, headers: { location: 'http://127.0.0.1:1/' } },
      problem: 'answered 302',
    },
    { fault: { body: '<html>sign in to the Wi-Fi</html>' }, problem: 'something else than facts' },
    { fault: { body: '[]' }, problem: 'something else than facts' },
    { fault: { body: {} }, problem: 'until when' },
    { fault: { body: { expires_in: 'soon' } }, problem: 'until when' },
  ];

  it.each(garbage)('answers 503 to an unknown token: $problem', async ({ fault, problem }) => {
    const tokens = open({ [TOKEN]: ANN }, { timeoutMs: fault === 'hang' ? 200 : 5000 });
    const { server, failures } = fixture();
    server.outage = fault;
    const error = await failureOf(tokens.authenticate(TOKEN, never));
    expect(error).toMatchObject({ code: 'overloaded', status: 503, retryAfterSeconds: 5 });
    expect(`${error.message} ${failures.join()}`).not.toContain(TOKEN);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain(problem);
  });

  it.each(garbage)('keeps a known token good until it expires: $problem', async ({ fault }) => {
    const tokens = open({ [TOKEN]: ANN }, { timeoutMs: fault === 'hang' ? 200 : 5000 });
    const state = fixture();
    await tokens.authenticate(TOKEN, never);
    state.server.outage = fault;
    for (const seconds of [250, 600, 1800, 3599]) {
      state.time = START + seconds * 1000;
      expect(await tokens.authenticate(TOKEN, never)).toMatchObject({ id: 'ann@example.com' });
    }
    state.time = START + 3_600_000;
    expect((await failureOf(tokens.authenticate(TOKEN, never))).code).toBe('invalid_api_key');
  });

  it('repeats a question whose connection broke, once', async () => {
    const tokens = open({ [TOKEN]: ANN });
    fixture().server.faults.push('cut');
    expect(await tokens.authenticate(TOKEN, never)).toMatchObject({ id: 'ann@example.com' });
    expect(fixture().failures).toEqual([]);
  });

  it('makes callers with a known token wait for one failure at most every half minute', async () => {
    const tokens = open({ [TOKEN]: ANN });
    const state = fixture();
    await tokens.authenticate(TOKEN, never);
    state.server.outage = { status: 500, body: {} };
    state.time += 400_000;
    for (let call = 0; call < 50; call++) await tokens.authenticate(TOKEN, never);
    expect(questions()).toBe(2);
    state.time += 30_000;
    await tokens.authenticate(TOKEN, never);
    expect(questions()).toBe(3);
  });

  it('asks nothing after three failures, tries once after five seconds, and recovers', async () => {
    const tokens = open({ [TOKEN]: ANN });
    const state = fixture();
    state.server.outage = { status: 500, body: {} };
    for (let call = 0; call < 10; call++) {
      expect((await failureOf(tokens.authenticate(similar(call), never))).code).toBe('overloaded');
    }
    expect(questions()).toBe(3);
    state.time += 5000;
    for (let call = 0; call < 10; call++) await failureOf(tokens.authenticate(TOKEN, never));
    expect(questions()).toBe(4);
    state.server.outage = undefined;
    state.time += 5000;
    expect((await failureOf(tokens.authenticate(TOKEN, never))).code).toBe('overloaded');
    state.time += 5000;
    expect(await tokens.authenticate(TOKEN, never)).toMatchObject({ id: 'ann@example.com' });
    expect(questions()).toBe(5);
  });

  it('asks nothing at all once nobody listens, and still knows its tokens', async () => {
    const tokens = open({ [TOKEN]: ANN });
    const state = fixture();
    await tokens.authenticate(TOKEN, never);
    await state.server.close();
    expect((await failureOf(tokens.authenticate('ya29.other', never))).code).toBe('overloaded');
    expect((await failureOf(tokens.authenticate('ya29.third', never))).code).toBe('overloaded');
    expect(state.failures).toHaveLength(1);
    state.time += 1_000_000;
    expect(await tokens.authenticate(TOKEN, never)).toMatchObject({ id: 'ann@example.com' });
  });

  it('answers 503 where userinfo fails, since the domain is not known', async () => {
    const tokens = open({ [TOKEN]: ANN });
    const { server } = fixture();
    const { answer: right } = server;
    server.answer = (request) => (request.url === '/userinfo' ? { status: 500, body: {} } : right(request));
    expect((await failureOf(tokens.authenticate(TOKEN, never))).code).toBe('overloaded');
  });
});
