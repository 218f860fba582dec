import { parseArgs } from 'node:util';
import type { CallerPolicy, LimitName } from '../../caller-policy.ts';
import { hasCredentials } from '../../auth/outbound/google-credentials.ts';
import { withKeptState } from '../../compose/kept-state.ts';
import { ConfigError } from '../../config/config-error.ts';
import { loadConfig } from '../../config/load.ts';
import type { KeyAdmin } from '../../state/keys/key-admin.ts';
import type { NewKey } from '../../state/keys/key-store.ts';
import type { StoredKey } from '../../state/keys/stored-key.ts';

/** What a command needs of the process it runs in. */
export interface KeysCommandIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

const OK = 0;
const FAILURE = 1;
const USAGE = 2;

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

/** The command line was not understood. */
class UsageError extends Error {}

/** `parlance keys ...`. @returns the exit code */
export async function runKeysCommand(args: readonly string[], io: KeysCommandIo): Promise<number> {
  try {
    const command = readCommand(args);
    if (command.action === 'help') {
      io.stdout.write(HELP);
      return OK;
    }
    const { env, cwd } = io;
    const config = loadConfig({ env, cwd, path: command.config, hasGoogleCredentials: hasCredentials(env) });
    return await withKeptState(config, ({ keys }) => run(command, keys, io));
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`${error.message}\n\n${HELP}`);
      return USAGE;
    }
    io.stderr.write(
      error instanceof ConfigError
        ? error.format()
        : `${error instanceof Error ? error.message : String(error)}\n`,
    );
    return FAILURE;
  }
}

interface Common {
  readonly json: boolean;
  readonly config: string | undefined;
}

type KeysCommand = Common &
  (
    | { readonly action: 'create'; readonly key: NewKey }
    | { readonly action: 'list' }
    | { readonly action: 'revoke'; readonly id: string }
  );

async function run(command: KeysCommand, keys: KeyAdmin, { stdout, stderr }: KeysCommandIo): Promise<number> {
  switch (command.action) {
    case 'create': {
      const created = await keys.create(command.key);
      if (command.json) {
        stdout.write(`${JSON.stringify(created)}\n`);
        return OK;
      }
      stderr.write(
        `Key ${created.id} for ${command.key.name}. It is shown this once; only its hash is kept.\n`,
      );
      stdout.write(`${created.key}\n`);
      return OK;
    }
    case 'list': {
      const list = await keys.list();
      stdout.write(command.json ? `${JSON.stringify(list, null, 2)}\n` : toTable(list));
      return OK;
    }
    case 'revoke': {
      const key = await keys.revoke(command.id);
      if (key === undefined) {
        stderr.write(`There is no key ${command.id}. "parlance keys list" shows those there are.\n`);
        return FAILURE;
      }
      stdout.write(command.json ? `${JSON.stringify(key)}\n` : `Key ${key.id} of ${key.name} is revoked.\n`);
      return OK;
    }
  }
}

