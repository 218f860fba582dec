import { readFileSync } from 'node:fs';
import { errorText } from '../observability/describe-error.ts';
import type { CommandIo } from './command-io.ts';

const HELP = `Usage: parlance [serve] [--config FILE] [--host HOST] [--port PORT]
       parlance models list | pull [NAME] | rm NAME
       parlance auth local --out FILE
       parlance keys create --name NAME | list | revoke ID
       parlance usage [--by day,month,caller,upstream,model] [--from DATE] [--to DATE] [--format table|csv|json]
       parlance explain FILE [--upstream NAME] [--model NAME] [--config FILE] [--json]
       parlance --version | --help

  serve    answers Chat Completions requests; the default command
  models   shows, fetches and deletes model files of the embedded engine
  auth     signs Google's clients in to this machine's server, without Google
  keys     gives out and withdraws keys of this server
  usage    shows what callers have used
  explain  shows what becomes of a request, without sending it

"parlance COMMAND --help" tells more. The configuration is described in docs/configuration.md.
`;

/** Version of this package. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

/**
 * The command line. Commands are loaded when they are called, so that none pays for another.
 *
 * @param args without the program's own name
 * @returns the exit code: 0 done, 1 failed, 2 the command line was not understood
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    // Node.js would show all that the error carries, such as a URL with a password.
    process.stderr.write(errorText(error));
    // Half of a server may be there, and would stay.
    return process.exit(1);
  }
}

async function run(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case '--help':
    case '-h':
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case '--version':
    case '-v':
      process.stdout.write(`${packageVersion()}\n`);
      return 0;
    case 'models': {
      const { runModelsCommand } = await import('./commands/models.ts');
      return runModelsCommand(rest, processIo());
    }
    case 'explain': {
      const { runExplainCommand } = await import('./commands/explain.ts');
      return runExplainCommand(rest, { stdin: process.stdin, ...processIo() });
    }
    case 'auth': {
      const { runAuthCommand } = await import('./commands/auth.ts');
      return runAuthCommand(rest, processIo());
    }
    case 'keys': {
      const { runKeysCommand } = await import('./commands/keys.ts');
      return runKeysCommand(rest, processIo());
    }
    case 'usage': {
      const { runUsageCommand } = await import('./commands/usage.ts');
      return runUsageCommand(rest, processIo());
    }
    case 'serve':
      return serve(rest);
    default:
      if (command === undefined || command.startsWith('-')) return serve(args);
      process.stderr.write(`parlance has no command "${command}".\n\n${HELP}`);
      return 2;
  }
}

function processIo(): CommandIo {
  const { stdout, stderr, env } = process;
  return { stdout, stderr, env, cwd: process.cwd() };
}

async function serve(args: readonly string[]): Promise<number> {
  const { runServeCommand } = await import('./commands/serve.ts');
  return runServeCommand(args, packageVersion());
}
