import { endOfDay, endOfMonth, startOfMonth } from '../state/limits/periods.ts';
import type { UsageGroup, UsageQuery } from '../state/usage/usage-totals.ts';
import { type CommandLine, CommandLineError } from './run-command.ts';

export const USAGE_OPTIONS = {
  by: { type: 'string', default: 'caller' },
  from: { type: 'string' },
  to: { type: 'string' },
  caller: { type: 'string' },
  model: { type: 'string' },
  format: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

type UsageValues = CommandLine<typeof USAGE_OPTIONS>['values'];

const FORMATS = ['table', 'csv', 'json'] as const;

export type UsageFormat = (typeof FORMATS)[number];

export interface UsageOptions extends Pick<UsageQuery, 'by' | 'from' | 'to'> {
  /** A key's id or name, or an account. */
  readonly caller: string | undefined;
  readonly model: string | undefined;
  readonly format: UsageFormat;
}

/** What reports can be grouped by, as people say it. */
const GROUPS: ReadonlyMap<string, UsageGroup> = new Map([
  ['day', 'day'],
  ['month', 'month'],
  ['caller', 'principal'],
  ['key', 'principal'],
  ['upstream', 'upstream'],
  ['model', 'model'],
]);

/**
 * @param now in milliseconds since 1970; what nobody gives dates for is of this month
 * @throws {CommandLineError} that says which option is wrong
 */
export function readUsageOptions(values: UsageValues, now: number): UsageOptions {
  const { caller, model } = values;
  const from = values.from === undefined ? undefined : readDate('from', values.from).from;
  const to = values.to === undefined ? undefined : readDate('to', values.to).to;
  if (from !== undefined && to !== undefined && from >= to)
    throw new CommandLineError(`--from ${values.from} is after --to ${values.to}.`);
  const hasDates = from !== undefined || to !== undefined;
  return {
    by: readGroups(values.by),
    from: hasDates ? from : new Date(startOfMonth(now)),
    to,
    caller: readName('caller', caller),
    model: readName('model', model),
    format: readFormat(values),
  };
}

function readGroups(text: string): UsageGroup[] {
  const groups = text.split(',').map((name) => {
    const group = GROUPS.get(name.trim());
    if (group !== undefined) return group;
    throw new CommandLineError(
      `--by wants day, month, caller, upstream or model, or several with a comma between, not "${text}".`,
    );
  });
  return [...new Set(groups)];
}

const DATE = /^\d{4}-\d{2}(?:-\d{2})?$/;

/** The time a day or month takes, in UTC; its end is exclusive. */
function readDate(option: string, text: string): { readonly from: Date; readonly to: Date } {
  const from = new Date(DATE.test(text) ? text : Number.NaN);
  const time = from.getTime();
  // A 30th of February would be a day in March.
  if (Number.isNaN(time) || !from.toISOString().startsWith(text))
    throw new CommandLineError(
      `--${option} wants a day such as 2026-07-31 or a month such as 2026-07, not "${text}".`,
    );
  const end = text.length === 'YYYY-MM'.length ? endOfMonth(time) : endOfDay(time);
  return { from, to: new Date(end) };
}

function readName(option: string, text: string | undefined): string | undefined {
  if (text?.trim() === '') throw new CommandLineError(`--${option} wants a name.`);
  return text;
}

function readFormat({ format, json }: UsageValues): UsageFormat {
  const name = format ?? (json ? 'json' : 'table');
  const known = FORMATS.find((one) => one === name);
  if (known === undefined) throw new CommandLineError(`--format wants table, csv or json, not "${name}".`);
  if (json && known !== 'json')
    throw new CommandLineError(`--json and --format ${known} exclude each other.`);
  return known;
}
