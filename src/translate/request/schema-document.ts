import type { ErrorCode } from '../../errors.ts';
import type { PathKey } from '../../wire/validation/format-json-path.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';

/** A schema that has no native form. Its path starts at the schema. */
export class SchemaProblem extends Error {
  override readonly name = 'SchemaProblem';
  readonly code: ErrorCode;
  readonly path: readonly PathKey[];

  constructor(code: ErrorCode, path: readonly PathKey[], message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

/** Subschemas, members and list items one schema may make the translation visit, references followed. */
const MAX_STEPS = 10_000;

/** Subschemas inside one another; far below what the call stack holds. */
const MAX_LEVELS = 64;

/**
 * One JSON Schema document: follows its references, and bounds the work it can cause in steps rather than time, so
 * that verdicts are repeatable.
 */
export class SchemaDocument {
  readonly root: unknown;
  #stepsLeft = MAX_STEPS;
  #anchors: Map<string, JsonObject> | undefined;
  /** Targets of references followed before; a hostile schema repeats few of them often. */
  readonly #resolved = new Map<string, unknown>();

  constructor(root: unknown) {
    this.root = root;
  }

  /** @throws {SchemaProblem} `schema_too_complex` */
  spend(steps: number, path: readonly PathKey[]): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) {
      throw new SchemaProblem(
        'schema_too_complex',
        path,
        `makes the schema too complex: with its references followed it has more than ${MAX_STEPS} parts`,
      );
    }
  }

  /**
   * The members of an object, paid for before anything is built from them.
   *
   * @throws {SchemaProblem} `schema_too_complex`
   */
  entriesOf(members: JsonObject, path: readonly PathKey[]): [string, unknown][] {
    const names = Object.keys(members);
    this.spend(names.length, path);
    return names.map((name) => [name, members[name]]);
  }

  /** @throws {SchemaProblem} `schema_too_complex` */
  checkLevel(level: number, path: readonly PathKey[]): void {
    if (level > MAX_LEVELS) {
      throw new SchemaProblem(
        'schema_too_complex',
        path.slice(0, 8),
        `makes the schema too complex: it nests deeper than ${MAX_LEVELS} levels`,
      );
    }
  }

  /**
   * The subschema a `$ref` points to: a JSON pointer (RFC 6901) or an `$anchor` of the same document.
   *
   * @throws {SchemaProblem} when the reference is remote or points nowhere
   */
  resolve(reference: unknown, path: readonly PathKey[]): unknown {
    if (typeof reference !== 'string') {
      throw new SchemaProblem('invalid_argument', [...path, '$ref'], 'must be a string');
    }
    const known = this.#resolved.get(reference);
    if (known !== undefined) return known;
    if (!reference.startsWith('#')) {
      throw new SchemaProblem(
        'unsupported_schema',
        [...path, '$ref'],
        'points outside the schema; only references such as #/$defs/name can be followed',
      );
    }
    const target =
      reference === '#' || reference.startsWith('#/')
        ? this.#atPointer(pointerTokens(reference))
        : this.#atAnchor(reference.slice(1));
    if (target === undefined) {
      throw new SchemaProblem('invalid_argument', [...path, '$ref'], 'points to nothing in the schema');
    }
    this.#resolved.set(reference, target);
    return target;
  }

  #atPointer(tokens: readonly string[] | undefined): unknown {
    let target: unknown = tokens === undefined ? undefined : this.root;
    for (const token of tokens ?? []) {
      if (typeof target !== 'object' || target === null || !Object.hasOwn(target, token)) return undefined;
      target = (target as Readonly<Record<string, unknown>>)[token];
    }
    return target;
  }

  #atAnchor(name: string): JsonObject | undefined {
    if (this.#anchors === undefined) {
      this.#anchors = new Map();
      this.#collectAnchors(this.root, 0, this.#anchors);
    }
    return this.#anchors.get(name);
  }

  #collectAnchors(value: unknown, level: number, anchors: Map<string, JsonObject>): void {
    if (typeof value !== 'object' || value === null) return;
    this.spend(1, []);
    this.checkLevel(level / 2, []);
    if (isJsonObject(value) && typeof value['$anchor'] === 'string') anchors.set(value['$anchor'], value);
    for (const member of Object.values(value)) this.#collectAnchors(member, level + 1, anchors);
  }
}

/** Tokens of a JSON pointer in a URI fragment (RFC 6901 section 6); `undefined` when its escapes are broken. */
export function pointerTokens(reference: string): string[] | undefined {
  try {
    const tokens = decodeURIComponent(reference.slice(1)).split('/').slice(1);
    return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  } catch {
    return undefined;
  }
}

/** A schema object; `true` stands for the one without constraints. @throws {SchemaProblem} for `false` and non-schemas */
export function asSchemaObject(schema: unknown, path: readonly PathKey[]): JsonObject {
  if (schema === true) return {};
  if (isJsonObject(schema)) return schema;
  if (schema === false) {
    throw new SchemaProblem(
      'unsupported_schema',
      path,
      'allows no value at all, which Gemini has no schema for',
    );
  }
  throw new SchemaProblem('invalid_argument', path, 'must be a schema: an object, true or false');
}
