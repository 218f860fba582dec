/** `auth: { mode: local }` as a user has it: the server as a process, its command line, and Google's own clients. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../scripts/listen.ts';
import { type ClientMachine, type ClientRun, createClientMachine } from '../support/client-machine.ts';
import { NO_PYTHON, PYTHON } from '../support/client-python.ts';
import type { ParlanceProcess } from '../support/parlance-process.ts';
import { parseLines } from '../support/parse-lines.ts';
import { NO_GCLOUD, QUIET_GCLOUD } from '../support/real-gcloud.ts';
import { ANSWER, ask, BASE_PATH, CHAT_BODY, PROJECT, SignInServers } from './sign-in/sign-in-servers.ts';

const EXAMPLES = resolve(import.meta.dirname, '../../examples');
const PROGRAMS = join(import.meta.dirname, 'sign-in');

/** Life of the tokens of the second server, in seconds. */
const BRIEF_LIFE = 3;

let servers: SignInServers;
let server: ParlanceProcess;
/** With tokens of {@link BRIEF_LIFE}. */
let brief: ParlanceProcess;
let keyFile: string;
let briefKeyFile: string;
let machine: ClientMachine;

beforeAll(async () => {
  servers = await SignInServers.create();
  server = await servers.start();
  brief = await servers.start({ local: { token_lifetime_s: BRIEF_LIFE } });
  keyFile = await servers.createKeyFile(server, 'key.json');
  briefKeyFile = await servers.createKeyFile(brief, 'brief.json');
  machine = await createClientMachine({ env: { ...QUIET_GCLOUD, GOOGLE_CLOUD_PROJECT: PROJECT } });
});

afterAll(async () => {
  await machine.remove();
  await servers[Symbol.asyncDispose]();
});

/** The variables that make Google's clients take a Parlance for the metadata server. */
function metadata({ url }: ParlanceProcess): Record<string, string> {
  const { host } = new URL(url);
  return { GCE_METADATA_HOST: host, GCE_METADATA_ROOT: host, GCE_METADATA_IP: host, NO_GCE_CHECK: 'false' };
}

/** The text of a whole answer and that of a stream, as the examples print them: a JSON object a line. */
function readBoth({ exitCode, stdout, stderr }: ClientRun): { whole: unknown; streamed: string } {
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const [whole, ...chunks] = parseLines(stdout) as Answer[];
  return {
    whole: whole?.choices[0]?.message?.content,
    streamed: chunks.map(({ choices }) => choices[0]?.delta?.content ?? '').join(''),
  };
}

interface Answer {
  readonly choices: readonly {
    readonly message?: { content?: string };
    readonly delta?: { content?: string };
  }[];
}

/** What a client that made several calls saw of them; and what its first token is worth then. */
async function readCalls({ exitCode, stdout, stderr }: ClientRun): Promise<object> {
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const lines = parseLines(stdout) as { token: string; status: number; text: string }[];
  const tokens = new Set(lines.map(({ token }) => token));
  const { status } = await ask(brief, lines[0]?.token);
  return {
    statuses: lines.map((line) => line.status),
    texts: [...new Set(lines.map(({ text }) => text))],
    hadSeveralTokens: tokens.size >= 3,
    firstTokenNow: status,
  };
}

/** Of five calls in six seconds. */
const NEVER_REFUSED = {
  statuses: [200, 200, 200, 200, 200],
  texts: [ANSWER],
  hadSeveralTokens: true,
  firstTokenNow: 401,
};

function proxyVariables(address: string): Record<string, string> {
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];
  return { ...Object.fromEntries(names.map((name) => [name, address])), NO_PROXY: '', no_proxy: '' };
}

/** The file of an account of a workload identity pool, whose own token is one the metadata server gave. */
async function createExternalFile(): Promise<string> {
  const audience =
    '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/local';
  const content = {
    type: 'external_account',
    audience,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    token_url: `${server.url}/token`,
    credential_source: {
      url: `${server.url}/computeMetadata/v1/instance/service-accounts/default/identity?audience=https:${audience}`,
      headers: { 'Metadata-Flavor': 'Google' },
    },
  };
  const path = join(servers.folder, 'external.json');
  await writeFile(path, JSON.stringify(content));
  return path;
}

/** The example page's lines. */
const runPage = (env: Record<string, string>): Promise<ClientRun> =>
  machine.run(PYTHON, [join(PROGRAMS, 'example_page.py'), server.url, PROJECT], env);

/** The example for Node. */
const runExample = (env: Record<string, string>): Promise<ClientRun> =>
  machine.run(process.execPath, [join(EXAMPLES, 'node', 'google-sign-in.mjs')], {
    PARLANCE_URL: server.url,
    ...env,
  });

/** A program that finds the machine's own gcloud, where nobody has signed in. */
const runShell = (args: readonly string[], env: Record<string, string> = {}): Promise<ClientRun> =>
  machine.run('bash', args, {
    PATH: process.env['PATH'] ?? '',
    PARLANCE_URL: server.url,
    CLOUDSDK_CONFIG: join(servers.folder, 'gcloud'),
    ...env,
  });

