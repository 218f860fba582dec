import type { PathKey } from '../../wire/validation/format-json-path.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { mergeAllOf } from './merge-all-of.ts';
import {
  describeConstraints,
  readBounds,
  stepsFor,
  summarizeConstraints,
  UNENFORCED_KEYWORDS,
} from './schema-constraints.ts';
import { asSchemaObject, pointerTokens, SchemaDocument } from './schema-document.ts';

/**
 * A JSON Schema in the dialect that `parametersJsonSchema` and `responseJsonSchema` document. All definitions that
 * are used stand in the root's `$defs`, wherever the references pointed; what Gemini does not enforce is told to the
 * model in `description`. Contract section 7.2.
 *
 * @throws {SchemaProblem} for a schema that has no such form or is too complex
 */
export function toGeminiJsonSchema(schema: unknown): JsonObject {
  return new JsonSchemaWriter(schema).write();
}

/** Where a subschema stands: for messages, and to bound nesting. */
interface Place {
  readonly path: readonly PathKey[];
  readonly level: number;
}

const SENT_AS_THEY_ARE = [
  'title',
  'format',
  'default',
  'minItems',
  'maxItems',
  'required',
  'propertyOrdering',
];

/** Enforced by the OpenAPI language, but not documented for this one. */
const ONLY_DESCRIBED: ReadonlySet<string> = new Set([
  'pattern',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
  ...UNENFORCED_KEYWORDS,
]);

class JsonSchemaWriter {
  readonly #document: SchemaDocument;
  /** Subschemas that references point to, with their names in `$defs`. */
  readonly #definitions = new Map<unknown, string>();
  readonly #names = new Set<string>();

  constructor(schema: unknown) {
    this.#document = new SchemaDocument(schema);
  }

  write(): JsonObject {
    const root = asSchemaObject(this.#document.root, []);
    // A root that is only a reference is written out, since the root's own type must be visible.
    const start = root['$ref'] === undefined ? root : mergeAllOf({ allOf: [root] }, this.#document, []);
    const written = this.#write(start, { path: [], level: 0 });
    const definitions: Record<string, JsonObject> = {};
    // Writing a definition may find more of them; a Map hands out entries that are added on the way.
    for (const [definition, name] of this.#definitions) {
      definitions[name] = this.#write(definition, { path: ['$defs', name], level: 0 });
    }
    return this.#definitions.size === 0 ? written : { ...written, $defs: definitions };
  }

  #write(value: unknown, place: Place): JsonObject {
    const schema = asSchemaObject(value, place.path);
    this.#document.spend(1, place.path);
    this.#document.checkLevel(place.level, place.path);
    const reference = singleReference(schema);
    if (reference !== undefined) return this.#writeReference(reference, schema, place);
    if (schema['allOf'] !== undefined) {
      return this.#write(mergeAllOf(schema, this.#document, place.path), deeper(place));
    }
    return this.#writeKeywords(schema, place);
  }

  /** Beside `$ref` Gemini takes nothing, so that what stands there moves around it. */
  #writeReference(reference: unknown, schema: JsonObject, place: Place): JsonObject {
    const siblings = Object.fromEntries(
      Object.entries(schema).filter(([key]) => key !== 'allOf' && !key.startsWith('$')),
    );
    if (siblings['anyOf'] !== undefined || siblings['oneOf'] !== undefined) {
      const merged = mergeAllOf({ ...siblings, allOf: [{ $ref: reference }] }, this.#document, place.path);
      return this.#write(merged, deeper(place));
    }
    const target = this.#document.resolve(reference, place.path);
    if (!isJsonObject(target)) return this.#write(target, deeper(place));
    const written = { $ref: `#/$defs/${this.#define(target, String(reference))}` };
    const around = this.#writeKeywords(siblings, place);
    return Object.keys(around).length === 0 ? written : { ...around, anyOf: [written] };
  }

  /** The name of a definition; made from the reference, in letters that need no escaping. */
  #define(target: JsonObject, reference: string): string {
    const known = this.#definitions.get(target);
    if (known !== undefined) return known;
    const last = reference === '#' ? 'root' : (pointerTokens(reference)?.at(-1) ?? reference.slice(1));
    const base = last.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64) || 'definition';
    let name = base;
    for (let number = 2; this.#names.has(name); number++) name = `${base}_${number}`;
    this.#names.add(name);
    this.#definitions.set(target, name);
    return name;
  }

