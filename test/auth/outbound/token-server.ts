import { generateKeyPairSync, type KeyPairKeyObjectResult, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** One key pair for the tests of a file, made when one needs it, because that takes a while. */
let keyPair: KeyPairKeyObjectResult | undefined;

function keys(): KeyPairKeyObjectResult {
  keyPair ??= generateKeyPairSync('rsa', { modulusLength: 2048 });
  return keyPair;
}

/** The private key that belongs to the public one the server verifies with. */
export function privateKeyPem(): string {
  return keys().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token';
export const USER_SECRETS = {
  client_id: 'id-1',
  client_secret: 'GOCSPX-s3cret',
  refresh_token: '1//r3fresh',
};
export const SUBJECT_TOKEN = 'subject.token.of-the-platform';

/** What happens to one request instead of the right answer: silence, half an answer, a broken connection, an error. */
export type Fault =
  | 'hang'
  | 'cut'
  | 'reset'
  | { readonly status: number; readonly body?: unknown; readonly html?: string };

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly form: Readonly<Record<string, string>>;
}

/** A token server that checks what it is sent, as Google's do. */
export interface TokenServer {
  readonly origin: string;
  /** `host:port`. */
  readonly address: string;
  readonly requests: RecordedRequest[];
  /** What happens to the next requests, in order. */
  readonly faults: Fault[];
  /** What happens to all others, as long as it is set. */
  outage: Fault | undefined;
  /** Time every answer takes, in milliseconds. */
  delayMs: number;
  /** The most requests that were under way at the same time. */
  mostAtOnce: number;
  /** When each token ends, in milliseconds since the epoch. */
  readonly ends: Map<string, number>;
  /** Seconds until the next tokens expire. */
  lifetime: number;
  /** Milliseconds since the epoch, as the server sees it. */
  now: number;
  /** Requests wait for an answer until this promise is settled. */
  gate: Promise<void>;
  close(): Promise<void>;
}

export async function startTokenServer(now: number): Promise<TokenServer> {
  const requests: RecordedRequest[] = [];
  const faults: Fault[] = [];
  let underWay = 0;
  const server = createServer((request, response) => {
    underWay += 1;
    state.mostAtOnce = Math.max(state.mostAtOnce, underWay);
    response.once('close', () => {
      underWay -= 1;
    });
    void handle(request, response, state);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const state: TokenServer = {
    origin: `http://${address}`,
    address,
    requests,
    faults,
    outage: undefined,
    delayMs: 0,
    mostAtOnce: 0,
    ends: new Map(),
    lifetime: 3600,
    now,
    gate: Promise.resolve(),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
  return state;
}

async function handle(request: IncomingMessage, response: ServerResponse, state: TokenServer): Promise<void> {
  const { method = '', url = '', headers } = request;
  const body = await readBody(request);
  const recorded = { method, url, headers, body, form: Object.fromEntries(new URLSearchParams(body)) };
  state.requests.push(recorded);
  await state.gate;
  if (state.delayMs > 0) await pause(state.delayMs);
  const fault = state.faults.shift() ?? state.outage;
  if (fault === undefined) answer(recorded, response, state);
  else misbehave(fault, response);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function misbehave(fault: Fault, response: ServerResponse): void {
  if (fault === 'hang') return;
  if (fault === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  if (fault === 'cut') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
    response.write('{"access', () => response.destroy());
    return;
  }
  const { status, body, html } = fault;
  response.writeHead(status, { 'content-type': html === undefined ? 'application/json' : 'text/html' });
  response.end(html ?? JSON.stringify(body ?? {}));
}

const METADATA_HEADERS = { 'metadata-flavor': 'Google' };

function answer(request: RecordedRequest, response: ServerResponse, state: TokenServer): void {
  const json = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
  const path = request.url.replace(/\?.*/, '');
  const accessToken = `ya29.${state.requests.length}`;
  state.ends.set(accessToken, state.now + state.lifetime * 1000);
  if (path === '/token' || path === '/sts') {
    const problem = checkGrant(request.form, state);
    if (problem !== undefined) json(400, { error: 'invalid_grant', error_description: problem });
    else json(200, { access_token: accessToken, expires_in: state.lifetime, token_type: 'Bearer' });
  } else if (path.endsWith(':generateAccessToken')) {
    if (!/^Bearer ya29\.\d+$/.test(request.headers.authorization ?? '')) {
      json(401, { error: { code: 401, status: 'UNAUTHENTICATED', message: 'no source token' } });
      return;
    }
    const expireTime = new Date(state.now + state.lifetime * 1000).toISOString();
    json(200, { accessToken: `${accessToken}.impersonated`, expireTime });
  } else if (request.headers['metadata-flavor'] !== 'Google') {
    response.writeHead(403).end();
  } else if (path === '/') {
    response.writeHead(200, METADATA_HEADERS).end('computeMetadata/\n');
  } else if (path === '/computeMetadata/v1/instance/service-accounts/default/token') {
    json(
      200,
      { access_token: accessToken, expires_in: state.lifetime, token_type: 'Bearer' },
      METADATA_HEADERS,
    );
  } else if (path === '/computeMetadata/v1/project/project-id') {
    response
      .writeHead(200, { ...METADATA_HEADERS, 'content-type': 'application/text' })
      .end('metadata-project');
  } else {
    response.writeHead(404).end();
  }
}

/** What is wrong with a token request; `undefined` when nothing is. */
function checkGrant(form: Readonly<Record<string, string>>, state: TokenServer): string | undefined {
  switch (form['grant_type']) {
    case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
      return checkAssertion(form['assertion'] ?? '', state);
    case 'refresh_token': {
      const { client_id, client_secret, refresh_token } = form;
      const isKnown =
        client_id === USER_SECRETS.client_id &&
        client_secret === USER_SECRETS.client_secret &&
        refresh_token === USER_SECRETS.refresh_token;
      return isKnown ? undefined : `Token ${refresh_token} of ${client_secret} has been revoked.`;
    }
    case 'urn:ietf:params:oauth:grant-type:token-exchange':
      return form['subject_token'] === SUBJECT_TOKEN ? undefined : 'The subject token is not accepted.';
    default:
      return 'The grant type is not known.';
  }
}

interface Claims {
  readonly iss?: unknown;
  readonly aud?: unknown;
  readonly scope?: unknown;
  readonly iat: number;
  readonly exp: number;
}

/** The parts of a JWT. */
export function decodeAssertion(assertion: string): { header: Record<string, unknown>; claims: Claims } {
  const [header = '', claims = ''] = assertion
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString());
  return { header: JSON.parse(header), claims: JSON.parse(claims) };
}

function checkAssertion(assertion: string, state: TokenServer): string | undefined {
  const signed = assertion.slice(0, assertion.lastIndexOf('.'));
  const signature = Buffer.from(assertion.slice(signed.length + 1), 'base64url');
  if (!verify('sha256', Buffer.from(signed), keys().publicKey, signature))
    return `Invalid JWT Signature: ${assertion}`;
  const { header, claims } = decodeAssertion(assertion);
  if (header['alg'] !== 'RS256') return 'Invalid JWT algorithm.';
  if (claims.aud !== `${state.origin}/token` && claims.aud !== GOOGLE_TOKEN_URL)
    return 'Invalid JWT audience.';
  if (typeof claims.iss !== 'string' || typeof claims.scope !== 'string') return 'Invalid JWT claims.';
  const now = state.now / 1000;
  const isTimely = claims.iat <= now && claims.exp > now && claims.exp - claims.iat <= 3600;
  return isTimely ? undefined : 'Invalid JWT: check your iat and exp values.';
}
