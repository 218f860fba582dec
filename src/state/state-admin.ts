import type { KeyAdmin } from './keys/key-admin.ts';
import type { UsageReader } from './usage/usage-totals.ts';

/** What other commands do with what a server keeps: in the database itself, or through the server that has it. */
export interface StateAdmin {
  readonly keys: KeyAdmin;
  readonly usage: UsageReader;
}
