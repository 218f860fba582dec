/**
 * Rewrites schemas as alternatives: conjunctions without `$ref`, `allOf`, `anyOf` and `oneOf`.
 *
 * A value satisfies the schema when it satisfies all schemas of one alternative; for `oneOf` the alternatives are
 * narrowed until no value satisfies two.
 */
import { ownProperty, type JsonObject } from './json-value.ts';
import {
  gatherConstraints,
  isNever,
  jsonTypeOf,
  type Conjunction,
  type Constraints,
  type JsonType,
} from './schema-constraints.ts';
import { hasAssertions, isTrueSchema, reportUnsupported } from './schema-keywords.ts';
import type { Fragment, SchemaSource } from './schema-source.ts';

const MAX_REFERENCE_DEPTH = 200;
const MAX_ALTERNATIVES = 2000;

export class SchemaAlternatives {
  readonly #source: SchemaSource;
  readonly #known = new Map<Fragment, readonly Conjunction[]>();
  readonly #open = new Set<Fragment>();
  readonly #constraints = new Map<string, Constraints>();
  /** Whether a reference led back to an open fragment, so that what is found holds only here. */
  #cutShort = false;

  constructor(source: SchemaSource) {
    this.#source = source;
  }

  /**
   * The alternatives of schemas that must all hold; none when no value satisfies them.
   * Each is sorted by fragment id, so that equal ones are recognised.
   *
   * @throws {SchemaError} when there are too many, or a keyword is malformed or unsupported
   */
  of(conjunction: Conjunction): readonly Conjunction[] {
    const [only] = conjunction;
    if (only !== undefined && conjunction.length === 1) return this.#expand(only);
    return conjunction.reduce<readonly Conjunction[]>(
      (found, fragment) => this.#cross(found, this.#expand(fragment), fragment),
      [[]],
    );
  }

