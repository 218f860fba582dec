import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Agent, type Dispatcher } from 'undici';
import { afterEach, beforeEach } from 'vitest';
import {
  createGoogleCredentials,
  type GoogleCredentialsOptions,
} from '../../../src/auth/outbound/google-credentials.ts';
import type { TokenSource } from '../../../src/auth/outbound/token-source.ts';
import { privateKeyPem, startTokenServer, type TokenServer, USER_SECRETS } from './token-server.ts';

export const START = Date.UTC(2026, 0, 1);

/** What one test works with. */
export interface CredentialFixture {
  readonly server: TokenServer;
  readonly folder: string;
  /** Milliseconds since the epoch; the credentials' clock. */
  now: number;
  /** Origins that were asked through the dispatcher of `https`; the server answers for all of them. */
  readonly secureOrigins: string[];
  /** Writes a file into the folder; an object as JSON. @returns its path */
  readonly write: (name: string, content: unknown) => string;
  /** Credentials that are closed after the test. Without `env`, nothing is found on this machine. */
  readonly open: (options?: Partial<GoogleCredentialsOptions>) => TokenSource;
  /** Credentials from a file with this content. */
  readonly openFile: (content: unknown, options?: Partial<GoogleCredentialsOptions>) => TokenSource;
}

/** Gives each test of the calling file a token server, an empty folder and a clock of its own. */
export function credentialFixture(): () => CredentialFixture {
  let fixture: CredentialFixture;
  let cleanUp: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    const server = await startTokenServer(START);
    const folder = mkdtempSync(join(tmpdir(), 'parlance-credentials-'));
    const agent = new Agent();
    cleanUp = [() => server.close(), () => agent.destroy(), async () => rmSync(folder, { recursive: true })];
    fixture = makeFixture(server, folder, agent, cleanUp);
  });
  afterEach(async () => {
    for (const step of cleanUp.toReversed()) await step();
  });
  return () => fixture;
}

function makeFixture(
  server: TokenServer,
  folder: string,
  agent: Agent,
  cleanUp: (() => Promise<void>)[],
): CredentialFixture {
  const secureOrigins: string[] = [];
  const dispatcher: Dispatcher = agent.compose((dispatch) => (options, handler) => {
    secureOrigins.push(String(options.origin));
    return dispatch({ ...options, origin: server.origin }, handler);
  });
  const fixture: CredentialFixture = {
    server,
    folder,
    now: START,
    secureOrigins,
    write: (name, content) => {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
      return path;
    },
    open: (options = {}) => {
      const source = createGoogleCredentials({
        env: { HOME: folder, CLOUDSDK_CONFIG: join(folder, 'gcloud') },
        dispatcher,
        now: () => fixture.now,
        retry: { random: () => 0 },
        ...options,
      });
      cleanUp.push(async () => source.close());
      return source;
    },
    openFile: (content, options = {}) =>
      fixture.open({ keyFile: fixture.write('credentials.json', content), ...options }),
  };
  return fixture;
}

/** A key file that points at the server. */
export function serviceAccountFile(server: TokenServer): Record<string, unknown> {
  return {
    type: 'service_account',
    project_id: 'key-project',
    private_key_id: 'key-1',
    private_key: privateKeyPem(),
    client_email: 'parlance@key-project.iam.gserviceaccount.com',
    token_uri: `${server.origin}/token`,
  };
}

export function authorizedUserFile(server: TokenServer): Record<string, unknown> {
  return { type: 'authorized_user', ...USER_SECRETS, token_uri: `${server.origin}/token` };
}

export const never: AbortSignal = new AbortController().signal;

/** The access token a source hands out. */
export async function tokenOf(source: TokenSource): Promise<string | undefined> {
  return (await source.headers(never))['authorization']?.replace('Bearer ', '');
}

export { failureOf } from '../failure-of.ts';
