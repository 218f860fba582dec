/** Servers with `auth: { mode: local }` as a user has them: real processes, and files made by the command line. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { FaultyServer } from '../../support/faulty-server.ts';
import { type ParlanceProcess, startParlance } from '../../support/parlance-process.ts';

const execute = promisify(execFile);

const PARLANCE = resolve(import.meta.dirname, '../../../bin/parlance.js');

export const PROJECT = 'key-project';

/** Where the OpenAI API begins, as the example page has it. */
export const BASE_PATH = `/v1/projects/${PROJECT}/locations/us-central1/endpoints/openapi`;

export const CHAT_BODY = JSON.stringify({
  model: 'google/gemini-2.5-flash',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
});

/** What the model behind the servers always says. */
export const ANSWER = 'Hello there.';

export interface StartOptions {
  /** `auth.local` of the configuration. */
  readonly local?: object;
  /** Name of its `PARLANCE_HOME`; servers with the same one know each other's tokens. @default 'home' */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class SignInServers implements AsyncDisposable {
  /** For the files of a test; removed at the end. */
  readonly folder: string;
  /** The model server behind all of them. */
  readonly model: FaultyServer;
  readonly #servers: ParlanceProcess[] = [];

  private constructor(folder: string, model: FaultyServer) {
    this.folder = folder;
    this.model = model;
  }

  static async create(): Promise<SignInServers> {
    return new SignInServers(await mkdtemp(join(tmpdir(), 'parlance-sign-in-')), await FaultyServer.start());
  }

  /** @throws {Error} with the exit code and the output when the server does not start */
  async start({ local = {}, home = 'home', env = {} }: StartOptions = {}): Promise<ParlanceProcess> {
    const config = {
      server: { shutdown_grace_ms: 1000 },
      auth: { mode: 'local', local },
      upstreams: { model: { kind: 'openai', base_url: this.model.url } },
    };
    const server = await startParlance({
      // JSON is YAML.
      config: JSON.stringify(config),
      env: { PARLANCE_HOME: join(this.folder, home), ...env },
    });
    this.#servers.push(server);
    return server;
  }

  /** Runs `parlance auth local` for a server of the usual home. @returns the path that the printed line exports */
  async createKeyFile({ url }: ParlanceProcess, name: string): Promise<string> {
    const args = ['auth', 'local', '--out', join(this.folder, name), '--url', url, '--project', PROJECT];
    const { stdout } = await execute(process.execPath, [PARLANCE, ...args], {
      env: { ...process.env, PARLANCE_HOME: join(this.folder, 'home') },
    });
    const line = /^export GOOGLE_APPLICATION_CREDENTIALS=(\S+)\n$/.exec(stdout);
    if (line?.[1] === undefined) throw new Error(`"parlance auth local" printed: ${stdout}`);
    return line[1];
  }

  /** @throws {Error} when a server did not end well */
  async [Symbol.asyncDispose](): Promise<void> {
    const codes = await Promise.all(this.#servers.map((server) => server.stop()));
    await this.model.stop();
    await rm(this.folder, { recursive: true });
    if (codes.some((code) => code !== 0)) throw new Error(`The servers ended with ${codes.join(', ')}.`);
  }
}

/** Asks for a completion, with a token or without. */
export function ask({ url }: ParlanceProcess, token?: string): Promise<Response> {
  return fetch(`${url}${BASE_PATH}/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: CHAT_BODY,
  });
}

/** A token as the metadata server of a Parlance gives it. */
export async function tokenOf({ url }: ParlanceProcess): Promise<string> {
  const response = await fetch(`${url}/computeMetadata/v1/instance/service-accounts/default/token`, {
    headers: { 'metadata-flavor': 'Google' },
  });
  return ((await response.json()) as { access_token: string }).access_token;
}
