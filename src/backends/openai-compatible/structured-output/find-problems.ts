import { encodePointer, validate, type OutputUnit } from '@cfworker/json-schema';
import { isJsonObject } from '../../../wire/validation/structure-checks.ts';
import type { NormalSubschema } from './keyword-readers.ts';
import type { NormalSchema } from './normalize-schema.ts';
import { MAX_PROBLEMS, problemAt } from './schema-verdict.ts';

const DRAFT = '2020-12';

/** Reports that only say that something below them failed, which has a report of its own. */
const WRAPPERS: ReadonlySet<string> = new Set([
  '$ref',
  'allOf',
  'if',
  'dependentSchemas',
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'items',
  'prefixItems',
  'unevaluatedItems',
  'propertyNames',
]);

/**
 * What is wrong with a JSON value, as lines for a model or a person; empty when the schema accepts it.
 *
 * @throws {RangeError} when the call stack does not hold the check, as with a schema that refers to itself without end
 */
export function findProblems(value: unknown, schema: NormalSchema): string[] {
  const search = new ProblemSearch(schema);
  search.look(value, schema.root, '#');
  return [...search.problems];
}

/**
 * The validator can report all problems, but then it follows every alternative to its end, which takes exponential
 * time where alternatives are recursive. So it stops at the first, and its search is repeated in each part of the
 * value that has a schema of its own.
 */
class ProblemSearch {
  readonly problems = new Set<string>();
  readonly #targets: NormalSchema['targets'];

  constructor(schema: NormalSchema) {
    this.#targets = schema.targets;
  }

  /**
   * @param location JSON pointer of the value as the validator writes it
   * @returns whether the schema accepts the value
   */
  look(value: unknown, schema: NormalSubschema, location: string): boolean {
    const { valid, errors } = validate(value, schema, DRAFT, this.#targets, true, null, location);
    if (valid) return true;
    const explained = new Set<string>();
    for (const part of this.#partsOf(value, schema)) {
      const place = `${location}/${encodePointer(part.key)}`;
      if (!this.look(part.value, part.schema, place)) explained.add(place);
      if (this.#isFull) return false;
    }
    // Of alternatives, the one that fits further down is likely the one that was meant.
    for (const error of errors.toSorted((a, b) => depthOf(b) - depthOf(a))) {
      const isExplained = explained.has(partAround(error.instanceLocation, location));
      if (!WRAPPERS.has(error.keyword) && !isExplained) this.#report(error, schema);
      if (this.#isFull) return false;
    }
    return false;
  }

  get #isFull(): boolean {
    return this.problems.size >= MAX_PROBLEMS;
  }

  #report(error: OutputUnit, schema: NormalSubschema): void {
    const pointer = decodeURIComponent(error.instanceLocation.slice(1));
    this.problems.add(problemAt(pointer, explain(error, this.#keywordAt(error.keywordLocation, schema))));
  }

  /** The value of the keyword that failed, on the way that the validator took from `schema`. */
  #keywordAt(location: string, schema: NormalSubschema): unknown {
    let place: unknown = schema;
    for (const step of location.split('/').slice(1)) {
      const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
      place = Object.hasOwn(Object(place) as object, key)
        ? (place as Record<string, unknown>)[key]
        : undefined;
      if (key === '$ref' && typeof place === 'string') place = this.#targets[place];
    }
    return place;
  }

  /** Members and items that have one schema wherever the value stands. */
  *#partsOf(
    value: unknown,
    schema: NormalSubschema,
  ): Generator<{ readonly key: string; readonly value: unknown; readonly schema: NormalSubschema }> {
    if (typeof schema === 'boolean') return;
    const {
      $ref,
      properties = {},
      additionalProperties,
      patternProperties,
      prefixItems = [],
      items,
    } = schema;
    if (isJsonObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
        // With patterns it takes more to know which members are additional ones.
        const applied = own ?? (patternProperties === undefined ? additionalProperties : undefined);
        if (applied !== undefined) yield { key, value: member, schema: applied };
      }
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        const applied = prefixItems[index] ?? items;
        if (applied !== undefined && !Array.isArray(applied)) {
          yield { key: String(index), value: item, schema: applied };
        }
      }
    }
    const target = $ref === undefined ? undefined : this.#targets[$ref];
    if (target !== undefined) yield* this.#partsOf(value, target);
  }
}

function depthOf({ instanceLocation }: OutputUnit): number {
  return instanceLocation.split('/').length;
}

/** The location one step below `root` on the way to `location`. */
function partAround(location: string, root: string): string {
  const end = location.indexOf('/', root.length + 1);
  return end === -1 ? location : location.slice(0, end);
}

/** What a failed keyword asked for. */
const DEMANDS: Readonly<Record<string, (limit: unknown) => string>> = {
  type: (types) => `must be of type ${[types].flat().join(' or ')}`,
  enum: (values) => `must be one of ${listed(values)}`,
  const: (value) => `must be ${JSON.stringify(value)}`,
  anyOf: () => 'must match one of the alternatives',
  oneOf: () => 'must match exactly one of the alternatives',
  not: () => 'must not match the schema under "not"',
  false: () => 'must not be there',
  minProperties: (limit) => `must have at least ${String(limit)} properties`,
  maxProperties: (limit) => `must have at most ${String(limit)} properties`,
  minItems: (limit) => `must have at least ${String(limit)} items`,
  maxItems: (limit) => `must have at most ${String(limit)} items`,
  uniqueItems: () => 'must not hold the same item twice',
  contains: () => 'must hold an item that matches the schema under "contains"',
  minimum: (limit) => `must be at least ${String(limit)}`,
  maximum: (limit) => `must be at most ${String(limit)}`,
  exclusiveMinimum: (limit) => `must be more than ${String(limit)}`,
  exclusiveMaximum: (limit) => `must be less than ${String(limit)}`,
  multipleOf: (limit) => `must be a multiple of ${String(limit)}`,
  minLength: (limit) => `must have at least ${String(limit)} characters`,
  maxLength: (limit) => `must have at most ${String(limit)} characters`,
  pattern: (pattern) => `must match the pattern ${String(pattern)}`,
  format: (format) => `must be a ${String(format)} (RFC 3339 for times)`,
};

/** More than fit into one problem. */
const MAX_LISTED = 100;

function listed(values: unknown): string {
  const shown = Array.isArray(values) ? values.slice(0, MAX_LISTED) : [];
  return shown.map((value) => JSON.stringify(value)).join(', ');
}

function explain({ keyword, error }: OutputUnit, limit: unknown): string {
  if (keyword === 'required') {
    return error.replace('Instance does not have required property', 'must have the property');
  }
  const demand = DEMANDS[keyword];
  // The rest is rare, and the validator's own words say what was needed.
  return demand === undefined ? error : demand(limit);
}
