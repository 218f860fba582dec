/** What a conjunction of schemas demands of a value, gathered by type. */
import { canonicalJson, isJsonObject, nestsDeeperThan, ownProperty, type JsonObject } from './json-value.ts';
import type { Bound } from './number-automaton.ts';
import type { Assertion } from './schema-keywords.ts';
import type { Fragment, SchemaSource } from './schema-source.ts';

export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

/** Schemas that must all hold. None at all means any value. */
export type Conjunction = readonly Fragment[];

export interface Constraints {
  /** Types that every schema allows. */
  readonly types: ReadonlySet<JsonType>;
  /** Whether a `type` keyword said so, rather than its absence. */
  readonly typesNamed: boolean;
  /** Types that some keyword is about. */
  readonly typesMentioned: ReadonlySet<JsonType>;
  readonly integer: boolean;
  /** The values of `enum` and `const` that every schema lists, by their canonical texts. */
  readonly values: ReadonlyMap<string, unknown> | undefined;
  readonly minimum: Bound | undefined;
  readonly maximum: Bound | undefined;
  readonly multipleOf: readonly number[];
  readonly minLength: number;
  /** `Infinity` for none, as in the other maxima. */
  readonly maxLength: number;
  readonly patterns: readonly string[];
  readonly formats: readonly string[];
  readonly minItems: number | undefined;
  readonly maxItems: number;
  readonly uniqueItems: boolean;
  /** Number of items that have schemas of their own. */
  readonly prefixLength: number;
  /** Schemas of the item at `index`. */
  itemAt(index: number): Conjunction;
  /** Whether a schema says what items beyond the prefix are. */
  readonly itemsDescribed: boolean;
  /** Names under `properties`, in order. */
  readonly declared: readonly string[];
  /** Whether a `properties` keyword is there, even an empty one. */
  readonly propertiesDescribed: boolean;
  readonly required: ReadonlySet<string>;
  /** Schemas of the property `name`, declared or additional. */
  property(name: string): Conjunction;
  /** Schemas of a property that no schema declares; `undefined` when none says anything about those. */
  readonly additional: Conjunction | undefined;
  readonly minProperties: number;
  readonly maxProperties: number;
  has(keyword: Assertion): boolean;
  /** Path of the schema that has `keyword`, for messages. */
  pathOf(keyword: Assertion): string;
}

const TYPE_NAMES: ReadonlyMap<string, JsonType> = new Map([
  ['null', 'null'],
  ['boolean', 'boolean'],
  ['number', 'number'],
  ['integer', 'number'],
  ['string', 'string'],
  ['array', 'array'],
  ['object', 'object'],
]);

export const ALL_TYPES: ReadonlySet<JsonType> = new Set(TYPE_NAMES.values());

const TYPE_OF_KEYWORD: ReadonlyMap<string, JsonType> = new Map<string, JsonType>([
  ...['minLength', 'maxLength', 'pattern', 'format'].map((keyword) => [keyword, 'string'] as const),
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].map(
    (keyword) => [keyword, 'number'] as const,
  ),
  ...['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'].map(
    (keyword) => [keyword, 'array'] as const,
  ),
  ...['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'].map(
    (keyword) => [keyword, 'object'] as const,
  ),
]);

const MAX_VALUE_NESTING = 32;
const MAX_INT32 = 2 ** 31 - 1;

export function jsonTypeOf(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') {
    return typeof value as JsonType;
  }
  return 'object';
}

