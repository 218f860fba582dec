import type { KeyPath } from './key-path.ts';

/** A problem that is found by its path alone; the file adds the line. */
export interface LocatedProblem {
  readonly path: KeyPath;
  readonly message: string;
  /** Whether the key itself is wrong, rather than its value. */
  readonly part: 'key' | 'value';
}
