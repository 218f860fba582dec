import { resolve } from 'node:path';
import {
  DEFAULT_PROJECT,
  isEmail,
  isProjectId,
  localAccountOf,
} from '../../auth/local-google/account-names.ts';
import { createKeyFile, createUserFile } from '../../auth/local-google/credentials-file.ts';
import { isLoopbackUrl } from '../../auth/local-google/loopback.ts';
import { homeFolder } from '../../config/home-folder.ts';
import { GatewayError } from '../../errors.ts';
import type { CommandIo } from '../command-io.ts';
import { type CommandLine, CommandLineError, FAILURE, OK, runCommand } from '../run-command.ts';

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

const OPTIONS = {
  out: { type: 'string' },
  project: { type: 'string', default: DEFAULT_PROJECT },
  email: { type: 'string' },
  url: { type: 'string', default: DEFAULT_URL },
  user: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
} as const;

/** `parlance auth ...`. @returns the exit code */
export async function runAuthCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return await runCommand({ options: OPTIONS, help: HELP }, { args, io }, (line) =>
    createFile(readCommand(line), io),
  );
}

interface LocalCommand {
  readonly out: string;
  readonly project: string;
  readonly email: string;
  readonly url: URL;
  readonly user: boolean;
  readonly force: boolean;
}

function readCommand({ values, positionals }: CommandLine<typeof OPTIONS>): LocalCommand {
  const [action, ...rest] = positionals;
  if (action === undefined) throw new CommandLineError('parlance auth needs to know what to do: local.');
  if (action !== 'local') throw new CommandLineError(`"parlance auth" knows local, not "${action}".`);
  if (rest.length > 0)
    throw new CommandLineError(`"${rest.join(' ')}" is too much: the file is named with --out.`);
  const { out = '', project, user, force } = values;
  if (out === '') throw new CommandLineError('Name the file to create: --out FILE.');
  if (!isProjectId(project)) {
    throw new CommandLineError(
      `"${project}" is no project id: 6 to 30 lower-case letters, digits and hyphens.`,
    );
  }
  if (user && values.email === undefined) throw new CommandLineError('A user needs an address: --email E.');
  const email = values.email ?? localAccountOf(project);
  if (!isEmail(email)) throw new CommandLineError(`"${email}" is no e-mail address.`);
  return { out, project, email, url: readUrl(values.url), user, force };
}

function readUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' && url.pathname === '/' && isLoopbackUrl(url)) return url;
  throw new CommandLineError(
    `--url is the address of a server on this machine, such as ${DEFAULT_URL}, not "${text}".`,
  );
}

async function createFile(command: LocalCommand, io: CommandIo): Promise<number> {
  const { project, email, url, user, force } = command;
  const path = resolve(io.cwd, command.out);
  const home = homeFolder(io.env, io.cwd);
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