  /** What an alternative demands. */
  constraintsOf(alternative: Conjunction): Constraints {
    const key = keyOf(alternative);
    const known = this.#constraints.get(key);
    if (known !== undefined) return known;
    const constraints = gatherConstraints(this.#source, alternative);
    this.#constraints.set(key, constraints);
    return constraints;
  }

  #expand(fragment: Fragment): readonly Conjunction[] {
    const known = this.#known.get(fragment);
    if (known !== undefined) return known;
    // A value that is only valid if it is valid has no finite proof: the circle contributes nothing.
    if (this.#open.has(fragment)) {
      this.#cutShort = true;
      return [];
    }
    this.#source.budget.spend(1);
    if (this.#open.size >= MAX_REFERENCE_DEPTH) throw this.#tooMany(fragment);
    const outerCut = this.#cutShort;
    this.#cutShort = false;
    this.#open.add(fragment);
    const found = this.#search(fragment);
    this.#open.delete(fragment);
    if (!this.#cutShort || this.#open.size === 0) this.#known.set(fragment, found);
    this.#cutShort = this.#open.size > 0 && (this.#cutShort || outerCut);
    return found;
  }

  #search(fragment: Fragment): readonly Conjunction[] {
    const { schema } = fragment;
    if (typeof schema === 'boolean') return schema ? [[]] : [];
    reportUnsupported(this.#source, fragment);
    const forbidden = ownProperty(schema, 'not');
    if (forbidden !== undefined && isTrueSchema(forbidden)) return [];
    let found: readonly Conjunction[] = hasAssertions(schema) ? [[fragment]] : [[]];
    const reference = ownProperty(schema, '$ref');
    const target = reference === undefined ? undefined : this.#source.resolve(fragment, reference);
    if (target !== undefined) found = this.#cross(found, this.#expand(target), fragment);
    for (const branch of this.#branches(fragment, schema, 'allOf')) {
      found = this.#cross(found, this.#expand(branch), fragment);
    }
    if (ownProperty(schema, 'anyOf') !== undefined) {
      const branches = this.#branches(fragment, schema, 'anyOf');
      const alternatives = branches.flatMap((branch) => this.#expand(branch));
      this.#source.budget.spend(alternatives.length * 2);
      found = this.#cross(found, distinct(alternatives), fragment);
    }
    if (ownProperty(schema, 'oneOf') !== undefined) {
      found = this.#cross(found, this.#exactlyOne(fragment, schema), fragment);
    }
    return this.#withoutUnevaluated(fragment, schema, found);
  }

  #branches(fragment: Fragment, schema: JsonObject, keyword: string): Fragment[] {
    const branches = ownProperty(schema, keyword);
    if (branches === undefined) return [];
    if (!Array.isArray(branches) || branches.length === 0) {
      throw this.#source.invalid(fragment, keyword, 'must be a non-empty array');
    }
    return branches.map((branch, index) => this.#source.child(fragment, [keyword, index], branch));
  }

  #cross(left: readonly Conjunction[], right: readonly Conjunction[], at: Fragment): readonly Conjunction[] {
    if (left.length * right.length > MAX_ALTERNATIVES) throw this.#tooMany(at);
    if (left.length === 1 && left[0]?.length === 0) return right;
    if (right.length === 1 && right[0]?.length === 0) return left;
    this.#source.budget.spend(
      left.length * right.length * (1 + (left[0]?.length ?? 0) + (right[0]?.length ?? 0)),
    );
    return distinct(left.flatMap((one) => right.map((other) => joined(one, other))));
  }

  /** Under `unevaluatedProperties: false` only names that the schema or its parts declare are left. */
  #withoutUnevaluated(
    fragment: Fragment,
    schema: JsonObject,
    found: readonly Conjunction[],
  ): readonly Conjunction[] {
    const rest = ownProperty(schema, 'unevaluatedProperties');
    if (rest === undefined || isTrueSchema(rest)) return found;
    if (rest !== false) {
      this.#source.unsupported(fragment, 'unevaluatedProperties', 'only true and false can be');
      return found;
    }
    return found.map((alternative) => {
      const { declared, additional } = this.constraintsOf(alternative);
      // What additionalProperties is about counts as evaluated, and it is about all the rest.
      if (additional !== undefined) return alternative;
      const properties = Object.fromEntries(declared.map((name) => [name, true]));
      return joined(alternative, [this.#source.make(fragment, { properties, additionalProperties: false })]);
    });
  }

  #exactlyOne(fragment: Fragment, schema: JsonObject): readonly Conjunction[] {
    const branches = this.#branches(fragment, schema, 'oneOf').map((branch) => this.#expand(branch));
    const narrowed = branches.flatMap((branch, index) => {
      const others = branches.filter((_, other) => other !== index).flat();
      return branch.map((alternative) => this.#excludeAll(fragment, alternative, others));
    });
    const certain = narrowed.filter((alternative) => alternative !== undefined);
    if (certain.length === narrowed.length) return distinct(certain);
    this.#source.unsupported(
      fragment,
      'oneOf',
      'its branches are not provably exclusive; anyOf can be enforced',
    );
    return distinct(branches.flat());
  }

  /** `alternative`, narrowed so that none of `others` holds as well; `undefined` when we cannot tell how. */
  #excludeAll(
    fragment: Fragment,
    alternative: Conjunction,
    others: readonly Conjunction[],
  ): Conjunction | undefined {
    this.#source.budget.spend(others.length * 4);
    let narrowed = alternative;
    for (const other of others) {
      const exclusion = this.#exclusion(this.constraintsOf(narrowed), this.constraintsOf(other));
      if (exclusion === undefined) return undefined;
      if (Object.keys(exclusion).length > 0) {
        narrowed = joined(narrowed, [this.#source.make(fragment, exclusion)]);
      }
    }
    return narrowed;
  }

  /** A schema that, added to `one`, keeps out the values of `other`: empty when that is so already. */
  #exclusion(one: Constraints, other: Constraints): JsonObject | undefined {
    if (areDisjointLists(one.values, other.values)) return {};
    const common = sharedTypes(one, other);
    const undecided = common.filter(
      (type) => type !== 'object' && !(type === 'number' && areDisjointRanges(one, other)),
    );
    // Null is valid for both, so that it is valid for neither; types that `one` does not name may be left out as well.
    if (undecided.some((type) => type !== 'null' && one.typesNamed)) return undefined;
    const remaining = [...typesOf(one)].filter((type) => !undecided.includes(type));
    const types: JsonObject = undecided.length === 0 ? {} : { type: remaining };
    if (remaining.length === 0) return one.typesNamed ? { enum: [] } : undefined;
    if (!common.includes('object')) return types;
    const byProperty = this.#objectExclusion(one, other);
    return byProperty === undefined ? undefined : { ...types, ...byProperty };
  }

  #objectExclusion(one: Constraints, other: Constraints): JsonObject | undefined {
    const preference = (name: string) =>
      (one.required.has(name) ? 2 : 0) + (other.declared.includes(name) ? 1 : 0);
    const [discriminator] = one.declared
      .filter((name) => this.#areDisjoint(one.property(name), other.property(name)))
      .sort((a, b) => preference(b) - preference(a));
    if (discriminator !== undefined) {
      return one.required.has(discriminator) ? {} : { required: [discriminator] };
    }
    const missing = [...other.required].find((name) => !one.required.has(name));
    if (missing === undefined) return undefined;
    return isNever(one.property(missing)) ? {} : { properties: { [missing]: false } };
  }

  /** Whether there are values of `one` and none of them satisfies `other`, as far as types and listed values tell. */
  #areDisjoint(one: Conjunction, other: Conjunction): boolean {
    if (one.length === 0 || other.length === 0 || isNever(one)) return false;
    const others = this.of(other).map((alternative) => this.constraintsOf(alternative));
    return this.of(one)
      .map((alternative) => this.constraintsOf(alternative))
      .every((a) =>
        others.every((b) => areDisjointLists(a.values, b.values) || sharedTypes(a, b).length === 0),
      );
  }

