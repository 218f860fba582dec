import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GatewayError } from '../../errors.ts';
import { DEFAULT_MODEL_NAME } from '../../model-store/catalogue.ts';
import type { ModelListing, ModelState, ModelStore } from '../../model-store/model-store.ts';
import { openModelStore } from '../../model-store/model-store.ts';
import { createProgressBar, formatBytes } from '../progress-bar.ts';

/** What a command needs of the process it runs in. */
export interface ModelsCommandIo {
  readonly stdout: CommandOutput;
  readonly stderr: CommandOutput;
  readonly env: NodeJS.ProcessEnv;
  /** Ends a running download, as SIGINT and SIGTERM do. */
  readonly signal?: AbortSignal;
}

/** The part of a `tty.WriteStream` that is used. */
interface CommandOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const OK = 0;
const FAILURE = 1;
const USAGE = 2;

const HELP = `Usage: parlance models list [--json]
       parlance models pull [NAME]
       parlance models rm NAME

The embedded engine runs on GGUF files in PARLANCE_HOME/models (default ~/.parlance/models).

  list   shows the models Parlance knows and those on this machine
  pull   downloads a model, or goes on with a download that broke off
  rm     deletes a model's file

NAME is a name from the list, an https URL that ends in .gguf, or a file in the models folder.
Without NAME, pull fetches ${DEFAULT_MODEL_NAME}.

Options:
  --json      list as JSON
  -h, --help  this text

Exit codes: 0 done, 1 failed, 2 the command line was not understood.
`;

/** `parlance models ...`. @returns the exit code */
export async function runModelsCommand(args: readonly string[], io: ModelsCommandIo): Promise<number> {
  const command = parseCommand(args);
  if ('usageError' in command) {
    io.stderr.write(`${command.usageError}\n\n${HELP}`);
    return USAGE;
  }
  if (command.action === 'help') {
    io.stdout.write(HELP);
    return OK;
  }
  const configuredHome = io.env['PARLANCE_HOME'];
  const home =
    configuredHome === undefined || configuredHome === '' ? join(homedir(), '.parlance') : configuredHome;
  try {
    if (command.action === 'list') return list(openModelStore({ home }), command.json, io);
    if (command.action === 'rm') return await remove(command.name, openModelStore({ home }), io);
    return await pull(command.name, home, io);
  } catch (error) {
    if (error instanceof GatewayError) io.stderr.write(`${error.message}\n`);
    else io.stderr.write(`The models folder of ${home} cannot be used: ${String(error)}\n`);
    return FAILURE;
  }
}

type ModelsCommand =
  | { readonly action: 'help' }
  | { readonly action: 'list'; readonly json: boolean }
  | { readonly action: 'pull'; readonly name: string }
  | { readonly action: 'rm'; readonly name: string }
  | { readonly usageError: string };

function parseCommand(args: readonly string[]): ModelsCommand {
  let parsed;
  try {
    const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    return { usageError: error instanceof Error ? error.message : String(error) };
  }
  const { values, positionals } = parsed;
  const [action, name, ...rest] = positionals;
  if (values.help === true) return { action: 'help' };
  if (action === undefined) return { usageError: 'parlance models needs one of: list, pull, rm.' };
  if (rest.length > 0) return { usageError: `One model at a time: "${rest.join(' ')}" is too much.` };
  if (values.json === true && action !== 'list')
    return { usageError: '--json belongs to "parlance models list".' };
  switch (action) {
    case 'list':
      return name === undefined
        ? { action, json: values.json === true }
        : { usageError: `"parlance models list" takes no name, "${name}" was given.` };
    case 'pull':
      return { action, name: name ?? DEFAULT_MODEL_NAME };
    case 'rm':
      return name === undefined
        ? { usageError: '"parlance models rm" needs the name of a model.' }
        : { action, name };
    default:
      return { usageError: `"parlance models" knows list, pull and rm, not "${action}".` };
  }
}

function list(store: ModelStore, json: boolean, io: ModelsCommandIo): number {
  const models = store.list();
  if (json) {
    io.stdout.write(`${JSON.stringify({ directory: store.directory, models }, null, 2)}\n`);
    return OK;
  }
  const rows = [['NAME', 'SIZE', 'STATE', 'LICENCE', 'NOTE'], ...models.map(listRow)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows) {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    io.stdout.write(`${line.trimEnd()}\n`);
  }
  io.stdout.write(`\nFolder: ${store.directory}\n`);
  return OK;
}

function listRow(model: ModelListing): string[] {
  const name = model.isDefault ? `${model.name} (default)` : model.name;
  return [name, formatBytes(model.bytes), stateText(model), model.licence ?? '-', model.note ?? ''];
}

const STATE_WORDS: Readonly<Record<ModelState, string>> = {
  ready: 'on disk',
  absent: 'not here',
  partial: 'begun',
  damaged: 'wrong size',
};

function stateText({ state, bytes, bytesOnDisk }: ModelListing): string {
  return state === 'partial' ? `${Math.floor((bytesOnDisk / bytes) * 100)}% here` : STATE_WORDS[state];
}

async function pull(name: string, home: string, io: ModelsCommandIo): Promise<number> {
  const bar = createProgressBar({
    write: (text) => io.stderr.write(text),
    isTTY: io.stderr.isTTY === true,
    columns: () => io.stderr.columns ?? 80,
  });
  const store = openModelStore({
    home,
    env: io.env,
    log: (line) => {
      bar.finish();
      io.stderr.write(`${line}\n`);
    },
  });
  const interrupted = new AbortController();
  const interrupt = (): void => {
    interrupted.abort();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const signal =
      io.signal === undefined ? interrupted.signal : AbortSignal.any([io.signal, interrupted.signal]);
    const model = await store.pull(name, { onProgress: bar.update, signal });
    bar.finish();
    if (model.download?.verified === false) {
      io.stderr.write('The file was not verified against a published checksum. ');
      io.stderr.write(`Its SHA-256, recorded beside it, is ${model.download.sha256}\n`);
    }
    io.stdout.write(`${model.path}\n`);
    return OK;
  } finally {
    process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
    bar.finish();
  }
}

async function remove(name: string, store: ModelStore, io: ModelsCommandIo): Promise<number> {
  const removed = await store.remove(name);
  if (removed) io.stdout.write(`Removed ${name}.\n`);
  else io.stderr.write(`${name} is not on this machine.\n`);
  return removed ? OK : FAILURE;
}
