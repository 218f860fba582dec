import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { listen } from '../../../scripts/listen.ts';
import { signAwsRequest } from '../../../src/auth/outbound/aws-subject-token.ts';
import { type CredentialFixture, credentialFixture, failureOf, never, START } from './credential-fixture.ts';

const fixture = credentialFixture();

/** Of AWS's published test suite for Signature Version 4. */
const SUITE = {
  keys: { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
  region: 'us-east-1',
  service: 'service',
  now: Date.UTC(2015, 7, 30, 12, 36),
};

describe('signAwsRequest', () => {
  it.each([
    {
      name: 'get-vanilla',
      method: 'GET',
      path: '/',
      signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    },
    {
      name: 'get-vanilla-query-order-key-case',
      method: 'GET',
      path: '/?Param2=value2&Param1=value1',
      signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    },
    {
      name: 'post-vanilla',
      method: 'POST',
      path: '/',
      signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    },
  ])('signs $name as AWS does', ({ method, path, signature }) => {
    const url = new URL(path, 'https://example.amazonaws.com');
    expect(signAwsRequest({ method, url, headers: {} }, SUITE)).toEqual({
      host: 'example.amazonaws.com',
      'x-amz-date': '20150830T123600Z',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    });
  });
});

interface Imds {
  readonly origin: string;
  readonly requests: { readonly method: string; readonly url: string; readonly session: unknown }[];
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** The metadata service of an EC2 machine in us-east-2. */
async function startImds(): Promise<Imds> {
  const requests: Imds['requests'] = [];
  const answers: Record<string, string> = {
    'PUT /latest/api/token': 'session-1',
    'GET /latest/zone': 'us-east-2b',
    'GET /latest/role': 'the-role',
    'GET /latest/role/the-role': JSON.stringify({
      AccessKeyId: 'ASIA1',
      SecretAccessKey: 's3cret',
      Token: 'aws-session',
    }),
  };
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, url, session: headers['x-aws-ec2-metadata-token'] });
    const answer = answers[`${method} ${url}`];
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  servers.push(server);
  return { origin: `http://127.0.0.1:${await listen(server)}`, requests };
}

function openAws({ server, openFile }: CredentialFixture, source: object, env: NodeJS.ProcessEnv) {
  const file = {
    type: 'external_account',
    audience: 'the-audience',
    subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request',
    token_url: `${server.origin}/sts`,
    credential_source: {
      environment_id: 'aws1',
      regional_cred_verification_url:
        'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15',
      ...source,
    },
  };
  return openFile(file, { env });
}

interface SignedRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: { readonly key: string; readonly value: string }[];
}

/** The signed request that the token server was sent as subject token. It refuses it, not being AWS. */
async function sentToken(
  all: CredentialFixture,
  source: object,
  env: NodeJS.ProcessEnv,
): Promise<SignedRequest> {
  const { message } = await failureOf(openAws(all, source, env).headers(never));
  expect(message).toContain('/sts answered 400 invalid_grant: The subject token is not accepted');
  return JSON.parse(decodeURIComponent(all.server.requests[0]?.form['subject_token'] ?? ''));
}

function headersOf({ headers }: SignedRequest): Record<string, string> {
  return Object.fromEntries(headers.map(({ key, value }) => [key, value]));
}

const ENV = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIA1', AWS_SECRET_ACCESS_KEY: 's3cret' };

describe('an AWS workload', () => {
  it('sends a signed request with the keys of the environment', async () => {
    const request = await sentToken(fixture(), {}, { ...ENV, AWS_SESSION_TOKEN: 'aws-session' });
    expect(request).toMatchObject({
      url: 'https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15',
      method: 'POST',
    });
    const { authorization, ...headers } = headersOf(request);
    expect(headers).toEqual({
      host: 'sts.eu-west-1.amazonaws.com',
      'x-amz-date': new Date(START).toISOString().replaceAll(/[-:]|\.000/g, ''),
      'x-amz-security-token': 'aws-session',
      'x-goog-cloud-target-resource': 'the-audience',
    });
    expect(authorization).toContain('Credential=AKIA1/20260101/eu-west-1/sts/aws4_request');
    expect(authorization).toContain(
      'SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource,',
    );
  });

  it.each([
    { name: 'with a session', hasSession: true },
    { name: 'without a session', hasSession: false },
  ])('takes region and keys from the metadata service, $name', async ({ hasSession }) => {
    const imds = await startImds();
    const source = {
      region_url: `${imds.origin}/latest/zone`,
      url: `${imds.origin}/latest/role`,
      ...(hasSession && { imdsv2_session_token_url: `${imds.origin}/latest/api/token` }),
    };
    const request = await sentToken(fixture(), source, {});
    expect(headersOf(request)).toMatchObject({
      host: 'sts.us-east-2.amazonaws.com',
      'x-amz-security-token': 'aws-session',
    });
    const reads = imds.requests.filter(({ method }) => method === 'GET');
    expect(reads.map(({ url }) => url)).toEqual(['/latest/zone', '/latest/role', '/latest/role/the-role']);
    expect(new Set(reads.map(({ session }) => session))).toEqual(
      new Set([hasSession ? 'session-1' : undefined]),
    );
  });

  it('tells when the metadata service refuses a session', async () => {
    const imds = await startImds();
    const source = {
      region_url: `${imds.origin}/latest/zone`,
      imdsv2_session_token_url: `${imds.origin}/none`,
    };
    const { message } = await failureOf(openAws(fixture(), source, {}).headers(never));
    expect(message).toContain(`${imds.origin}/none answered 404. Check that this machine's role allows it`);
  });

  it.each([
    { source: {}, env: {}, problem: 'The AWS region is not known. Set AWS_REGION.' },
    {
      source: {},
      env: { AWS_DEFAULT_REGION: 'eu-west-1' },
      problem: 'There are no AWS keys. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    },
    {
      source: { imdsv2_session_token_url: 'http://127.0.0.1:1/token', region_url: 'http://127.0.0.1:1/zone' },
      env: {},
      problem: 'http://127.0.0.1:1/token gave no answer: no connection (ECONNREFUSED)',
    },
    {
      source: { environment_id: 'aws2' },
      env: {},
      problem: '"credential_source.environment_id" is not "aws1"',
    },
  ])('makes a clear failure: $problem', async ({ source, env, problem }) => {
    const { message } = await failureOf(openAws(fixture(), source, env).headers(never));
    expect(message).toContain(problem);
  });
});
