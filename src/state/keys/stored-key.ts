import type { CallerPolicy } from '../../caller-policy.ts';

/** A key, without its secret. */
export interface StoredKey {
  /** Names the key to the server, for limits and usage; never reused. */
  readonly id: string;
  /** Names it to people. */
  readonly name: string;
  /** The key's visible beginning. */
  readonly prefix: string;
  readonly policy: CallerPolicy;
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  /** To the minute. */
  readonly lastUsedAt: Date | undefined;
}

export interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly hash: string;
  readonly policy: CallerPolicy;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
}

export function toStoredKey(row: KeyRow): StoredKey {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    policy: row.policy,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