  #writeKeywords(schema: JsonObject, place: Place): JsonObject {
    const written: JsonObject = {};
    const type = readType(schema);
    if (type !== undefined) written['type'] = type;
    for (const keyword of SENT_AS_THEY_ARE) {
      if (schema[keyword] !== undefined) written[keyword] = schema[keyword];
    }
    const values = this.#enumOf(schema, place.path);
    if (values !== undefined) written['enum'] = values;
    const isInteger =
      type === 'integer' || (Array.isArray(type) && type.includes('integer') && !type.includes('number'));
    const { minimum, maximum, constraints } = readBounds(schema, isInteger);
    if (minimum !== undefined) written['minimum'] = minimum;
    if (maximum !== undefined) written['maximum'] = maximum;
    this.#writeSubschemas(schema, written, place);
    constraints.push(...summarizeConstraints(schema, ONLY_DESCRIBED));
    this.#document.spend(stepsFor(constraints), place.path);
    const description = describeConstraints(schema['description'], constraints);
    if (description !== undefined) written['description'] = description;
    return written;
  }

  #enumOf(schema: JsonObject, path: readonly PathKey[]): unknown[] | undefined {
    if (schema['const'] !== undefined) return [schema['const']];
    const { enum: values } = schema;
    if (!Array.isArray(values)) return undefined;
    this.#document.spend(values.length, path);
    const isNullable = schema['nullable'] === true && !values.includes(null);
    return isNullable ? [...(values as unknown[]), null] : values;
  }

  #writeSubschemas(schema: JsonObject, written: JsonObject, place: Place): void {
    const { properties, additionalProperties, items } = schema;
    if (isJsonObject(properties)) {
      const entries = this.#document.entriesOf(properties, place.path);
      written['properties'] = Object.fromEntries(
        entries.map(([name, member]) => [name, this.#write(member, deeper(place, 'properties', name))]),
      );
    }
    if (typeof additionalProperties === 'boolean') written['additionalProperties'] = additionalProperties;
    else if (additionalProperties !== undefined) {
      written['additionalProperties'] = this.#write(
        additionalProperties,
        deeper(place, 'additionalProperties'),
      );
    }
    // Before draft 2020-12 a list under `items` meant what `prefixItems` means now.
    const tuple = Array.isArray(items) ? items : schema['prefixItems'];
    const rest = Array.isArray(items) ? schema['additionalItems'] : items;
    const prefix = this.#writeList(tuple, place, 'prefixItems');
    if (prefix !== undefined) written['prefixItems'] = prefix;
    if (rest === false) written['maxItems'] = Math.min(prefix?.length ?? 0, asLimit(schema['maxItems']));
    else if (rest !== undefined) written['items'] = this.#write(rest, deeper(place, 'items'));
    for (const keyword of ['anyOf', 'oneOf']) {
      const branches = this.#writeList(schema[keyword], place, keyword);
      if (branches !== undefined) written[keyword] = branches;
    }
  }

  #writeList(schemas: unknown, place: Place, keyword: string): JsonObject[] | undefined {
    if (!Array.isArray(schemas) || schemas.length === 0) return undefined;
    this.#document.spend(schemas.length, place.path);
    return schemas.map((schema: unknown, index) => this.#write(schema, deeper(place, keyword, index)));
  }
}

/** The reference of a schema that is one, or that wraps one in an `allOf` to have something beside it. */
function singleReference(schema: JsonObject): unknown {
  const { $ref: reference, allOf: branches } = schema;
  if (branches === undefined) return reference;
  if (reference !== undefined || !Array.isArray(branches) || branches.length !== 1) return undefined;
  const only: unknown = branches[0];
  return isJsonObject(only) && Object.keys(only).length === 1 ? only['$ref'] : undefined;
}

/** The type in JSON Schema's letter case, with OpenAPI's `nullable` as a type of its own. */
function readType({ type, nullable }: JsonObject): unknown {
  if (typeof type === 'string') return nullable === true ? [type.toLowerCase(), 'null'] : type.toLowerCase();
  if (!Array.isArray(type)) return undefined;
  const names = type.map((name) => String(name).toLowerCase());
  return nullable === true && !names.includes('null') ? [...names, 'null'] : names;
}

function asLimit(value: unknown): number {
  return typeof value === 'number' ? value : Infinity;
}

function deeper({ path, level }: Place, ...steps: PathKey[]): Place {
  return { path: [...path, ...steps], level: level + 1 };
}
