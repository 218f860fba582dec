import { encodePointer, validate, type OutputUnit } from '@cfworker/json-schema';
import { isJsonObject } from '../../../wire/validation/structure-checks.ts';
import { explainKeyword } from './explain-keyword.ts';
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
  if (search.look(value, schema.root, '#')) return [];
  return search.problems.size === 0 ? [problemAt('', 'must match the schema')] : [...search.problems];
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
    const own = errors.filter(
      ({ keyword, instanceLocation }) =>
        !WRAPPERS.has(keyword) && !explained.has(partAround(instanceLocation, location)),
    );
    // Of alternatives, the one that fits further down is likely the one that was meant.
    for (const error of own.toSorted((a, b) => depthOf(b) - depthOf(a))) {
      if (this.#isFull) break;
      this.#report(error, schema);
    }
    return false;
  }

  get #isFull(): boolean {
    return this.problems.size >= MAX_PROBLEMS;
  }

  #report(error: OutputUnit, schema: NormalSubschema): void {
    const pointer = decodeURIComponent(error.instanceLocation.slice(1));
    this.problems.add(
      problemAt(pointer, explainKeyword(error, this.#keywordAt(error.keywordLocation, schema))),
    );
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
