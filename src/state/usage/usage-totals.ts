import type { Queryable, SqlValue } from '../database/database.ts';

/** What totals can be grouped by. */
const GROUPS = {
  /** `2026-07-31`, UTC. */
  day: "to_char(at at time zone 'UTC', 'YYYY-MM-DD')",
  /** `2026-07`, UTC. */
  month: "to_char(at at time zone 'UTC', 'YYYY-MM')",
  principal: 'principal',
  upstream: 'upstream',
  model: 'model',
  endpoint: 'endpoint',
} as const;

export type UsageGroup = keyof typeof GROUPS;

export interface UsageQuery {
  /** In this order; the rows are sorted by it. With none there is one row for everything. */
  readonly by: readonly UsageGroup[];
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly to?: Date | undefined;
  readonly principal?: string | undefined;
  readonly model?: string | undefined;
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

/** What a row counts for. */
export const COUNTED_TOKENS = 'coalesce(total_tokens, reserved_tokens)';

const SUMS = `
  count(*) as "requests",
  count(*) filter (where status = 'failed') as "failed",
  count(*) filter (where status = 'cancelled') as "cancelled",
  count(*) filter (where status = 'open') as "open",
  coalesce(sum(prompt_tokens), 0)::bigint as "promptTokens",
  coalesce(sum(completion_tokens), 0)::bigint as "completionTokens",
  coalesce(sum(${COUNTED_TOKENS}), 0)::bigint as "totalTokens",
  coalesce(sum(reserved_tokens) filter (where total_tokens is null), 0)::bigint as "reservedTokens"`;

export async function readTotals(
  database: Queryable,
  { by, from, to, principal, model }: UsageQuery,
): Promise<readonly UsageTotal[]> {
  const groups = by.map((group) => `${GROUPS[group]} as "${group}"`);
  const numbers = by.map((_group, index) => index + 1).join(', ');
  const grouping = numbers === '' ? '' : `group by ${numbers} order by ${numbers}`;
  const parameters: SqlValue[] = [
    from?.toISOString() ?? null,
    to?.toISOString() ?? null,
    principal ?? null,
    model ?? null,
  ];
  return await database.query<UsageTotal>(
    `select ${[...groups, SUMS].join(', ')} from parlance.usage
     where ($1::timestamptz is null or at >= $1) and ($2::timestamptz is null or at < $2)
       and ($3::text is null or principal = $3) and ($4::text is null or model = $4)
     ${grouping}`,
    parameters,
  );
}
