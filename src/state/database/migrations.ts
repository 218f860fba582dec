/**
 * The tables, as numbered steps. A step that has been released is never changed: what comes later is a new step.
 *
 * Steps only add. So replicas of the version before go on working while a new version rolls out, and after a step back.
 */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** One statement each. */
  readonly statements: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'api keys',
    statements: [
      `create table parlance.api_keys (
         id text primary key,
         name text not null,
         prefix text not null,
         hash text not null unique,
         policy jsonb not null,
         created_at timestamptz not null,
         expires_at timestamptz,
         revoked_at timestamptz,
         last_used_at timestamptz
       )`,
    ],
  },
  {
    number: 2,
    name: 'usage',
    statements: [
      `create table parlance.usage (
         id text primary key,
         request_id text not null,
         at timestamptz not null,
         principal text not null,
         upstream text not null,
         model text not null,
         endpoint text not null,
         status text not null,
         reserved_tokens bigint not null,
         prompt_tokens bigint,
         completion_tokens bigint,
         total_tokens bigint
       )`,
      // What a caller has used of a day or month; and what all have.
      'create index usage_principal_at on parlance.usage (principal, at)',
      'create index usage_at on parlance.usage (at)',
    ],
  },
];
