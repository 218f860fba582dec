/** Access to one JSON Schema document: its subschemas with their places, references, and what is unsupported in it. */
import { isJsonObject, ownProperty, type JsonObject } from './json-value.ts';
import { SchemaError, type SchemaPlace } from './schema-error.ts';
import { BudgetExceeded, type WorkBudget } from './work-budget.ts';

/** A subschema and where it stands. The same JSON object is always the same fragment. */
export interface Fragment {
  readonly id: number;
  readonly schema: boolean | JsonObject;
  /** JSON path for messages. */
  readonly path: string;
  /** Subschemas around this one. */
  readonly depth: number;
}

export interface SchemaOptions {
  /** What to do with a keyword that cannot be enforced: refuse the schema, or leave the keyword out and list it. */
  readonly unsupported: 'reject' | 'drop';
  /** JSON path of the schema, such as `response_format.json_schema.schema`. @default 'schema' */
  readonly path?: string;
}

const MAX_FRAGMENTS = 10_000;
const MAX_NESTING = 64;

export class SchemaSource {
  readonly root: Fragment;
  /** Bounds everything done for this schema. */
  readonly budget: WorkBudget;
  readonly #options: SchemaOptions;
  readonly #fragments = new Map<unknown, Fragment>();
  readonly #made = new Map<string, JsonObject>();
  readonly #dropped = new Map<string, SchemaPlace>();
  #nextId = 0;

  /** @throws {SchemaError} when `schema` is neither an object nor a boolean */
  constructor(schema: unknown, options: Required<SchemaOptions>, budget: WorkBudget) {
    this.budget = budget;
    this.#options = options;
    this.root = this.#intern(schema, options.path, 0);
  }

  /** Keywords left out so far. */
  get dropped(): readonly SchemaPlace[] {
    return [...this.#dropped.values()];
  }

  /** The subschema `schema` found in `parent` under the given steps. */
  child(parent: Fragment, steps: readonly (string | number)[], schema: unknown): Fragment {
    const known = this.#fragments.get(schema);
    if (known !== undefined) return known;
    return this.#intern(schema, parent.path + steps.map(pathStep).join(''), parent.depth + 1);
  }

  /** A schema that this compiler adds by itself; equal ones are one fragment. */
  make(parent: Fragment, schema: JsonObject): Fragment {
    const text = JSON.stringify(schema);
    const known = this.#made.get(text) ?? schema;
    this.#made.set(text, known);
    return this.#fragments.get(known) ?? this.#intern(known, parent.path, parent.depth);
  }

  /**
   * The schema that `$ref` of `fragment` points to; `undefined` when the reference is dropped.
   *
   * @throws {SchemaError} when it is no pointer into the same document, or points to nothing
   */
  resolve(fragment: Fragment, reference: unknown): Fragment | undefined {
    if (typeof reference !== 'string') throw this.invalid(fragment, '$ref', 'must be a string');
    const pointer = reference.startsWith('#') ? decodePointer(reference.slice(1)) : undefined;
    if (pointer === undefined) {
      const reason = `only pointers such as #/$defs/name are followed, not ${quoted(reference)}`;
      this.unsupported(fragment, '$ref', reason);
      return undefined;
    }
    const target = pointer.reduce(memberOf, this.root.schema);
    if (target === undefined) {
      throw this.invalid(fragment, '$ref', `points to ${quoted(reference)}, which does not exist`);
    }
    const known = this.#fragments.get(target);
    if (known !== undefined) return known;
    return this.#intern(target, this.root.path + pointer.map(pathStep).join(''), pointer.length);
  }

  /**
   * Notes that `keyword` cannot be enforced.
   *
   * @throws {SchemaError} unless unsupported keywords are to be dropped
   */
  unsupported(at: string | Fragment, keyword: string, reason: string): void {
    const path = typeof at === 'string' ? at : at.path;
    if (this.#options.unsupported === 'reject') {
      throw new SchemaError(
        'unsupported',
        { keyword, path },
        `${path}: "${keyword}" cannot be enforced: ${reason}.`,
      );
    }
    this.#dropped.set(`${path} ${keyword}`, { keyword, path });
  }

  invalid(fragment: Fragment, keyword: string, problem: string): SchemaError {
    const { path } = fragment;
    return new SchemaError('invalid', { keyword, path }, `${path}: "${keyword}" ${problem}.`);
  }

  tooComplex({ path }: Fragment, reason: string): SchemaError {
    return new SchemaError(
      'too_complex',
      { keyword: '$schema', path },
      `${path}: the schema is too complex: ${reason}.`,
    );
  }

  /** Runs `work`; a used-up budget becomes the verdict about `keyword` at `path`. */
  bounded<Result>(path: string, keyword: string, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof BudgetExceeded)) throw error;
      throw new SchemaError(
        'too_complex',
        { keyword, path },
        `${path}: "${keyword}" is too complex to be enforced.`,
      );
    }
  }

  #intern(schema: unknown, path: string, depth: number): Fragment {
    if (typeof schema !== 'boolean' && !isJsonObject(schema)) {
      throw new SchemaError(
        'invalid',
        { keyword: '$schema', path },
        `${path}: a schema must be an object or a boolean.`,
      );
    }
    if (this.#nextId >= MAX_FRAGMENTS || depth > MAX_NESTING) {
      const limit =
        depth > MAX_NESTING ? `nests deeper than ${MAX_NESTING}` : `has more than ${MAX_FRAGMENTS} parts`;
      throw new SchemaError('too_complex', { keyword: '$schema', path }, `${path}: the schema ${limit}.`);
    }
    this.budget.spend(2);
    const fragment = { id: this.#nextId, schema, path, depth };
    this.#nextId += 1;
    this.#fragments.set(schema, fragment);
    return fragment;
  }
}

/** Tokens of a JSON pointer in a URI fragment (RFC 6901 section 6); `undefined` when it is none, such as an anchor. */
function decodePointer(fragment: string): string[] | undefined {
  if (fragment === '') return [];
  if (!fragment.startsWith('/')) return undefined;
  try {
    const tokens = decodeURIComponent(fragment).slice(1).split('/');
    return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, token: string): unknown {
  if (Array.isArray(value)) return (value as unknown[])[Number(token)];
  return isJsonObject(value) ? ownProperty(value, token) : undefined;
}

function pathStep(step: string | number): string {
  if (typeof step === 'number' || /^\d{1,9}$/.test(step)) return `[${step}]`;
  return /^[\w$-]{1,60}$/.test(step) ? `.${step}` : `[${quoted(step)}]`;
}

/** Text of the schema's author in a message: as JSON, and not at any length. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
