import { errorFromProblems, type ErrorCode, type Problem } from '../../errors.ts';
import { formatJsonPath, type PathKey } from '../../wire/validation/format-json-path.ts';

/** Keys from the request's root to a field. */
export type FieldPath = readonly PathKey[];

/** Neither list of a receipt grows beyond this, whatever a request holds. */
const MAX_ENTRIES = 100;

/** What becomes of the fields of one request that cannot simply be sent: named as ignored, or refused together. */
export class Receipt {
  readonly #unsupported: 'reject' | 'ignore';
  readonly #ignored = new Set<string>();
  readonly #problems: Problem[] = [];

  constructor(unsupported: 'reject' | 'ignore') {
    this.#unsupported = unsupported;
  }

  /** JSON paths for `x-parlance-ignored`, each once, at most 100. */
  get ignored(): readonly string[] {
    return [...this.#ignored];
  }

  /** Whether the request will be refused. */
  get hasProblems(): boolean {
    return this.#problems.length > 0;
  }

  /** Names a field that was accepted and has no effect, or less than it asked for. */
  ignore(path: FieldPath): void {
    if (this.#ignored.size < MAX_ENTRIES) this.#ignored.add(formatJsonPath(path) ?? '');
  }

  /**
   * A field that cannot be honoured and would change the answer: a problem, or ignored where the configuration says
   * so. Contract section 0.
   */
  refuse(path: FieldPath, message: string): void {
    if (this.#unsupported === 'ignore') this.ignore(path);
    else this.fail(path, message, 'unsupported_parameter');
  }

  /** Something no configuration makes acceptable. */
  fail(path: FieldPath, message: string, code: ErrorCode = 'invalid_argument'): void {
    if (this.#problems.length < MAX_ENTRIES)
      this.#problems.push({ param: formatJsonPath(path), message, code });
  }

  /** @throws {GatewayError} with all problems, when there are any */
  throwProblems(): void {
    if (this.hasProblems) throw errorFromProblems(this.#problems);
  }
}
