/** What the server and the process of the embedded database say to each other. */
import type { SqlValue } from './database.ts';

/** `open` comes first. One at a time: the next is sent when the outcome of the last is there. */
export type EmbeddedOrder =
  | {
      readonly kind: 'open';
      /** Where the data are, absolute. */
      readonly folder: string;
    }
  | { readonly kind: 'query'; readonly sql: string; readonly parameters: readonly SqlValue[] }
  | { readonly kind: 'close' };

export type EmbeddedOutcome =
  /** To `open`: the data were made, and the process ends. Making them takes several times the memory of using them. */
  | { readonly kind: 'created' }
  | { readonly kind: 'opened' }
  | { readonly kind: 'rows'; readonly rows: readonly object[] }
  | { readonly kind: 'closed' }
  /** To `open`. `holder` says which process has the folder. */
  | { readonly kind: 'in-use'; readonly holder: string }
  /** `code` is the SQLSTATE, where the database itself refused. */
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined };
