import type { Schema } from '../../wire/gemini/request.ts';
import type { PathKey } from '../../wire/validation/format-json-path.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { mergeAllOf, mergeSchemas } from './merge-all-of.ts';
import {
  describeConstraints,
  readBounds,
  stepsFor,
  summarizeConstraints,
  UNENFORCED_KEYWORDS,
} from './schema-constraints.ts';
import { asSchemaObject, SchemaDocument, SchemaProblem } from './schema-document.ts';

export interface OpenApiSchemaOptions {
  /** Levels a recursive definition is unrolled to; the last one is an open object. */
  readonly maxRefDepth: number;
  /** Keeps all string formats; else only `enum` and `date-time`. */
  readonly anyStringFormat: boolean;
  /** Adds `propertyOrdering`, without which older models sort their output. */
  readonly propertyOrdering: boolean;
}

/**
 * A JSON Schema in Google's OpenAPI subset, as `parameters` and `responseSchema` take it: references inlined, `null`
 * as `nullable`, unknown keywords left out. Only keys that both upstreams know. Contract section 7.3.
 *
 * @throws {SchemaProblem} for a schema that has no such form or is too complex
 */
export function toOpenApiSchema(schema: unknown, options: OpenApiSchemaOptions): Schema {
  return new OpenApiWriter(schema, options).write();
}

/** Where a subschema stands: for messages, and to bound nesting. */
interface Place {
  readonly path: readonly PathKey[];
  readonly level: number;
}

/** A subschema without references and `allOf`, with what its type and `enum` say about `null` taken out. */
interface Node {
  readonly schema: JsonObject;
  /** In lower case, without `null`; empty when the schema names none. */
  readonly types: readonly string[];
  readonly nullable: boolean;
  /** `enum` or `const` without null. */
  readonly values: readonly unknown[] | undefined;
  readonly place: Place;
}

class OpenApiWriter {
  readonly #document: SchemaDocument;
  readonly #options: OpenApiSchemaOptions;
  /** How often each definition stands around the subschema being written. */
  readonly #open = new Map<unknown, number>();

  constructor(schema: unknown, options: OpenApiSchemaOptions) {
    this.#document = new SchemaDocument(schema);
    this.#options = options;
  }

  write(): Schema {
    this.#open.set(this.#document.root, 1);
    return this.#write(this.#document.root, { path: [], level: 0 });
  }

