import type { ErrorCode, Problem } from '../../errors.ts';
import { formatJsonPath, type PathKey } from './format-json-path.ts';

/** A request is not searched further once this many problems are known. */
export const MAX_PROBLEMS = 100;

/** Looks at one JSON value and reports what is wrong with it. Never throws, never changes the value. */
export type Check = (value: unknown, collector: ProblemCollector) => void;

/**
 * The problems of one request, and the place being looked at. The place is a stack of keys; it becomes text only
 * when a problem is reported, so that a correct request costs no strings.
 */
export class ProblemCollector {
  readonly problems: Problem[] = [];
  readonly #path: PathKey[] = [];

  /** Whether {@link MAX_PROBLEMS} are known; later reports are dropped, and loops should stop. */
  get full(): boolean {
    return this.problems.length >= MAX_PROBLEMS;
  }

  /** Steps from the root to the place being looked at. */
  get depth(): number {
    return this.#path.length;
  }

  /** Checks a member or an item of the value being looked at. */
  check(key: PathKey, value: unknown, check: Check): void {
    this.#path.push(key);
    check(value, this);
    this.#path.pop();
  }

  /** Reports a problem of the value being looked at. */
  report(message: string, code: ErrorCode = 'invalid_argument'): void {
    if (!this.full) this.problems.push({ param: formatJsonPath(this.#path), message, code });
  }

  /** Reports a problem of something inside the value being looked at. */
  reportAt(keys: readonly PathKey[], message: string, code: ErrorCode = 'invalid_argument'): void {
    if (!this.full) this.problems.push({ param: formatJsonPath([...this.#path, ...keys]), message, code });
  }
}