const OPTIONS = {
  name: { type: 'string' },
  models: { type: 'string' },
  endpoints: { type: 'string' },
  projects: { type: 'string' },
  expires: { type: 'string' },
  'requests-per-minute': { type: 'string' },
  'tokens-per-minute': { type: 'string' },
  'concurrent-requests': { type: 'string' },
  'tokens-per-day': { type: 'string' },
  'tokens-per-month': { type: 'string' },
  json: { type: 'boolean', default: false },
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Options of create that say how much a key may use. */
const LIMIT_OPTIONS = {
  'requests-per-minute': 'requestsPerMinute',
  'tokens-per-minute': 'tokensPerMinute',
  'concurrent-requests': 'concurrentRequests',
  'tokens-per-day': 'tokensPerDay',
  'tokens-per-month': 'tokensPerMonth',
} as const satisfies Record<string, LimitName>;

type LimitOption = keyof typeof LIMIT_OPTIONS;

const limitOptions = Object.keys(LIMIT_OPTIONS) as readonly LimitOption[];

/** Options of create that say what a key may be used for. */
const LIST_OPTIONS = ['models', 'endpoints', 'projects'] as const;

type Values = Partial<Record<LimitOption | (typeof LIST_OPTIONS)[number] | 'name' | 'expires', string>>;

function readCommand(args: readonly string[]): KeysCommand | { readonly action: 'help' } {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const {
    values: { help, json, config, ...values },
    positionals: [action, id, ...rest],
  } = parsed;
  if (help) return { action: 'help' };
  const common = { json, config };
  const [given] = Object.keys(values);
  if (action !== 'create' && given !== undefined) throw new UsageError(`--${given} belongs to create.`);
  if (rest.length > 0 || (action !== 'revoke' && id !== undefined))
    throw new UsageError(`"${[...(action === 'revoke' ? [] : [id]), ...rest].join(' ')}" is too much.`);
  switch (action) {
    case 'create':
      return { action, key: readKey(values), ...common };
    case 'list':
      return { action, ...common };
    case 'revoke':
      if (id === undefined) throw new UsageError('Name the key by its id: parlance keys revoke key_...');
      return { action, id, ...common };
    default:
      throw new UsageError(
        action === undefined
          ? 'parlance keys needs to know what to do: create, list or revoke.'
          : `"parlance keys" knows create, list and revoke, not "${action}".`,
      );
  }
}

function readKey(values: Values): NewKey {
  const { name = '', expires } = values;
  if (name.trim() === '') throw new UsageError('Say for whom the key is: --name NAME.');
  return {
    name: name.trim(),
    policy: readPolicy(values),
    ...(expires !== undefined && { expiresAt: readExpiry(expires) }),
  };
}

function readPolicy(values: Values): CallerPolicy {
  const lists = LIST_OPTIONS.flatMap((option) => {
    const text = values[option];
    return text === undefined ? [] : [[option, readList(option, text)] as const];
  });
  const limits = limitOptions.flatMap((option) => {
    const text = values[option];
    return text === undefined ? [] : [[LIMIT_OPTIONS[option], readLimit(option, text)] as const];
  });
  return {
    ...Object.fromEntries(lists),
    ...(limits.length > 0 && { limits: Object.fromEntries(limits) }),
  };
}

function readLimit(option: LimitOption, text: string): number {
  if (!/^[1-9]\d{0,11}$/.test(text))
    throw new UsageError(`--${option} wants a whole number from 1 to 999999999999, not "${text}".`);
  return Number(text);
}

function readList(option: string, text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim());
  if (entries.includes(''))
    throw new UsageError(`--${option} wants names with a comma between: --${option} A,B.`);
  return entries;
}

const HOUR_MS = 3_600_000;

const DATE = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/;

function readExpiry(text: string): Date {
  const [, count, unit] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  const date =
    count === undefined
      ? new Date(DATE.test(text) ? text : Number.NaN)
      : new Date(Date.now() + Number(count) * (unit === 'd' ? 24 * HOUR_MS : HOUR_MS));
  if (!(date.getTime() > Date.now()))
    throw new UsageError(`--expires wants 30d, 12h or a date to come such as 2027-01-31, not "${text}".`);
  return date;
}

const COLUMNS = ['ID', 'NAME', 'KEY', 'STATE', 'LAST USED', 'MAY USE'] as const;

function toTable(keys: readonly StoredKey[]): string {
  if (keys.length === 0) return 'No keys yet. Make one: parlance keys create --name NAME\n';
  const rows = [COLUMNS, ...keys.map(toRow)];
  const widths = COLUMNS.map((_column, index) => Math.max(...rows.map((row) => row[index]!.length)));
  return rows
    .map(
      (row) =>
        row
          .map((cell, index) => cell.padEnd(widths[index]!))
          .join('  ')
          .trimEnd() + '\n',
    )
    .join('');
}

function toRow({ id, name, prefix, policy, expiresAt, revokedAt, lastUsedAt }: StoredKey): string[] {
  return [
    id,
    printable(name),
    `${prefix}...`,
    stateOf({ expiresAt, revokedAt }),
    lastUsedAt === undefined ? 'never' : minute(lastUsedAt),
    printable(describePolicy(policy)),
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

function describePolicy(policy: CallerPolicy): string {
  const lists = LIST_OPTIONS.flatMap((name) => {
    const list = policy[name];
    return list === undefined ? [] : `${name} ${list.join(', ')}`;
  });
  const limits = limitOptions.flatMap((option) => {
    const limit = policy.limits?.[LIMIT_OPTIONS[option]];
    return limit === undefined ? [] : `${limit} ${option.replaceAll('-', ' ')}`;
  });
  return [...(lists.length === 0 ? ['everything'] : lists), ...limits].join('; ');
}

/** Names are anybody's text, and a terminal obeys control characters. */
function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?');
}
