import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  DEFAULT_PROJECT,
  isEmail,
  isProjectId,
  localAccountOf,
} from '../../auth/local-google/account-names.ts';
import { createKeyFile, createUserFile } from '../../auth/local-google/credentials-file.ts';
import { isLoopbackUrl } from '../../auth/local-google/loopback.ts';
import { GatewayError } from '../../errors.ts';

/** What a command needs of the process it runs in. */
export interface AuthCommandIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

const OK = 0;
const FAILURE = 1;
const USAGE = 2;

const DEFAULT_URL = 'http://127.0.0.1:8080';

const HELP = `Usage: parlance auth local --out FILE [--project ID] [--email E] [--url URL] [--user] [--force]

Signs Google's clients in to a Parlance on this machine, without Google: FILE becomes the key file of a service
account that this Parlance knows. The server needs \`auth: { mode: local }\` in its configuration.

Options:
  --out FILE    the file to create; only you can read it
  --project ID  its project (default ${DEFAULT_PROJECT})
  --email E     its account (default ${localAccountOf('ID')})
  --url URL     where the server listens (default ${DEFAULT_URL})
  --user        the file of a signed-in user instead, for gcloud; needs --email
  --force       replaces FILE if it exists
  -h, --help    this text

Standard output is what a shell runs: eval "$(parlance auth local --out FILE)".
The server keeps what it needs to know the account in PARLANCE_HOME/local-google (default ~/.parlance/local-google).
Who is no longer to sign in: delete the file there that bears the key's id.

Exit codes: 0 done, 1 failed, 2 the command line was not understood.
`;

/** `parlance auth ...`. @returns the exit code */
export async function runAuthCommand(args: readonly string[], io: AuthCommandIo): Promise<number> {
  const command = parseCommand(args);
  if ('usageError' in command) {
    io.stderr.write(`${command.usageError}\n\n${HELP}`);
    return USAGE;
  }
  if (command.action === 'help') {
    io.stdout.write(HELP);
    return OK;
  }
  return createFile(command, io);
}

interface LocalCommand {
  readonly action: 'local';
  readonly out: string;
  readonly project: string;
  readonly email: string;
  readonly url: URL;
  readonly user: boolean;
  readonly force: boolean;
}

type AuthCommand = { readonly action: 'help' } | LocalCommand | { readonly usageError: string };

const OPTIONS = {
  out: { type: 'string' },
  project: { type: 'string', default: DEFAULT_PROJECT },
  email: { type: 'string' },
  url: { type: 'string', default: DEFAULT_URL },
  user: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function parseCommand(args: readonly string[]): AuthCommand {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return { usageError: error instanceof Error ? error.message : String(error) };
  }
  const { values, positionals } = parsed;
  const [action, ...rest] = positionals;
  if (values.help) return { action: 'help' };
  if (action === undefined) return { usageError: 'parlance auth needs to know what to do: local.' };
  if (action !== 'local') return { usageError: `"parlance auth" knows local, not "${action}".` };
  if (rest.length > 0)
    return { usageError: `"${rest.join(' ')}" is too much: the file is named with --out.` };
  return parseLocal(values);
}

function parseLocal(values: {
  readonly out?: string | undefined;
  readonly project: string;
  readonly email?: string | undefined;
  readonly url: string;
  readonly user: boolean;
  readonly force: boolean;
}): LocalCommand | { readonly usageError: string } {
  const { out, project, user, force } = values;
  if (out === undefined || out === '') return { usageError: 'Name the file to create: --out FILE.' };
  if (!isProjectId(project)) {
    return { usageError: `"${project}" is no project id: 6 to 30 lower-case letters, digits and hyphens.` };
  }
  if (user && values.email === undefined) return { usageError: 'A user needs an address: --email E.' };
  const email = values.email ?? localAccountOf(project);
  if (!isEmail(email)) return { usageError: `"${email}" is no e-mail address.` };
  const url = URL.parse(values.url);
  if (url === null || url.protocol !== 'http:' || url.pathname !== '/' || !isLoopbackUrl(url)) {
    return {
      usageError: `--url is the address of a server on this machine, such as ${DEFAULT_URL}, not "${values.url}".`,
    };
  }
  return { action: 'local', out, project, email, url, user, force };
}

async function createFile(command: LocalCommand, io: AuthCommandIo): Promise<number> {
  const { project, email, url, user, force } = command;
  const path = resolve(io.cwd, command.out);
  const home = resolve(io.cwd, io.env['PARLANCE_HOME'] || resolve(homedir(), '.parlance'));
  const options = { path, replace: force, home, project, email, origin: url.origin };
  try {
    const created = user ? await createUserFile(options) : await createKeyFile(options);
    if (!created) {
      io.stderr.write(
        `${path} exists and was left as it is. Name another file, or replace it with --force.\n`,
      );
      return FAILURE;
    }
  } catch (error) {
    io.stderr.write(`${explainFailure(error, path)}\n`);
    return FAILURE;
  }
  const { variable, advice } = user ? userLines(path, url) : accountLines(path, url);
  io.stderr.write(
    `Wrote ${path}: signs in as ${email} at ${url.origin}, where \`auth: { mode: local }\` has to be configured.\n${advice}`,
  );
  // Alone on standard output, so that a shell can evaluate it.
  io.stdout.write(`${variable}\n`);
  return OK;
}

function explainFailure(error: unknown, path: string): string {
  if (error instanceof GatewayError) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return `${path} cannot be written: its folder does not exist.`;
  return `${path} cannot be written (${String(code ?? error)}).`;
}

/** What to do with the file. */
interface Lines {
  readonly variable: string;
  readonly advice: string;
}

function accountLines(path: string, url: URL): Lines {
  const file = quote(path);
  const metadata = ['HOST', 'ROOT', 'IP'].map((name) => `GCE_METADATA_${name}=${url.host}`).join(' ');
  return {
    variable: `export GOOGLE_APPLICATION_CREDENTIALS=${file}`,
    advice: `For gcloud: gcloud auth activate-service-account --key-file=${file}
Instead of both, without any file: export ${metadata}
`,
  };
}

/** Google's libraries ask for a user's tokens at Google, wherever the file says; gcloud can be told. */
function userLines(path: string, url: URL): Lines {
  return {
    variable: `export CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE=${quote(path)} CLOUDSDK_AUTH_TOKEN_HOST=${url.origin}/token`,
    advice: `For gcloud only: Google's libraries get a user's tokens from Google itself. For them leave --user away.\n`,
  };
}

/** As one word of a POSIX shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
