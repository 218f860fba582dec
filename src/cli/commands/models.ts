import { homeFolder } from '../../config/home-folder.ts';
import { GatewayError } from '../../errors.ts';
import { DEFAULT_MODEL_NAME } from '../../model-store/catalogue.ts';
import type { ModelListing, ModelState, ModelStore } from '../../model-store/model-store.ts';
import { openModelStore } from '../../model-store/model-store.ts';
import type { CommandIo } from '../command-io.ts';
import { shownModelName } from '../../model-store/resolve-model.ts';
import { createProgressBar, formatBytes } from '../progress-bar.ts';
import { type CommandLine, CommandLineError, FAILURE, OK, runCommand } from '../run-command.ts';
import { terminalJson } from '../terminal-text.ts';
import { type TableColumn, textTable } from '../text-table.ts';

/** What the command needs of the process it runs in. */
export interface ModelsCommandIo extends CommandIo {
  /** Ends a running download, as SIGINT and SIGTERM do. */
  readonly signal?: AbortSignal;
}

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

const OPTIONS = { json: { type: 'boolean', default: false } } as const;

/** `parlance models ...`. @returns the exit code */
export async function runModelsCommand(args: readonly string[], io: ModelsCommandIo): Promise<number> {
  return await runCommand({ options: OPTIONS, help: HELP }, { args, io }, async (line) => {
    const command = readCommand(line);
    const home = homeFolder(io.env, io.cwd);
    try {
      if (command.action === 'list') return list(openModelStore({ home }), command.json, io);
      if (command.action === 'rm') return await remove(command.name, openModelStore({ home }), io);
      return await pull(command.name, home, io);
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      throw new Error(`The models folder of ${home} cannot be used: ${String(error)}`, { cause: error });
    }
  });
}

type ModelsCommand =
  | { readonly action: 'list'; readonly json: boolean }
  | { readonly action: 'pull'; readonly name: string }
  | { readonly action: 'rm'; readonly name: string };

function readCommand({ values: { json }, positionals }: CommandLine<typeof OPTIONS>): ModelsCommand {
  const [action, name, ...rest] = positionals;
  if (action === undefined) throw new CommandLineError('parlance models needs one of: list, pull, rm.');
  if (rest.length > 0) throw new CommandLineError(`One model at a time: "${rest.join(' ')}" is too much.`);
  if (json && action !== 'list') throw new CommandLineError('--json belongs to "parlance models list".');
  switch (action) {
    case 'list':
      if (name !== undefined)
        throw new CommandLineError(`"parlance models list" takes no name, "${name}" was given.`);
      return { action, json };
    case 'pull':
      return { action, name: name ?? DEFAULT_MODEL_NAME };
    case 'rm':
      if (name === undefined) throw new CommandLineError('"parlance models rm" needs the name of a model.');
      return { action, name };
    default:
      throw new CommandLineError(`"parlance models" knows list, pull and rm, not "${action}".`);
  }
}

const COLUMNS: readonly TableColumn[] = ['NAME', 'SIZE', 'STATE', 'LICENCE', 'NOTE'].map((title) => ({
  title,
}));

function list(store: ModelStore, json: boolean, io: CommandIo): number {
  const models = store.list();
  if (json) {
    io.stdout.write(terminalJson({ directory: store.directory, models }, 2));
    return OK;
  }
  io.stdout.write(textTable(COLUMNS, models.map(listRow)));
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

async function remove(name: string, store: ModelStore, io: CommandIo): Promise<number> {
  const removed = await store.remove(name);
  const shown = shownModelName(name);
  if (removed) io.stdout.write(`Removed ${shown}.\n`);
  else io.stderr.write(`${shown} is not on this machine.\n`);
  return removed ? OK : FAILURE;
}
