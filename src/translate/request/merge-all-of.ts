import type { PathKey } from '../../wire/validation/format-json-path.ts';
import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { asSchemaObject, type SchemaDocument, SchemaProblem } from './schema-document.ts';

type Path = readonly PathKey[];

/**
 * A schema without `allOf`: its branches, with their references followed, merged into what stands beside it.
 * Subschemas that occur twice become an `allOf` of both one level down, for the next call. Contract section 7.3.
 *
 * @throws {SchemaProblem} when two branches contradict each other or cannot be merged
 */
export function mergeAllOf(schema: JsonObject, document: SchemaDocument, path: Path): JsonObject {
  return mergeBranches(schema, { document, path, level: 0 });
}

interface Merging {
  readonly document: SchemaDocument;
  readonly path: Path;
  /** Branches inside one another; bounds a schema that is an `allOf` of itself. */
  readonly level: number;
}

function mergeBranches(schema: JsonObject, merging: Merging): JsonObject {
  const { allOf: branches, ...own } = schema;
  if (!Array.isArray(branches)) return schema;
  const { document, path, level } = merging;
  document.checkLevel(level, path);
  document.spend(branches.length, path);
  let merged = own;
  for (const branch of branches as unknown[]) {
    merged = mergeSchemas(merged, flatten(branch, { ...merging, level: level + 1 }), document, path);
  }
  return merged;
}

/** A branch with neither `$ref` nor `allOf` at its top. */
function flatten(branch: unknown, merging: Merging): JsonObject {
  const { document, path, level } = merging;
  document.checkLevel(level, path);
  document.spend(1, path);
  const schema = mergeBranches(asSchemaObject(branch, path), merging);
  if (schema['$ref'] === undefined) return schema;
  const { $ref: reference, ...beside } = schema;
  const target = flatten(document.resolve(reference, path), { ...merging, level: level + 1 });
  return mergeSchemas(beside, target, document, path);
}

/** How two values of one keyword become one; keywords without an entry keep the first. */
const MERGERS: Readonly<Record<string, (left: unknown, right: unknown, path: Path) => unknown>> = {
  properties: (left, right, path) => mergeProperties(left, right, path),
  required: (left, right) => [...new Set([...list(left), ...list(right)])],
  propertyOrdering: (left, right) => [...new Set([...list(left), ...list(right)])],
  type: mergeTypes,
  enum: mergeEnums,
  allOf: (left, right) => [...list(left), ...list(right)],
  items: both,
  additionalProperties: (left, right) => (left === false || right === false ? false : both(left, right)),
  minimum: greater,
  exclusiveMinimum: greater,
  minLength: greater,
  minItems: greater,
  minProperties: greater,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  nullable: (left, right) => left === true && right === true,
  anyOf: cannotMerge('anyOf'),
  oneOf: cannotMerge('oneOf'),
  const: (left, right, path) => {
    if (JSON.stringify(left) !== JSON.stringify(right)) throw contradiction('const', path);
    return left;
  },
};

/** One schema that asks for what both ask for. Annotations such as `description` are those of `left`. */
export function mergeSchemas(
  left: JsonObject,
  right: JsonObject,
  document: SchemaDocument,
  path: Path,
): JsonObject {
  const merged = new Map(Object.entries(left));
  for (const [keyword, value] of Object.entries(right)) {
    const merge = Object.hasOwn(MERGERS, keyword) ? MERGERS[keyword] : undefined;
    const first = merged.get(keyword);
    if (!merged.has(keyword)) merged.set(keyword, value);
    else if (merge !== undefined && first !== value) {
      document.spend(sizeOf(first) + sizeOf(value), path);
      merged.set(keyword, merge(first, value, path));
    }
  }
  return Object.fromEntries(merged);
}

function sizeOf(value: unknown): number {
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 1;
}

function mergeProperties(left: unknown, right: unknown, path: Path): unknown {
  if (!isJsonObject(left) || !isJsonObject(right)) {
    throw new SchemaProblem('invalid_argument', [...path, 'properties'], 'must be an object');
  }
  const merged = new Map(Object.entries(left));
  for (const [name, schema] of Object.entries(right)) {
    merged.set(name, merged.has(name) ? both(merged.get(name), schema) : schema);
  }
  return Object.fromEntries(merged);
}

function both(left: unknown, right: unknown): unknown {
  return { allOf: [left, right] };
}

function mergeTypes(left: unknown, right: unknown, path: Path): unknown {
  const others = new Set(list(right).flatMap((type) => (type === 'number' ? ['number', 'integer'] : [type])));
  const first = list(left);
  const common = first.filter((type) => others.has(type));
  // An integer is a number, so of the two the integer remains.
  if (common.length === 0 && first.includes('number') && others.has('integer')) return 'integer';
  if (common.length === 0) throw contradiction('type', path);
  return common.length === 1 ? common[0] : common;
}

function mergeEnums(left: unknown, right: unknown, path: Path): unknown {
  const others = new Set(list(right).map((value) => JSON.stringify(value)));
  const common = list(left).filter((value) => others.has(JSON.stringify(value)));
  if (common.length === 0) throw contradiction('enum', path);
  return common;
}

function greater(left: unknown, right: unknown): unknown {
  return typeof left === 'number' && typeof right === 'number' ? Math.max(left, right) : left;
}

function smaller(left: unknown, right: unknown): unknown {
  return typeof left === 'number' && typeof right === 'number' ? Math.min(left, right) : left;
}

function cannotMerge(keyword: string): (left: unknown, right: unknown, path: Path) => never {
  return (_left, _right, path) => {
    throw new SchemaProblem(
      'unsupported_schema',
      path,
      `combines two ${keyword} in one allOf, which Gemini has no schema for; write the combinations out`,
    );
  };
}

function contradiction(keyword: string, path: Path): SchemaProblem {
  return new SchemaProblem(
    'invalid_argument',
    path,
    `combines schemas whose "${keyword}" contradict each other`,
  );
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
