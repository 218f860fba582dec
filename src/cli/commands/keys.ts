import { withKeptState } from '../../compose/kept-state.ts';
import type { KeyAdmin } from '../../state/keys/key-admin.ts';
import type { NewKey } from '../../state/keys/key-store.ts';
import type { StoredKey } from '../../state/keys/stored-key.ts';
import { commandConfig } from '../command-config.ts';
import type { CommandIo } from '../command-io.ts';
import { describePolicy, KEY_OPTIONS, readKey } from '../key-options.ts';
import { type CommandLine, CommandLineError, FAILURE, OK, runCommand } from '../run-command.ts';
import { terminalJson, terminalText } from '../terminal-text.ts';
import { type TableColumn, textTable } from '../text-table.ts';

const HELP = `Usage: parlance keys create --name NAME [options]
       parlance keys list [--json]
       parlance keys revoke ID

Keys of callers, for \`auth: { mode: keys }\`. They are kept as hashes in PARLANCE_HOME (default ~/.parlance), or in the
database of \`state\` in the configuration. They may be changed while the server runs: a new key works at once,
a revoked one ends at once, on further replicas within ten seconds.

  create   makes a key and shows it, this once
  list     shows all keys, without their secret
  revoke   ends a key for good

Options of create:
  --name NAME        for whom or what it is
  --models A,B       model names it may ask for; * stands for any characters
  --endpoints A,B    endpoint ids it may use
  --projects A,B     projects of the URL it may use
  --expires WHEN     30d, 12h, or a date such as 2027-01-31 (UTC)

  --requests-per-minute N, --tokens-per-minute N, --concurrent-requests N,
  --tokens-per-day N, --tokens-per-month N
                     how much it may use, in place of that limit in the configuration; days and months are
                     those of UTC, tokens those of prompt and answer together

Options of all:
  --json             output as JSON
  --config FILE      the configuration (default: PARLANCE_CONFIG, else ./parlance.yaml if it is there)
  -h, --help         this text

Standard output of create is the key alone: KEY=$(parlance keys create --name ci)

Exit codes: 0 done, 1 failed, 2 the command line was not understood.
`;

const OPTIONS = {
  ...KEY_OPTIONS,
  json: { type: 'boolean', default: false },
  config: { type: 'string' },
} as const;

/** `parlance keys ...`. @returns the exit code */
export async function runKeysCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return await runCommand({ options: OPTIONS, help: HELP }, { args, io }, async (line) => {
    const command = readCommand(line);
    const config = commandConfig(line.values.config, io);
    return await withKeptState(config, ({ keys }) => run(command, keys, io));
  });
}

type KeysCommand = { readonly json: boolean } & (
  | { readonly action: 'create'; readonly key: NewKey }
  | { readonly action: 'list' }
  | { readonly action: 'revoke'; readonly id: string }
);

function readCommand({ values, positionals }: CommandLine<typeof OPTIONS>): KeysCommand {
  const { json, config: _config, ...options } = values;
  const [action, id, ...rest] = positionals;
  const [given] = Object.keys(options);
  if (action !== 'create' && given !== undefined) throw new CommandLineError(`--${given} belongs to create.`);
  if (rest.length > 0 || (action !== 'revoke' && id !== undefined))
    throw new CommandLineError(`"${[...(action === 'revoke' ? [] : [id]), ...rest].join(' ')}" is too much.`);
  switch (action) {
    case 'create':
      return { action, key: readKey(options), json };
    case 'list':
      return { action, json };
    case 'revoke':
      if (id === undefined)
        throw new CommandLineError('Name the key by its id: parlance keys revoke key_...');
      return { action, id, json };
    default:
      throw new CommandLineError(
        action === undefined
          ? 'parlance keys needs to know what to do: create, list or revoke.'
          : `"parlance keys" knows create, list and revoke, not "${action}".`,
      );
  }
}

async function run(command: KeysCommand, keys: KeyAdmin, { stdout, stderr }: CommandIo): Promise<number> {
  switch (command.action) {
    case 'create': {
      const created = await keys.create(command.key);
      if (command.json) {
        stdout.write(terminalJson(created));
        return OK;
      }
      const name = terminalText(command.key.name);
      stderr.write(`Key ${created.id} for ${name}. It is shown this once; only its hash is kept.\n`);
      stdout.write(`${created.key}\n`);
      return OK;
    }
    case 'list': {
      const list = await keys.list();
      stdout.write(command.json ? terminalJson(list, 2) : toTable(list));
      return OK;
    }
    case 'revoke': {
      const key = await keys.revoke(command.id);
      if (key === undefined) {
        stderr.write(`There is no key ${command.id}. "parlance keys list" shows those there are.\n`);
        return FAILURE;
      }
      stdout.write(
        command.json ? terminalJson(key) : `Key ${key.id} of ${terminalText(key.name)} is revoked.\n`,
      );
      return OK;
    }
  }
}

const COLUMNS: readonly TableColumn[] = ['ID', 'NAME', 'KEY', 'STATE', 'LAST USED', 'MAY USE'].map(
  (title) => ({
    title,
  }),
);

function toTable(keys: readonly StoredKey[]): string {
  if (keys.length === 0) return 'No keys yet. Make one: parlance keys create --name NAME\n';
  return textTable(COLUMNS, keys.map(toRow));
}

function toRow({ id, name, prefix, policy, expiresAt, revokedAt, lastUsedAt }: StoredKey): string[] {
  return [
    id,
    name,
    `${prefix}...`,
    stateOf({ expiresAt, revokedAt }),
    lastUsedAt === undefined ? 'never' : minute(lastUsedAt),
    describePolicy(policy),
  ];
}

/** In UTC. */
function minute(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ');
}

function stateOf({ expiresAt, revokedAt }: Pick<StoredKey, 'expiresAt' | 'revokedAt'>): string {
  if (revokedAt !== undefined) return `revoked ${minute(revokedAt)}`;
  if (expiresAt === undefined) return 'valid';
  return `${expiresAt.getTime() > Date.now() ? 'valid until' : 'expired'} ${minute(expiresAt)}`;
}