/** @throws {SchemaError} when a keyword is malformed */
export function gatherConstraints(source: SchemaSource, conjunction: Conjunction): Constraints {
  const readers = conjunction.map((fragment) => new KeywordReader(source, fragment));
  const types = readers.map((reader) => reader.types()).filter((named) => named !== undefined);
  const formats = [
    ...new Set(readers.map((reader) => reader.text('format')).filter((format) => format !== undefined)),
  ];
  const counts = (keyword: Assertion) =>
    readers.map((reader) => reader.count(keyword)).filter((count) => count !== undefined);
  const minItems = counts('minItems');
  const int32: Bound[] = formats.includes('int32') ? [{ value: MAX_INT32, exclusive: false }] : [];
  const declared = [...new Set(readers.flatMap((reader) => Object.keys(reader.object('properties') ?? {})))];
  const additional = readers
    .map((reader) => reader.schema('additionalProperties'))
    .filter((schema) => schema !== undefined);
  return {
    types: new Set([...ALL_TYPES].filter((type) => types.every((named) => named.allowed.has(type)))),
    typesNamed: types.length > 0,
    typesMentioned: new Set(readers.flatMap((reader) => reader.typesMentioned())),
    integer:
      types.some((named) => named.integer) ||
      formats.some((format) => format === 'int32' || format === 'int64'),
    values: commonValues(readers),
    minimum: tightest(
      [
        ...readers.flatMap((reader) => reader.bounds('minimum')),
        ...int32.map(({ value }) => ({ value: -value - 1, exclusive: false })),
      ],
      1,
    ),
    maximum: tightest([...readers.flatMap((reader) => reader.bounds('maximum')), ...int32], -1),
    multipleOf: [
      ...new Set(readers.map((reader) => reader.divisor()).filter((divisor) => divisor !== undefined)),
    ],
    minLength: Math.max(0, ...counts('minLength')),
    maxLength: Math.min(Infinity, ...counts('maxLength')),
    patterns: [
      ...new Set(readers.map((reader) => reader.text('pattern')).filter((pattern) => pattern !== undefined)),
    ],
    formats,
    minItems: minItems.length === 0 ? undefined : Math.max(...minItems),
    maxItems: Math.min(Infinity, ...counts('maxItems')),
    uniqueItems: readers.some((reader) => reader.flag('uniqueItems')),
    prefixLength: Math.max(0, ...readers.map((reader) => reader.prefix().length)),
    itemAt: (index) =>
      readers.map((reader) => reader.prefix()[index] ?? reader.rest()).filter((item) => item !== undefined),
    itemsDescribed: readers.some((reader) => reader.rest() !== undefined),
    declared,
    propertiesDescribed: readers.some((reader) => reader.object('properties') !== undefined),
    required: new Set(readers.flatMap((reader) => reader.names('required'))),
    property: (name) =>
      readers.map((reader) => reader.property(name)).filter((property) => property !== undefined),
    additional: additional.length === 0 ? undefined : additional,
    minProperties: Math.max(0, ...counts('minProperties')),
    maxProperties: Math.min(Infinity, ...counts('maxProperties')),
    has: (keyword) => readers.some((reader) => reader.has(keyword)),
    pathOf: (keyword) =>
      readers.find((reader) => reader.has(keyword))?.path ?? readers[0]?.path ?? source.root.path,
  };
}

/** Whether one of the schemas is `false`. */
export function isNever(conjunction: Conjunction): boolean {
  return conjunction.some(({ schema }) => schema === false);
}

/** The bound that leaves the fewest numbers; `direction` is 1 for minima and -1 for maxima. */
function tightest(bounds: readonly Bound[], direction: 1 | -1): Bound | undefined {
  return bounds.toSorted(
    (a, b) => direction * (b.value - a.value) || Number(b.exclusive) - Number(a.exclusive),
  )[0];
}

function commonValues(readers: readonly KeywordReader[]): ReadonlyMap<string, unknown> | undefined {
  const lists = readers
    .flatMap((reader) => reader.values())
    .map((list) => new Map(list.map((value) => [canonicalJson(value), value])));
  const [first, ...others] = lists;
  if (first === undefined) return undefined;
  return new Map([...first].filter(([text]) => others.every((list) => list.has(text))));
}

/** Reads and checks the keywords of one schema object. */
class KeywordReader {
  readonly path: string;
  readonly #source: SchemaSource;
  readonly #fragment: Fragment;
  readonly #schema: JsonObject;
  #prefix: readonly Fragment[] | undefined;

  constructor(source: SchemaSource, fragment: Fragment) {
    this.#source = source;
    this.#fragment = fragment;
    this.path = fragment.path;
    this.#schema = isJsonObject(fragment.schema) ? fragment.schema : {};
  }

  has(keyword: string): boolean {
    return this.#get(keyword) !== undefined;
  }