describe.skipIf(NO_PYTHON !== '')(`google-auth and openai for Python${NO_PYTHON}`, () => {
  it("run the example page's lines with a key file", async () => {
    expect(readBoth(await runPage({ GOOGLE_APPLICATION_CREDENTIALS: keyFile }))).toEqual({
      whole: ANSWER,
      streamed: ANSWER,
    });
  });

  it("run the example page's lines with the metadata server, without a file", async () => {
    expect(readBoth(await runPage(metadata(server)))).toEqual({ whole: ANSWER, streamed: ANSWER });
  });

  it.each(['google_sign_in.py'])('run the example %s', async (name) => {
    const run = await machine.run(PYTHON, [join(EXAMPLES, 'python', name)], {
      GOOGLE_APPLICATION_CREDENTIALS: keyFile,
      PARLANCE_URL: server.url,
    });
    expect(readBoth(run)).toEqual({ whole: ANSWER, streamed: ANSWER });
  });

  it.each([
    { early: '225', meaning: "google-auth's own" },
    { early: '1', meaning: 'in proportion to their life' },
  ])(
    'never see a 401 in a client that outlives its tokens; renewed $early s early, $meaning',
    async ({ early }) => {
      const args = [`${brief.url}${BASE_PATH}`, early, '5', '1.5'];
      const run = await machine.run(PYTHON, [join(PROGRAMS, 'outlive_tokens.py'), ...args], {
        GOOGLE_APPLICATION_CREDENTIALS: briefKeyFile,
        PYTHONPATH: join(EXAMPLES, 'python'),
      });
      expect(await readCalls(run)).toEqual(NEVER_REFUSED);
    },
  );
});

describe('google-auth-library and openai for Node', () => {
  it('run the example google-sign-in.mjs with the metadata server, without a file', async () => {
    expect(readBoth(await runExample({ ...metadata(server), GOOGLE_APPLICATION_CREDENTIALS: '' }))).toEqual({
      whole: ANSWER,
      streamed: ANSWER,
    });
  });

  it('never see a 401 in a client that outlives its tokens', async () => {
    const args = [join(PROGRAMS, 'outlive-tokens.mjs'), `${brief.url}${BASE_PATH}`, '1', '5', '1.5'];
    const run = await machine.run(process.execPath, args, metadata(brief));
    expect(await readCalls(run)).toEqual(NEVER_REFUSED);
  });

  it('sign in with a key file when the account signs its own JWT', async () => {
    const run = await machine.run(
      process.execPath,
      [join(PROGRAMS, 'own-jwt.mjs'), `${server.url}${BASE_PATH}`],
      {
        GOOGLE_APPLICATION_CREDENTIALS: keyFile,
      },
    );
    expect(run).toEqual({ exitCode: 0, stdout: `${ANSWER}\n`, stderr: '' });
  });

  it('run the example google-sign-in.mjs with the file of an external account', async () => {
    const env = { GOOGLE_APPLICATION_CREDENTIALS: await createExternalFile() };
    expect(readBoth(await runExample(env))).toEqual({ whole: ANSWER, streamed: ANSWER });
  });

  it('do NOT get a token for a key file: google-auth-library asks Google, whatever token_uri says', async () => {
    const asked: string[] = [];
    // A proxy that lets nothing through: no test leaves this machine.
    const proxy = createServer().on('connect', ({ url = '' }, socket) => {
      asked.push(url);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    const address = `http://127.0.0.1:${await listen(proxy)}`;
    try {
      const { exitCode } = await runExample({
        GOOGLE_APPLICATION_CREDENTIALS: keyFile,
        ...proxyVariables(address),
      });
      expect(exitCode).toBe(1);
      expect(new Set(asked)).toEqual(new Set(['oauth2.googleapis.com:443']));
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

describe.skipIf(NO_GCLOUD !== '')(`curl with gcloud auth print-access-token${NO_GCLOUD}`, () => {
  it('gets an answer after gcloud auth activate-service-account --key-file', async () => {
    const script = `set -e
gcloud auth activate-service-account --quiet --key-file="$1"
curl -sS --fail-with-body -X POST \\
 -H "Authorization: Bearer $(gcloud auth print-access-token)" \\
 -H "Content-Type: application/json" \\
 "$PARLANCE_URL${BASE_PATH}/chat/completions" -d '${CHAT_BODY}'`;
    const { exitCode, stdout } = await runShell(['-c', script, 'bash', keyFile]);
    expect(exitCode).toBe(0);
    expect((JSON.parse(stdout) as Answer).choices[0]?.message?.content).toBe(ANSWER);
  });

  it.each(['google-sign-in.sh'])('runs the example %s', async (name) => {
    const { exitCode, stdout } = await runShell([join(EXAMPLES, 'curl', name)], {
      GOOGLE_APPLICATION_CREDENTIALS: keyFile,
    });
    expect(exitCode).toBe(0);
    expect((JSON.parse(stdout) as Answer).choices[0]?.message?.content).toBe(ANSWER);
  });
});
