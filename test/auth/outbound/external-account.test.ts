import { describe, expect, it } from 'vitest';
import {
  type CredentialFixture,
  credentialFixture,
  failureOf,
  never,
  START,
  tokenOf,
} from './credential-fixture.ts';
import { SUBJECT_TOKEN } from './token-server.ts';

const fixture = credentialFixture();

const AUDIENCE =
  '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform';
const IMPERSONATION = '/v1/projects/-/serviceAccounts/target@p.iam.gserviceaccount.com:generateAccessToken';

/** A configuration whose subject token lies in a file. */
function externalFile({ server, write }: CredentialFixture): Record<string, unknown> {
  return {
    type: 'external_account',
    audience: AUDIENCE,
    subject_token_type: JWT_TYPE,
    token_url: `${server.origin}/sts`,
    credential_source: { file: write('token', SUBJECT_TOKEN) },
  };
}

describe('workload identity federation', () => {
  it('exchanges the token of the platform at the token_url of the file', async () => {
    const all = fixture();
    expect(await tokenOf(all.openFile(externalFile(all)))).toBe('ya29.1');
    const [request] = all.server.requests;
    expect(request).toMatchObject({ method: 'POST', url: '/sts' });
    expect(request?.headers.authorization).toBeUndefined();
    expect(request?.form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: AUDIENCE,
      scope: CLOUD_PLATFORM,
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token: SUBJECT_TOKEN,
      subject_token_type: JWT_TYPE,
    });
  });

  it("asks Google's own endpoint when the file names none", async () => {
    const all = fixture();
    const { token_url: _, ...file } = externalFile(all);
    const failure = await failureOf(all.openFile(file).headers(never));
    expect(all.secureOrigins).toEqual(['https://sts.googleapis.com']);
    expect(failure.message).toContain('https://sts.googleapis.com/v1/token answered 403. Check the workload');
  });

  it('impersonates the service account of the file, for as long as it says', async () => {
    const all = fixture();
    const source = all.openFile(
      {
        ...externalFile(all),
        service_account_impersonation_url: `${all.server.origin}${IMPERSONATION}`,
        service_account_impersonation: { token_lifetime_seconds: 1800 },
      },
      { scopes: ['https://a/one'] },
    );
    expect(await tokenOf(source)).toBe('ya29.2.impersonated');
    const [exchanged, impersonated] = all.server.requests;
    expect(exchanged?.form['scope']).toBe(CLOUD_PLATFORM);
    expect(JSON.parse(impersonated?.body ?? '')).toEqual({
      delegates: [],
      scope: ['https://a/one'],
      lifetime: '1800s',
    });
  });

  it.each([
    {
      change: { workforce_pool_user_project: 'payer' },
      authorization: undefined,
      options: JSON.stringify({ userProject: 'payer' }),
    },
    {
      change: { workforce_pool_user_project: 'payer', client_id: 'me:1', client_secret: 's3cret' },
      authorization: `Basic ${Buffer.from('me%3A1:s3cret').toString('base64')}`,
      options: undefined,
    },
  ])('bills the client or the workforce project: $change', async ({ change, authorization, options }) => {
    const all = fixture();
    await tokenOf(all.openFile({ ...externalFile(all), ...change }));
    expect(all.server.requests[0]?.headers.authorization).toBe(authorization);
    expect(all.server.requests[0]?.form['options']).toBe(options);
  });

  it('keeps the subject token out of messages', async () => {
    const all = fixture();
    all.server.faults.push({
      status: 400,
      body: { error: 'invalid_grant', error_description: `${SUBJECT_TOKEN} has expired` },
    });
    const { message } = await failureOf(all.openFile(externalFile(all)).headers(never));
    expect(message).toContain(
      'answered 400 invalid_grant: [secret] has expired. Check the workload identity',
    );
  });

  it.each([
    {
      what: 'the credentials of its client',
      change: { client_id: 'me', client_secret: 'opaque-secret-of-mine' },
      said: `no client ${Buffer.from('me:opaque-secret-of-mine').toString('base64')}`,
      shown: 'no client [authorization]',
    },
    {
      what: 'the query of its URL',
      change: { credential_source: undefined },
      query: '?key=opaque-key-of-mine',
      said: 'GET /token?key=opaque-key-of-mine is too much',
      shown: 'GET /token[query] is too much',
    },
    {
      what: 'a header of its own',
      change: { credential_source: undefined },
      headers: { authorization: 'Bearer opaque-token-of-mine' },
      said: 'opaque-token-of-mine is not known',
      shown: '[authorization] is not known',
    },
    {
      what: 'the query of its URL, as it is written,',
      change: { credential_source: undefined },
      query: '?key=opaque%2fkey+opaque%2Fmine',
      said: 'opaque%2fkey+opaque%2Fmine, opaque/key opaque/mine, opaque%2Fkey%20opaque%2Fmine',
      shown: '[query], [query], [query]',
    },
  ])('keeps $what out of messages', async ({ change, query = '', headers = {}, said, shown }) => {
    const all = fixture();
    all.server.faults.push({ status: 400, body: { error: 'invalid_request', error_description: said } });
    const { credential_source: source, ...file } = { ...externalFile(all), ...change } as Record<
      string,
      unknown
    >;
    const place = source ?? { url: `${all.server.origin}/subject${query}`, headers };
    const { message } = await failureOf(all.openFile({ ...file, credential_source: place }).headers(never));
    expect(message).toContain(`answered 400 invalid_request: ${shown}. Check`);
    expect(message).not.toContain('opaque');
  });

  it.each([
    { change: { audience: undefined }, problem: '"audience" is missing' },
    { change: { subject_token_type: undefined }, problem: '"subject_token_type" is missing' },
    { change: { credential_source: undefined }, problem: '"credential_source" is missing' },
    {
      change: { credential_source: { certificate: {} } },
      problem:
        '"credential_source" holds none of the sources this server knows: file, url, executable and AWS',
    },
    {
      change: { credential_source: { file: '/x', format: { type: 'xml' } } },
      problem: '"credential_source.format.type" is neither "text" nor "json"',
    },
    {
      change: { credential_source: { file: '/x', format: { type: 'json' } } },
      problem: '"credential_source.format.subject_token_field_name" is missing',
    },
    {
      change: { credential_source: { url: 'http://127.0.0.1:1/', headers: { a: 1 } } },
      problem: '"credential_source.headers" is not an object of strings',
    },
    {
      change: {
        service_account_impersonation_url: 'https://x/',
        service_account_impersonation: { token_lifetime_seconds: 5 },
      },
      problem:
        '"service_account_impersonation.token_lifetime_seconds" is not a whole number from 600 to 43200',
    },
  ])('refuses a file where $problem', async ({ change, problem }) => {
    const all = fixture();
    const { message } = await failureOf(all.openFile({ ...externalFile(all), ...change }).headers(never));
    expect(message).toContain(problem);
    expect(all.server.requests).toHaveLength(0);
  });
});