  types(): { allowed: ReadonlySet<JsonType>; integer: boolean } | undefined {
    const type = this.#get('type');
    if (type === undefined) return undefined;
    const names = (Array.isArray(type) ? (type as unknown[]) : [type]).map((name) =>
      // Google's own schemas spell types in capitals.
      typeof name === 'string' ? name.toLowerCase() : '',
    );
    const allowed = new Set<JsonType>();
    for (const name of names) {
      const known = TYPE_NAMES.get(name);
      if (known === undefined) throw this.#invalid('type', 'must name JSON types');
      allowed.add(known);
    }
    if (this.#get('nullable') === true) allowed.add('null');
    return { allowed, integer: names.includes('integer') && !names.includes('number') };
  }

  typesMentioned(): JsonType[] {
    return Object.keys(this.#schema)
      .map((keyword) => TYPE_OF_KEYWORD.get(keyword))
      .filter((type) => type !== undefined);
  }

  values(): (readonly unknown[])[] {
    const listed = this.#get('enum');
    if (listed !== undefined && !Array.isArray(listed)) throw this.#invalid('enum', 'must be an array');
    const lists: unknown[][] = listed === undefined ? [] : [listed];
    if (Object.hasOwn(this.#schema, 'const')) lists.push([this.#schema['const']]);
    this.#source.budget.spend(lists.flat().length * 4);
    if (nestsDeeperThan(lists, MAX_VALUE_NESTING)) {
      throw this.#source.tooComplex(this.#fragment, `listed values nest deeper than ${MAX_VALUE_NESTING}`);
    }
    return lists;
  }

  text(keyword: Assertion): string | undefined {
    const value = this.#get(keyword);
    if (value !== undefined && typeof value !== 'string') throw this.#invalid(keyword, 'must be a string');
    return value;
  }

  flag(keyword: Assertion): boolean {
    const value = this.#get(keyword);
    if (value !== undefined && typeof value !== 'boolean') throw this.#invalid(keyword, 'must be a boolean');
    return value === true;
  }

  count(keyword: Assertion): number | undefined {
    const value = this.#number(keyword);
    if (value !== undefined && (!Number.isInteger(value) || value < 0)) {
      throw this.#invalid(keyword, 'must be a whole number from 0 up');
    }
    return value;
  }

  divisor(): number | undefined {
    const value = this.#number('multipleOf');
    if (value !== undefined && !(value > 0)) throw this.#invalid('multipleOf', 'must be greater than 0');
    return value;
  }

  bounds(side: 'minimum' | 'maximum'): Bound[] {
    const exclusiveKeyword = side === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum';
    const exclusive = this.#get(exclusiveKeyword);
    // In OpenAPI 3.0 the exclusive keywords are flags of the others.
    const isFlag = typeof exclusive === 'boolean';
    const bounds: Bound[] = [];
    const value = this.#number(side);
    if (value !== undefined) bounds.push({ value, exclusive: exclusive === true });
    const exclusiveValue = isFlag ? undefined : this.#number(exclusiveKeyword);
    if (exclusiveValue !== undefined) bounds.push({ value: exclusiveValue, exclusive: true });
    return bounds;
  }

  object(keyword: Assertion): JsonObject | undefined {
    const value = this.#get(keyword);
    if (value !== undefined && !isJsonObject(value)) throw this.#invalid(keyword, 'must be an object');
    return value;
  }

  names(keyword: Assertion): readonly string[] {
    const value = this.#get(keyword);
    if (value === undefined) return [];
    if (!Array.isArray(value) || !value.every((name) => typeof name === 'string')) {
      throw this.#invalid(keyword, 'must be an array of names');
    }
    return value;
  }

  schema(keyword: Assertion): Fragment | undefined {
    const value = this.#get(keyword);
    return value === undefined ? undefined : this.#source.child(this.#fragment, [keyword], value);
  }

  property(name: string): Fragment | undefined {
    const declared = ownProperty(this.object('properties') ?? {}, name);
    if (declared === undefined) return this.schema('additionalProperties');
    return this.#source.child(this.#fragment, ['properties', name], declared);
  }

  prefix(): readonly Fragment[] {
    this.#prefix ??= this.#readPrefix();
    return this.#prefix;
  }

  #readPrefix(): readonly Fragment[] {
    // Before draft 2020-12, `items` itself could be the list.
    const keyword = Array.isArray(this.#get('items')) ? 'items' : 'prefixItems';
    const value = this.#get(keyword);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.#invalid(keyword, 'must be an array');
    return value.map((item, index) => this.#source.child(this.#fragment, [keyword, index], item));
  }

  rest(): Fragment | undefined {
    return this.schema(Array.isArray(this.#get('items')) ? 'additionalItems' : 'items');
  }

  #get(keyword: string): unknown {
    return ownProperty(this.#schema, keyword);
  }

  #number(keyword: string): number | undefined {
    const value = this.#get(keyword);
    // Google's protobuf JSON writes 64-bit counts as strings.
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (number !== undefined && typeof number !== 'number') throw this.#invalid(keyword, 'must be a number');
    return number;
  }

  #invalid(keyword: string, problem: string): Error {
    return this.#source.invalid(this.#fragment, keyword, problem);
  }
}
