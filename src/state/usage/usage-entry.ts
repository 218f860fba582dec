/** What the ledger has of one request. */
export interface UsageEntry {
  /**
   * Names the row: an entry with an id that is there already is the same request. Must not come from a client, who could
   * send the same one again.
   */
  readonly id: string;
  /** `x-request-id` of the answer, for people. Clients may choose it. */
  readonly requestId: string;
  /** When the request came. */
  readonly at: Date;
  /** Who asked. */
  readonly principal: string;
  readonly upstream: string;
  readonly model: string;
  /** The kind of request, such as `chat.completions`. */
  readonly endpoint: string;
  /** What counts as long as it is not known what was used. */
  readonly reservedTokens: number;
}

/** How a request ended. */
export interface UsageOutcome {
  readonly status: 'completed' | 'failed' | 'cancelled';
  /** As far as they are known. */
  readonly promptTokens?: number | undefined;
  readonly completionTokens?: number | undefined;
  /** What the caller is charged. While it is unknown that is what was reserved, for good. */
  readonly totalTokens?: number | undefined;
}

/** `open`: the request runs, or ran in a process that was killed. */
export type UsageStatus = UsageOutcome['status'] | 'open';

/** A row, under the names of its columns. */
export interface UsageRow {
  readonly id: string;
  readonly request_id: string;
  readonly at: string;
  readonly principal: string;
  readonly upstream: string;
  readonly model: string;
  readonly endpoint: string;
  readonly status: UsageStatus;
  readonly reserved_tokens: number;
  readonly prompt_tokens: number | null;
  readonly completion_tokens: number | null;
  readonly total_tokens: number | null;
}

const MAX_TEXT = 256;

/** @returns a row that any database takes: it goes into one statement with those of others */
export function toUsageRow(entry: UsageEntry, outcome?: UsageOutcome): UsageRow {
  return {
    id: text(entry.id),
    request_id: text(entry.requestId),
    at: entry.at.toISOString(),
    principal: text(entry.principal),
    upstream: text(entry.upstream),
    model: text(entry.model),
    endpoint: text(entry.endpoint),
    status: outcome?.status ?? 'open',
    reserved_tokens: count(entry.reservedTokens) ?? 0,
    prompt_tokens: count(outcome?.promptTokens),
    completion_tokens: count(outcome?.completionTokens),
    total_tokens: count(outcome?.totalTokens),
  };
}

/** Names come from clients, and Postgres takes neither U+0000 nor half a surrogate pair. */
function text(value: string): string {
  return value.slice(0, MAX_TEXT).toWellFormed().replaceAll('\0', '\u{fffd}');
}

/** Counts come from model servers. */
function count(value: number | undefined): number | null {
  if (value === undefined || !Number.isFinite(value)) return null;
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.ceil(value)));
}
