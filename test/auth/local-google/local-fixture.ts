import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import {
  createLocalSignIn,
  type LocalSignIn,
  type LocalSignInOptions,
} from '../../../src/auth/local-google/create-local-sign-in.ts';
import { createKeyFile, createUserFile } from '../../../src/auth/local-google/credentials-file.ts';
import type { LocalAnswer } from '../../../src/auth/local-google/local-http.ts';

/** Milliseconds since the epoch; the clock of every test starts here. */
export const START = Date.UTC(2026, 0, 1);
/** The same in seconds. */
export const NOW = START / 1000;
export const PORT = 8080;
export const HOST = `127.0.0.1:${PORT}`;
export const VERTEX_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
export const EMAIL = 'local@first-project.iam.gserviceaccount.com';
export const USER_EMAIL = 'ann@example.com';
/** Account of the metadata server. */
export const MACHINE_EMAIL = 'local@machine-project.iam.gserviceaccount.com';

/** A key file as its reader sees it. */
export interface KeyFile {
  readonly private_key: string;
  readonly private_key_id: string;
  readonly client_email: string;
}

export interface UserFile {
  readonly client_id: string;
  readonly client_secret: string;
  readonly refresh_token: string;
}

export interface LocalFixture {
  /** `PARLANCE_HOME`, with one service account and one user. */
  readonly home: string;
  readonly keyFile: KeyFile;
  readonly userFile: UserFile;
  /** Milliseconds since the epoch; the clock of every sign-in that is opened. */
  now: number;
  /** The sign-in of this home, as a server just started has it. */
  readonly open: (options?: Partial<LocalSignInOptions>) => LocalSignIn;
  readonly signIn: LocalSignIn;
}

/** Gives the tests of the calling file one home: RSA keys take a while to make. */
export function localFixture(): () => LocalFixture {
  let fixture: LocalFixture;
  beforeAll(async () => {
    const home = await mkdtemp(join(tmpdir(), 'parlance-local-google-'));
    const common = { replace: false, home, project: 'first-project', origin: `http://${HOST}` };
    await createKeyFile({ ...common, path: join(home, 'key.json'), email: EMAIL });
    await createUserFile({ ...common, path: join(home, 'user.json'), email: USER_EMAIL });
    const open = (options: Partial<LocalSignInOptions> = {}): LocalSignIn =>
      createLocalSignIn({
        home,
        project: 'machine-project',
        port: () => PORT,
        now: () => fixture.now,
        ...options,
      });
    fixture = {
      home,
      keyFile: JSON.parse(readFileSync(join(home, 'key.json'), 'utf8')) as KeyFile,
      userFile: JSON.parse(readFileSync(join(home, 'user.json'), 'utf8')) as UserFile,
      now: START,
      open,
      signIn: open(),
    };
  });
  beforeEach(() => {
    fixture.now = START;
  });
  afterAll(async () => rm(fixture.home, { recursive: true }));
  return () => fixture;
}

/** An answer with its JSON read; the text itself where it is none. */
export interface ReadAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Ask {
  readonly method?: string;
  /** Path and query. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request to the sign-in's handler. @throws {Error} when the path is none of its own */
export async function ask(
  { google }: LocalSignIn,
  { method, url, headers, form, body }: Ask,
): Promise<ReadAnswer> {
  const [path = '', query = ''] = url.split('?', 2);
  const answer = await google.handle({
    method: method ?? (form === undefined ? 'GET' : 'POST'),
    path,
    query: new URLSearchParams(query),
    headers: {
      host: HOST,
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
    body: body ?? new URLSearchParams(form).toString(),
  });
  if (answer === undefined) throw new Error(`${url} is no path of the sign-in`);
  return readAnswer(answer);
}

function readAnswer({ status, headers, body }: LocalAnswer): ReadAnswer {
  const isJson = headers['content-type'] === 'application/json';
  return { status, headers, body: isJson ? (JSON.parse(body) as unknown) : body };
}

export const METADATA = { 'metadata-flavor': 'Google' };

/** An access token of the machine's account, from the metadata server. */
export async function machineToken(signIn: LocalSignIn, query = ''): Promise<string> {
  const url = `/computeMetadata/v1/instance/service-accounts/default/token${query}`;
  const { body } = await ask(signIn, { url, headers: METADATA });
  return (body as { access_token: string }).access_token;
}

/** A JWT with any header, any claims and any signature. */
export function makeJwt(
  header: object,
  claims: object,
  signer: KeyObject | ((signed: string) => Buffer),
): string {
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature =
    typeof signer === 'function' ? signer(signed) : sign('sha256', Buffer.from(signed), signer);
  return `${signed}.${signature.toString('base64url')}`;
}

/** What a client of Google's signs with a key file. */
export function accountJwt(keyFile: KeyFile, claims: object = {}, header: object = {}): string {
  return makeJwt(
    { alg: 'RS256', typ: 'JWT', kid: keyFile.private_key_id, ...header },
    { iss: keyFile.client_email, iat: NOW, exp: NOW + 3600, ...claims },
    createPrivateKey(keyFile.private_key),
  );
}

/** The parts of a JWT, unchecked. */
export function decodeJwt(jwt: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header = '', claims = ''] = jwt.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  return {
    header: JSON.parse(header) as Record<string, unknown>,
    claims: JSON.parse(claims) as Record<string, unknown>,
  };
}

export { failureOf } from '../failure-of.ts';
