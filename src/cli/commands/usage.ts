import { usageKeptFrom, usesDatabase, withKeptState } from '../../compose/kept-state.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { bareModelName } from '../../routing/model-name.ts';
import type { StateAdmin } from '../../state/state-admin.ts';
import { commandConfig } from '../command-config.ts';
import type { CommandIo } from '../command-io.ts';
import { CommandLineError, OK, runCommand } from '../run-command.ts';
import { readUsageOptions, USAGE_OPTIONS, type UsageOptions } from '../usage-options.ts';
import { formatUsage, type UsageReport } from '../usage-report.ts';

const HELP = `Usage: parlance usage [--by GROUPS] [--from DATE] [--to DATE] [--caller WHO] [--model NAME]
                      [--format FORMAT] [--config FILE]

Shows how many requests callers made and how many tokens they used: of this month, unless dates say otherwise. Days and
months are those of UTC. It works while the server runs, and when it does not.

Options:
  --by GROUPS      what to add up by: day, month, caller (or key), upstream, model, or several with a comma between;
                   default caller
  --from DATE      from this day on, such as 2026-07-31, or this month, such as 2026-07
  --to DATE        until the end of this day or month
  --caller WHO     of this caller only: a key's id or name, or an account
  --model NAME     of this model only
  --format FORMAT  table, the default, csv or json
  --json           the same as --format json
  --config FILE    the configuration (default: PARLANCE_CONFIG, else ./parlance.yaml if it is there)
  -h, --help       this text

Tokens are those a request used, or, where that is not known, those reserved for it: what counts against budgets.
The server keeps usage for as many days as \`state.usage_days\` in the configuration says, 400 by default.

Exit codes: 0 done, 1 failed, 2 the command line was not understood.
`;

const OPTIONS = { ...USAGE_OPTIONS, config: { type: 'string' } } as const;

/** `parlance usage`. @returns the exit code */
export async function runUsageCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return await runCommand({ options: OPTIONS, help: HELP }, { args, io }, async ({ values, positionals }) => {
    if (positionals.length > 0) throw new CommandLineError(`"${positionals.join(' ')}" is too much.`);
    const now = Date.now();
    const options = readUsageOptions(values, now);
    const config = commandConfig(values.config, io);
    const report = await withKeptState(config, (state) => readReport(state, options));
    for (const notice of noticesOf(report, { config, now })) io.stderr.write(`${notice}\n`);
    io.stdout.write(formatUsage(report, options.format));
    return OK;
  });
}

async function readReport(
  { keys, usage }: StateAdmin,
  { format: _format, ...asked }: UsageOptions,
): Promise<UsageReport> {
  const { by, from, to, caller, model } = asked;
  const names = new Map((await keys.list()).map(({ id, name }) => [id, name]));
  const totals = await usage.totals({
    by,
    from,
    to,
    principals: caller === undefined ? undefined : idsOf(caller, names),
    // Written down are names without `google/` and `models/`, except where the configuration gives a name.
    models: model === undefined ? undefined : [model, bareModelName(model)],
  });
  return { ...asked, totals, names };
}

/** Accounts are their own ids. Keys may share a name. */
function idsOf(caller: string, names: UsageReport['names']): string[] {
  return [caller, ...[...names].flatMap(([id, name]) => (name === caller ? [id] : []))];
}

/** What a report cannot show. */
function noticesOf(
  { from, totals }: UsageReport,
  { config, now }: { readonly config: LoadedConfig; readonly now: number },
): string[] {
  const kept = new Date(usageKeptFrom(config, now));
  const isCut = from !== undefined && from < kept;
  return [
    ...(isCut ? [`Usage before ${kept.toISOString().slice(0, 'YYYY-MM-DD'.length)} is not kept.`] : []),
    ...(totals.length === 0 && !usesDatabase(config)
      ? ['With this configuration the server keeps no usage. To have it kept, write `state: {}` there.']
      : []),
  ];
}
