import { addUp, type UsageGroup, type UsageSums, type UsageTotal } from '../state/usage/usage-totals.ts';
import { type CsvCell, csvText } from './csv.ts';
import { terminalJson, terminalText } from './terminal-text.ts';
import { textTable } from './text-table.ts';
import type { UsageFormat, UsageOptions } from './usage-options.ts';

export interface UsageReport extends Omit<UsageOptions, 'format'> {
  readonly totals: readonly UsageTotal[];
  /** Names of keys, by their id. */
  readonly names: ReadonlyMap<string, string>;
}

/** A column of a report. */
interface Column {
  /** In CSV and JSON. */
  readonly key: string;
  /** In the table. */
  readonly title: string;
}

interface SumColumn extends Column {
  readonly sum: keyof UsageSums;
}

interface GroupColumn extends Column {
  /** `null` where there is none. */
  readonly read: (total: UsageTotal, names: UsageReport['names']) => string | null;
}

const SUM_COLUMNS: readonly SumColumn[] = [
  { sum: 'requests', key: 'requests', title: 'REQUESTS' },
  { sum: 'failed', key: 'failed_requests', title: 'FAILED' },
  { sum: 'cancelled', key: 'cancelled_requests', title: 'CANCELLED' },
  { sum: 'open', key: 'open_requests', title: 'OPEN' },
  { sum: 'promptTokens', key: 'prompt_tokens', title: 'PROMPT' },
  { sum: 'completionTokens', key: 'completion_tokens', title: 'COMPLETION' },
  { sum: 'totalTokens', key: 'total_tokens', title: 'TOKENS' },
  { sum: 'reservedTokens', key: 'reserved_tokens', title: 'RESERVED' },
];

const CALLER_COLUMNS: readonly GroupColumn[] = [
  { key: 'caller', title: 'CALLER', read: ({ principal }) => principal ?? null },
  {
    key: 'caller_name',
    title: 'NAME',
    read: ({ principal = '' }, names) => names.get(principal) ?? null,
  },
];

/** @returns the whole output, with a line break at its end */
export function formatUsage(report: UsageReport, format: UsageFormat): string {
  switch (format) {
    case 'table':
      return toTable(report);
    case 'csv':
      return toCsv(report);
    case 'json':
      return toJson(report);
  }
}

function groupColumns(by: readonly UsageGroup[]): readonly GroupColumn[] {
  return by.flatMap((group) => {
    if (group === 'principal') return CALLER_COLUMNS;
    return { key: group, title: group.toUpperCase(), read: (total) => total[group] ?? null };
  });
}

function toRecords({ by, totals, names }: UsageReport): Record<string, CsvCell>[] {
  const groups = groupColumns(by);
  return totals.map((total) =>
    Object.fromEntries<CsvCell>([
      ...groups.map(({ key, read }) => [key, read(total, names)] as const),
      ...SUM_COLUMNS.map(({ key, sum }) => [key, total[sum]] as const),
    ]),
  );
}

function toJson(report: UsageReport): string {
  return terminalJson(toRecords(report), 2);
}

function toCsv(report: UsageReport): string {
  const keys = [...groupColumns(report.by), ...SUM_COLUMNS].map(({ key }) => key);
  return csvText([keys, ...toRecords(report).map((record) => keys.map((key) => record[key] ?? null))]);
}

const NUMBER = new Intl.NumberFormat('en-US');

const DAY_LENGTH = 'YYYY-MM-DD'.length;

function toTable(report: UsageReport): string {
  const { by, totals, names } = report;
  const which = describe(report);
  if (totals.length === 0) return `No requests${which}.\n`;
  const groups = groupColumns(by);
  const all = addUp(totals);
  const numbersOf = (sums: UsageSums) => SUM_COLUMNS.map(({ sum }) => NUMBER.format(sums[sum]));
  const table = textTable(
    [...groups, ...SUM_COLUMNS.map(({ title }) => ({ title, align: 'right' as const }))],
    [
      ...totals.map((total) => groups.map(({ read }) => read(total, names) || '-').concat(numbersOf(total))),
      groups.map((_, index): string => (index === 0 ? 'TOTAL' : '')).concat(numbersOf(all)),
    ],
  );
  return `Requests${which}, and their tokens:\n\n${table}${explainReserved(all)}`;
}

function describe({ caller, model, ...period }: UsageReport): string {
  const parts = [
    ...(caller === undefined ? [] : [`of ${terminalText(caller)}`]),
    ...(model === undefined ? [] : [`to ${terminalText(model)}`]),
    describePeriod(period),
  ];
  return parts.map((part) => ` ${part}`).join('');
}

function describePeriod({ from, to }: Pick<UsageReport, 'from' | 'to'>): string {
  const first = from?.toISOString().slice(0, DAY_LENGTH);
  const last = to && new Date(to.getTime() - 1).toISOString().slice(0, DAY_LENGTH);
  if (first === undefined) return `until ${last} (UTC)`;
  if (last === undefined) return `since ${first} (UTC)`;
  return first === last ? `of ${first} (UTC)` : `from ${first} to ${last} (UTC)`;
}

/** That not all of a sum is known, where that is so. */
function explainReserved({ open, reservedTokens }: UsageSums): string {
  if (open === 0 && reservedTokens === 0) return '';
  return `
RESERVED is the part of TOKENS that may not have been used: it was set aside for requests whose use is not known.
Those under OPEN still run, or their server was killed. The others ended before the model told what they used.
`;
}