describe('a subject token', () => {
  it.each([
    { name: 'a bare file', content: `${SUBJECT_TOKEN}\n`, format: undefined },
    { name: 'a text file', content: SUBJECT_TOKEN, format: { type: 'text' } },
    {
      name: 'a JSON file',
      content: JSON.stringify({ id: SUBJECT_TOKEN }),
      format: { type: 'json', subject_token_field_name: 'id' },
    },
  ])('is read from $name', async ({ content, format }) => {
    const all = fixture();
    const source = { file: all.write('other-token', content), ...(format !== undefined && { format }) };
    expect(await tokenOf(all.openFile({ ...externalFile(all), credential_source: source }))).toBe('ya29.1');
  });

  it('is read anew each time, because it rotates', async () => {
    const all = fixture();
    const source = all.openFile(externalFile(all));
    all.write('token', 'expired');
    expect((await failureOf(source.headers(never))).message).toContain('The subject token is not accepted');
    all.write('token', SUBJECT_TOKEN);
    all.now = START + 1000;
    expect(await tokenOf(source)).toBe('ya29.2');
  });

  it.each([
    { content: undefined, problem: 'cannot be read (ENOENT). Check that it is mounted' },
    { content: ' \n', problem: 'holds no token. Check "credential_source"' },
    {
      content: 'no json',
      format: { type: 'json', subject_token_field_name: 'id' },
      problem: 'holds no token',
    },
    {
      content: '{"id":7}',
      format: { type: 'json', subject_token_field_name: 'id' },
      problem: 'holds no token',
    },
  ])('is missed in a file with $content', async ({ content, format, problem }) => {
    const all = fixture();
    const path = content === undefined ? '/missing/token' : all.write('other-token', content);
    const source = { file: path, ...(format !== undefined && { format }) };
    const failure = await failureOf(
      all.openFile({ ...externalFile(all), credential_source: source }).headers(never),
    );
    expect(failure.message).toContain(`${path} ${problem}`);
  });

  it('is fetched from a URL with the headers of the file', async () => {
    const all = fixture();
    all.server.faults.push({ status: 200, body: { value: SUBJECT_TOKEN } });
    const source = {
      url: `${all.server.origin}/identity?api-version=1`,
      headers: { 'x-identity': 'me' },
      format: { type: 'json', subject_token_field_name: 'value' },
    };
    expect(await tokenOf(all.openFile({ ...externalFile(all), credential_source: source }))).toBe('ya29.2');
    expect(all.server.requests[0]).toMatchObject({ method: 'GET', url: '/identity?api-version=1' });
    expect(all.server.requests[0]?.headers['x-identity']).toBe('me');
  });

  it('is missed where the URL refuses it', async () => {
    const all = fixture();
    const source = { url: `${all.server.origin}/identity?secret=hunter2`, headers: {} };
    const { message } = await failureOf(
      all.openFile({ ...externalFile(all), credential_source: source }).headers(never),
    );
    expect(message).toContain(`${all.server.origin}/identity answered 403. Check "credential_source"`);
    expect(message).not.toContain('hunter2');
  });
});
