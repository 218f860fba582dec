/** What the server's thread and the checking thread say to each other. Text is copied faster than objects. */
import type { SchemaVerdict } from './schema-verdict.ts';

export interface CheckOrder {
  /** JSON text of the schema. */
  readonly schema: string;
  /** The answer; without one only the schema is looked at. */
  readonly text?: string;
}

export type CheckOutcome =
  | { readonly kind: 'verdict'; readonly verdict: SchemaVerdict }
  | { readonly kind: 'usable' }
  /** The schema cannot be used; the message goes on from its name. */
  | { readonly kind: 'unusable'; readonly message: string }
  /** The check itself is at fault. */
  | { readonly kind: 'failed'; readonly message: string };

/** `ready` comes once, before the first order. Every order has one outcome, in turn. */
export type FromChecker = { readonly kind: 'ready' } | CheckOutcome;