  #write(value: unknown, place: Place): Schema {
    const schema = asSchemaObject(value, place.path);
    this.#document.spend(1, place.path);
    this.#document.checkLevel(place.level, place.path);
    const { allOf: branches } = schema;
    if (Array.isArray(branches) && branches.length === 1 && schema['$ref'] === undefined) {
      const only: unknown = branches[0];
      // So common a way to put a description beside a reference that recursion must work through it.
      if (isJsonObject(only) && Object.keys(only).length === 1 && only['$ref'] !== undefined) {
        const { allOf: _, ...others } = schema;
        return this.#writeReference({ ...others, $ref: only['$ref'] }, place);
      }
    }
    if (schema['$ref'] !== undefined) return this.#writeReference(schema, place);
    if (branches !== undefined)
      return this.#write(mergeAllOf(schema, this.#document, place.path), deeper(place));
    return this.#writeNode(readNode(schema, place));
  }

  #writeReference({ $ref: reference, ...beside }: JsonObject, place: Place): Schema {
    const target = this.#document.resolve(reference, place.path);
    const open = this.#open.get(target) ?? 0;
    if (open > 0 && open >= this.#options.maxRefDepth - 1) {
      const note = `nests like ${String(reference).slice(0, 100)} once more; the schema stops here`;
      return { type: 'OBJECT', ...description(beside, [note]) };
    }
    this.#open.set(target, open + 1);
    const merged = mergeSchemas(beside, asSchemaObject(target, place.path), this.#document, place.path);
    const written = this.#write(merged, deeper(place));
    this.#open.set(target, open);
    return written;
  }

  #writeNode(node: Node): Schema {
    const { schema, types, values, place } = node;
    const alternatives = schema['anyOf'] ?? schema['oneOf'];
    if (Array.isArray(alternatives) && alternatives.length > 0) {
      if (schema['anyOf'] !== undefined && schema['oneOf'] !== undefined) {
        throw new SchemaProblem(
          'unsupported_schema',
          place.path,
          'has both anyOf and oneOf, which Gemini has no schema for; write the combinations out',
        );
      }
      return this.#writeAlternatives(node, alternatives);
    }
    const kinds = types.length > 0 ? types : values === undefined ? [inferType(schema)] : typesOf(values);
    const possible =
      values === undefined ? kinds : kinds.filter((type) => values.some((value) => fits(value, type)));
    const [first = kinds[0] ?? 'null', ...others] = possible;
    if (others.length === 0) return { ...this.#writeType(first, node), ...annotations(node) };
    const bare = { ...node, schema: { ...schema, description: undefined } };
    return {
      anyOf: possible.map((type) => this.#writeType(type, bare)),
      ...description(schema, []),
      ...annotations(node),
    };
  }

  #writeAlternatives(node: Node, alternatives: readonly unknown[]): Schema {
    const { schema, types, place } = node;
    this.#document.spend(alternatives.length, place.path);
    const branches = alternatives.filter((branch) => !allowsOnlyNull(branch));
    const nullable = node.nullable || branches.length < alternatives.length;
    const { anyOf: _, oneOf: __, ...own } = schema;
    if (branches.length === 0) return { type: 'NULL', ...annotations(node) };
    if (branches.length === 1) {
      const merged = { ...own, allOf: [branches[0]] };
      const written = this.#write(merged, deeper(place));
      return nullable ? { ...written, nullable: true } : written;
    }
    const keyword = schema['anyOf'] === undefined ? 'oneOf' : 'anyOf';
    const [type] = types;
    return {
      ...(type === undefined ? {} : this.#writeType(type, { ...node, schema: own })),
      anyOf: branches.map((branch, index) => this.#write(branch, deeper(place, keyword, index))),
      ...(type === undefined ? description(schema, summarizeConstraints(schema, UNENFORCED_KEYWORDS)) : {}),
      ...annotations({ ...node, nullable }),
    };
  }

  /** The type, the keywords that mean something for it, and the others in the description. */
  #writeType(type: string, node: Node): Schema {
    const { schema, place } = node;
    const unenforced = summarizeConstraints(schema, UNENFORCED_KEYWORDS);
    this.#document.spend(stepsFor(unenforced), place.path);
    switch (type) {
      case 'string': {
        const { format } = schema;
        const isDropped = typeof format === 'string' && !this.#keepsFormat(format);
        const constraints = isDropped ? [`format ${format}`, ...unenforced] : unenforced;
        return { type: 'STRING', ...this.#stringKeywords(node), ...description(schema, constraints) };
      }
      case 'number':
      case 'integer': {
        const { constraints: exclusive, ...limits } = readBounds(schema, type === 'integer');
        const { format } = schema;
        return {
          type: type === 'number' ? 'NUMBER' : 'INTEGER',
          ...(typeof format === 'string' && NUMBER_FORMATS.has(format) ? { format } : {}),
          ...limits,
          ...this.#enumOf(node, type),
          ...description(schema, [...exclusive, ...unenforced]),
        };
      }
      case 'boolean':
        return { type: 'BOOLEAN', ...this.#enumOf(node, type), ...description(schema, unenforced) };
      case 'array':
        return {
          type: 'ARRAY',
          ...this.#arrayKeywords(schema, place),
          ...description(schema, [...compositeValues(node), ...unenforced]),
        };
      case 'object': {
        const { additionalProperties } = schema;
        const others = isJsonObject(additionalProperties)
          ? summarizeConstraints({ additionalProperties }, OPEN_OBJECT_KEYWORDS)
          : [];
        return {
          type: 'OBJECT',
          ...this.#objectKeywords(schema, place),
          ...description(schema, [...compositeValues(node), ...others, ...unenforced]),
        };
      }
      case 'null':
        return { type: 'NULL', ...description(schema, unenforced) };
      default:
        throw new SchemaProblem(
          'invalid_argument',
          [...place.path, 'type'],
          'must be string, number, integer, boolean, array, object, null or a list of these',
        );
    }
  }

  #keepsFormat(format: string): boolean {
    return this.#options.anyStringFormat || format === 'enum' || format === 'date-time';
  }

  #stringKeywords(node: Node): Schema {
    const { format, pattern } = node.schema;
    return {
      ...(typeof format === 'string' && this.#keepsFormat(format) ? { format } : {}),
      ...(typeof pattern === 'string' ? { pattern } : {}),
      ...counts(node.schema, ['minLength', 'maxLength']),
      ...this.#enumOf(node, 'string'),
    };
  }

  #enumOf({ values, place }: Node, type: string): Schema {
    if (values === undefined) return {};
    this.#document.spend(values.length, place.path);
    const fitting = values.filter((value) => fits(value, type)).map(String);
    if (fitting.length === 0) return {};
    return { enum: fitting, ...(type === 'string' ? {} : { format: 'enum' }) };
  }

  #arrayKeywords(schema: JsonObject, place: Place): Schema {
    const { items, prefixItems } = schema;
    const tuple = Array.isArray(items) ? (items as unknown[]) : prefixItems;
    if (Array.isArray(tuple) && tuple.length > 0) {
      this.#document.spend(tuple.length, place.path);
      const written = tuple.map((item: unknown, index) =>
        this.#write(item, deeper(place, 'prefixItems', index)),
      );
      const distinct = [...new Map(written.map((item) => [JSON.stringify(item), item])).values()];
      const [only] = distinct;
      const length = String(tuple.length);
      return {
        items: distinct.length === 1 && only !== undefined ? only : { anyOf: distinct },
        minItems: length,
        maxItems: length,
      };
    }
    // The native schema requires items.
    const hasItems = items !== undefined && typeof items !== 'boolean';
    return {
      items: hasItems ? this.#write(items, deeper(place, 'items')) : { type: 'STRING' },
      ...counts(schema, ['minItems', 'maxItems']),
    };
  }

  #objectKeywords(schema: JsonObject, place: Place): Schema {
    const { properties: declared } = schema;
    const properties = isJsonObject(declared) ? this.#document.entriesOf(declared, place.path) : [];
    const limits = counts(schema, ['minProperties', 'maxProperties']);
    if (properties.length === 0) return limits;
    const names = new Set<unknown>(properties.map(([name]) => name));
    const required = stringsOf(schema['required']).filter((name) => names.has(name));
    const ordering = stringsOf(schema['propertyOrdering']).filter((name) => names.has(name));
    if (ordering.length === 0 && this.#options.propertyOrdering)
      ordering.push(...properties.map(([name]) => name));
    return {
      properties: Object.fromEntries(
        properties.map(([name, member]) => [name, this.#write(member, deeper(place, 'properties', name))]),
      ),
      ...(required.length === 0 ? {} : { required: [...new Set(required)] }),
      ...(ordering.length === 0 ? {} : { propertyOrdering: ordering }),
      ...limits,
    };
  }
}

const OPEN_OBJECT_KEYWORDS: ReadonlySet<string> = new Set(['additionalProperties']);
const VALUE_KEYWORDS: ReadonlySet<string> = new Set(['enum', 'const']);

/** `enum` lists strings only, so that values of other kinds can only be described. */
function compositeValues({ schema, values }: Node): string[] {
  return values === undefined ? [] : summarizeConstraints(schema, VALUE_KEYWORDS);
}

function description(schema: JsonObject, constraints: readonly string[]): Schema {
  const text = describeConstraints(schema['description'], constraints);
  return text === undefined ? {} : { description: text };
}

const NUMBER_FORMATS = new Set(['int32', 'int64', 'float', 'double']);

function readNode(schema: JsonObject, place: Place): Node {
  const { type, nullable, const: only, enum: listed } = schema;
  const names = (Array.isArray(type) ? type : type === undefined ? [] : [type]).map((name) =>
    String(name).toLowerCase(),
  );
  const all: unknown[] | undefined =
    only === undefined ? (Array.isArray(listed) ? listed : undefined) : [only];
  const values = all?.filter((value) => value !== null);
  const types = names.filter((name) => name !== 'null');
  const mayBeNull = names.includes('null') || (all !== undefined && all.includes(null)) || nullable === true;
  if (types.length === 0 && mayBeNull && (names.includes('null') || values?.length === 0)) {
    return { schema, types: ['null'], nullable: false, values: undefined, place };
  }
  return {
    schema,
    types,
    nullable: mayBeNull,
    values: values?.length === 0 ? undefined : values,
    place,
  };
}

/** What stands on a schema whatever its type. */
function annotations({ schema, nullable }: Node): Schema {
  const { title, default: fallback, example } = schema;
  return {
    ...(typeof title === 'string' ? { title } : {}),
    ...(nullable ? { nullable: true } : {}),
    ...(fallback == null ? {} : { default: fallback }),
    ...(example == null ? {} : { example }),
  };
}

const TYPE_HINTS: readonly (readonly [type: string, keywords: readonly string[]])[] = [
  [
    'object',
    ['properties', 'required', 'additionalProperties', 'patternProperties', 'minProperties', 'maxProperties'],
  ],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains']],
  ['string', ['pattern', 'minLength', 'maxLength', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
];

/** The type a schema without one is about. One that says nothing allows anything, which is nearest to an object. */
function inferType(schema: JsonObject): string {
  const hint = TYPE_HINTS.find(([, keywords]) => keywords.some((keyword) => schema[keyword] !== undefined));
  return hint?.[0] ?? 'object';
}

function typesOf(values: readonly unknown[]): string[] {
  const types = new Set(values.map((value) => (typeof value === 'object' ? 'object' : typeof value)));
  return [...types].map((type) => {
    if (type !== 'number') return type;
    return values.every((value) => typeof value !== 'number' || Number.isInteger(value))
      ? 'integer'
      : 'number';
  });
}

function fits(value: unknown, type: string): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isJsonObject(value);
    default:
      return typeof value === type;
  }
}

function allowsOnlyNull(branch: unknown): boolean {
  if (!isJsonObject(branch)) return false;
  const { type, const: only, enum: values } = branch;
  if (typeof type === 'string') return type.toLowerCase() === 'null';
  return (
    only === null || (Array.isArray(values) && values.length > 0 && values.every((value) => value === null))
  );
}

type CountKeyword = 'minItems' | 'maxItems' | 'minLength' | 'maxLength' | 'minProperties' | 'maxProperties';

/** Limits that are counts, as the decimal strings JSON has for int64. */
function counts(schema: JsonObject, keywords: readonly CountKeyword[]): Schema {
  return Object.fromEntries(
    keywords
      .filter((keyword) => Number.isSafeInteger(schema[keyword]) && (schema[keyword] as number) >= 0)
      .map((keyword) => [keyword, String(schema[keyword])]),
  );
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function deeper({ path, level }: Place, ...steps: PathKey[]): Place {
  return { path: [...path, ...steps], level: level + 1 };
}
