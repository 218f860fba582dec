import type { Queryable, SqlValue } from '../database/database.ts';
import { endOfDay, startOfDay } from '../limits/periods.ts';

/** Columns that totals can be grouped by. */
const COLUMNS = ['principal', 'upstream', 'model', 'endpoint'] as const;

type Column = (typeof COLUMNS)[number];

/** What totals can be grouped by. `day` is such as `2026-07-31` and `month` such as `2026-07`, both of UTC. */
export type UsageGroup = 'day' | 'month' | Column;

const GROUPS: ReadonlySet<string> = new Set<UsageGroup>(['day', 'month', ...COLUMNS]);

export function isUsageGroup(name: string): name is UsageGroup {
  return GROUPS.has(name);
}

export interface UsageQuery {
  /** In this order; the rows are sorted by it. With none there is one row for everything. */
  readonly by: readonly UsageGroup[];
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly to?: Date | undefined;
  /** Of these only. @default of all */
  readonly principals?: readonly string[] | undefined;
  /** Of these only. @default of all */
  readonly models?: readonly string[] | undefined;
}

/** One row of a report: a text for each group that was asked for, and the sums. */
export type UsageTotal = Readonly<Partial<Record<UsageGroup, string>>> & UsageSums;

export interface UsageSums {
  readonly requests: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Requests that run, or whose end was never written because their server was killed. */
  readonly open: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** What counts against budgets: the tokens used, or those reserved where it is not known what was used. */
  readonly totalTokens: number;
  /** The part of `totalTokens` that was reserved and of which it is not known whether it was used. */
  readonly reservedTokens: number;
}

/** Where reports come from: the database's side and the control socket's are the same to who asks. */
export interface UsageReader {
  totals(query: UsageQuery): Promise<readonly UsageTotal[]>;
}

/** What a row counts for. */
export const COUNTED_TOKENS = 'coalesce(total_tokens, reserved_tokens)';

const SUMS: Readonly<Record<keyof UsageSums, string>> = {
  requests: 'count(*)',
  failed: "count(*) filter (where status = 'failed')",
  cancelled: "count(*) filter (where status = 'cancelled')",
  open: "count(*) filter (where status = 'open')",
  promptTokens: 'coalesce(sum(prompt_tokens), 0)::bigint',
  completionTokens: 'coalesce(sum(completion_tokens), 0)::bigint',
  totalTokens: `coalesce(sum(${COUNTED_TOKENS}), 0)::bigint`,
  reservedTokens: 'coalesce(sum(reserved_tokens) filter (where total_tokens is null), 0)::bigint',
};

const SUM_NAMES = Object.keys(SUMS) as readonly (keyof UsageSums)[];

const SUM_COLUMNS = SUM_NAMES.map((name) => `${SUMS[name]} as "${name}"`).join(', ');

/** The sums of several rows of a report; of none they are 0. */
export function addUp(rows: readonly UsageSums[]): UsageSums {
  const sums = SUM_NAMES.map((name) => [name, rows.reduce((sum, row) => sum + row[name], 0)]);
  return Object.fromEntries(sums) as Record<keyof UsageSums, number>;
}

/**
 * Reads a report a day at a time: the embedded database does one thing at once, and requests that have to be written
 * wait no longer than for one day's rows.
 */
export async function readTotals(database: Queryable, query: UsageQuery): Promise<readonly UsageTotal[]> {
  const { by } = query;
  const totals = new Map<string, UsageTotal>();
  const end = query.to?.toISOString() ?? 'infinity';
  let from = query.from?.toISOString() ?? '-infinity';
  for (;;) {
    const first = await firstTime(database, from, end);
    if (first === undefined) break;
    const to = new Date(Math.min(endOfDay(first), query.to?.getTime() ?? Infinity)).toISOString();
    for (const row of await readDay(database, query, { from: new Date(first).toISOString(), to })) {
      const total = { ...datesOf(first, by), ...row };
      const key = JSON.stringify(groupsOf(total, by));
      const known = totals.get(key);
      totals.set(key, known === undefined ? total : { ...known, ...addUp([known, total]) });
    }
    from = to;
  }
  if (by.length === 0 && totals.size === 0) return [addUp([])];
  return [...totals.values()].toSorted((left, right) => compare(groupsOf(left, by), groupsOf(right, by)));
}

/** When the first request of a time came, in milliseconds since 1970. */
async function firstTime(database: Queryable, from: string, to: string): Promise<number | undefined> {
  const [row] = await database.query<{ first: Date | null }>(
    'select min(at) as first from parlance.usage where at >= $1::timestamptz and at < $2::timestamptz',
    [from, to],
  );
  return row?.first?.getTime();
}

/** The sums of a time within one day, by those of the groups that are columns. */
async function readDay(
  database: Queryable,
  { by, principals, models }: UsageQuery,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<readonly UsageTotal[]> {
  const columns = COLUMNS.filter((column) => by.includes(column));
  const parameters: SqlValue[] = [from, to, listOrNull(principals), listOrNull(models)];
  return await database.query<UsageTotal>(
    `select ${[...columns, SUM_COLUMNS].join(', ')} from parlance.usage
     where at >= $1::timestamptz and at < $2::timestamptz
       and ($3::jsonb is null or principal in (select jsonb_array_elements_text($3::jsonb)))
       and ($4::jsonb is null or model in (select jsonb_array_elements_text($4::jsonb)))
     ${columns.length === 0 ? '' : `group by ${columns.join(', ')}`}
     having count(*) > 0`,
    parameters,
  );
}

function listOrNull(names: readonly string[] | undefined): string | null {
  return names === undefined ? null : JSON.stringify(names);
}

function datesOf(time: number, by: readonly UsageGroup[]): Partial<Record<UsageGroup, string>> {
  const date = new Date(startOfDay(time)).toISOString();
  return {
    ...(by.includes('day') && { day: date.slice(0, 'YYYY-MM-DD'.length) }),
    ...(by.includes('month') && { month: date.slice(0, 'YYYY-MM'.length) }),
  };
}

function groupsOf(total: UsageTotal, by: readonly UsageGroup[]): readonly string[] {
  return by.map((group) => total[group] ?? '');
}

function compare(left: readonly string[], right: readonly string[]): number {
  const at = left.findIndex((text, index) => text !== right[index]);
  if (at === -1) return 0;
  return left[at]! < right[at]! ? -1 : 1;
}