  #tooMany(fragment: Fragment): Error {
    return this.#source.tooComplex(fragment, 'its references and alternatives multiply beyond the limit');
  }
}

/** Equal for equal conjunctions, if they are sorted. */
export function keyOf(conjunction: Conjunction): string {
  return conjunction.map(({ id }) => id).join(' ');
}

/** Both conjunctions as one, sorted and without duplicates, as they are themselves. */
function joined(one: Conjunction, other: Conjunction): Conjunction {
  if (other.length === 0) return one;
  if (one.length === 0) return other;
  return [...new Set([...one, ...other])].sort((a, b) => a.id - b.id);
}

function distinct(alternatives: readonly Conjunction[]): readonly Conjunction[] {
  return [...new Map(alternatives.map((alternative) => [keyOf(alternative), alternative])).values()];
}

function areDisjointLists(one: Constraints['values'], other: Constraints['values']): boolean {
  return one !== undefined && other !== undefined && ![...other.keys()].some((text) => one.has(text));
}

function areDisjointRanges(one: Constraints, other: Constraints): boolean {
  return isBelow(one, other) || isBelow(other, one);
}

function isBelow(one: Constraints, other: Constraints): boolean {
  return one.maximum !== undefined && other.minimum !== undefined && one.maximum.value < other.minimum.value;
}

function sharedTypes(one: Constraints, other: Constraints): JsonType[] {
  const others = typesOf(other);
  return [...typesOf(one)].filter((type) => others.has(type));
}

function typesOf({ types, values }: Constraints): ReadonlySet<JsonType> {
  if (values === undefined) return types;
  return new Set([...values.values()].map(jsonTypeOf).filter((type) => types.has(type)));
}
