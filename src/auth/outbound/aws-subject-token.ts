import { createHash, createHmac } from 'node:crypto';
import { CredentialFault } from './credential-fault.ts';
import type { CredentialMembers } from './credential-members.ts';
import type { SubjectToken } from './subject-token.ts';
import { describeUrl, explainFailure, requestJson, requestText, type TokenContext } from './token-request.ts';

/**
 * The identity of an AWS workload: a signed `GetCallerIdentity` request that Google sends to AWS itself. The keys come
 * from the environment, else from the metadata service of EC2.
 *
 * @param audience the workload identity provider; part of what is signed
 */
export function readAwsSource(source: CredentialMembers, audience: string): SubjectToken {
  if (source.text('environment_id') !== 'aws1') throw source.fault('environment_id', 'is not "aws1"');
  const verificationUrl = source.text('regional_cred_verification_url');
  const metadata: AwsMetadata = {
    regionUrl: source.optionalUrl('region_url'),
    keysUrl: source.optionalUrl('url'),
    sessionUrl: source.optionalUrl('imdsv2_session_token_url'),
  };
  return async (context) => {
    const region = await findRegion(metadata, context);
    const keys = await findKeys(metadata, context);
    const url = new URL(verificationUrl.replace('{region}', region));
    const headers = signAwsRequest(
      { method: 'POST', url, headers: { 'x-goog-cloud-target-resource': audience } },
      { keys, region, service: 'sts', now: context.now() },
    );
    const pairs = Object.entries(headers).map(([key, value]) => ({ key, value }));
    return encodeURIComponent(JSON.stringify({ url: url.href, method: 'POST', headers: pairs }));
  };
}

interface AwsMetadata {
  readonly regionUrl: URL | undefined;
  readonly keysUrl: URL | undefined;
  /** Where a session begins, which version 2 of the service asks for. */
  readonly sessionUrl: URL | undefined;
}

interface AwsKeys {
  readonly id: string;
  readonly secret: string;
  readonly sessionToken?: string | undefined;
}

const ADVICE =
  "Check that this machine's role allows it, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";

async function findRegion(metadata: AwsMetadata, context: TokenContext): Promise<string> {
  const named = nonEmpty(context.env['AWS_REGION']) ?? nonEmpty(context.env['AWS_DEFAULT_REGION']);
  if (named !== undefined) return named;
  if (metadata.regionUrl === undefined) {
    throw new CredentialFault('The AWS region is not known. Set AWS_REGION.');
  }
  const headers = await startSession(metadata, context);
  const zone = await requestText({ url: metadata.regionUrl, headers, advice: ADVICE }, context);
  // The zone is the region and one letter: us-east-2b.
  return zone.trim().slice(0, -1);
}

async function findKeys(metadata: AwsMetadata, context: TokenContext): Promise<AwsKeys> {
  const id = nonEmpty(context.env['AWS_ACCESS_KEY_ID']);
  const secret = nonEmpty(context.env['AWS_SECRET_ACCESS_KEY']);
  if (id !== undefined && secret !== undefined) {
    return { id, secret, sessionToken: nonEmpty(context.env['AWS_SESSION_TOKEN']) };
  }
  if (metadata.keysUrl === undefined) {
    throw new CredentialFault('There are no AWS keys. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  }
  const headers = await startSession(metadata, context);
  const role = (await requestText({ url: metadata.keysUrl, headers, advice: ADVICE }, context)).trim();
  const url = new URL(`${metadata.keysUrl.href}/${encodeURIComponent(role)}`);
  const json = await requestJson({ url, headers, advice: ADVICE }, context);
  const { AccessKeyId: roleId, SecretAccessKey: roleSecret, Token: sessionToken } = json;
  if (typeof roleId !== 'string' || typeof roleSecret !== 'string' || typeof sessionToken !== 'string') {
    throw new CredentialFault(`${describeUrl(url)} answered without keys.`);
  }
  return { id: roleId, secret: roleSecret, sessionToken };
}

const SESSION_SECONDS = '300';

async function startSession(
  { sessionUrl }: AwsMetadata,
  context: TokenContext,
): Promise<Record<string, string>> {
  if (sessionUrl === undefined) return {};
  try {
    const { statusCode, body } = await context.direct.request({
      origin: sessionUrl.origin,
      path: sessionUrl.pathname,
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': SESSION_SECONDS },
      signal: context.signal,
    });
    const token = (await body.text()).trim();
    if (statusCode === 200) return { 'x-aws-ec2-metadata-token': token };
    throw new CredentialFault(`${describeUrl(sessionUrl)} answered ${statusCode}. ${ADVICE}`);
  } catch (error) {
    throw explainFailure(error, sessionUrl, context);
  }
}

export interface AwsRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface AwsSigning {
  readonly keys: AwsKeys;
  readonly region: string;
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The headers of a request without a body, signed with AWS Signature Version 4.
 *
 * @returns `host`, `x-amz-date`, `authorization`, the session token, and the request's own
 */
export function signAwsRequest(
  { method, url, headers }: AwsRequest,
  { keys, region, service, now }: AwsSigning,
): Record<string, string> {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const signed: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': time,
    ...(keys.sessionToken !== undefined && { 'x-amz-security-token': keys.sessionToken }),
  };
  const names = Object.keys(signed).sort();
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`)
    .sort()
    .join('&');
  const canonicalRequest = [
    method,
    url.pathname,
    query,
    ...names.map((name) => `${name}:${signed[name]}`),
    '',
    names.join(';'),
    sha256(''),
  ].join('\n');
  const textToSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonicalRequest)].join('\n');
  let key: string | Buffer = `AWS4${keys.secret}`;
  for (const part of scope.split('/')) key = hmac(key, part);
  const signature = hmac(key, textToSign).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${keys.id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...signed, authorization };
}

/** As RFC 3986 section 2.3 has it: all but letters, digits and `-._~`. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.codePointAt(0)!.toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
