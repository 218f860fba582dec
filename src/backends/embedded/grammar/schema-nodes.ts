/**
 * The schema as a graph of productions: what a value can be, with its parts as further nodes.
 *
 * A node stands for a conjunction of schemas, so that recursion in the schema becomes a circle in the graph, and then
 * recursion between rules.
 */
import { isAccepted } from './accepted-value.ts';
import type { GrammarRules } from './grammar-rules.ts';
import { jsonArrayRule, jsonObjectRule, jsonValueRule, JSON_BOOLEAN, JSON_NULL } from './json-text-rules.ts';
import { NoValue, ScalarRules } from './scalar-rules.ts';
import { keyOf, SchemaAlternatives } from './schema-alternatives.ts';
import {
  ALL_TYPES,
  isNever,
  type Conjunction,
  type Constraints,
  type JsonType,
} from './schema-constraints.ts';
import { SchemaError } from './schema-error.ts';
import { pureReference } from './schema-keywords.ts';
import type { Fragment, SchemaSource } from './schema-source.ts';

/** A place where a value stands. No production means that no value can stand there. */
export interface SchemaNode {
  readonly path: string;
  productions: readonly Production[];
  /** Why there is no production. */
  problem?: SchemaError;
}

export type Production = TextProduction | ObjectProduction | MapProduction | ArrayProduction;

/** A value without parts of its own: GBNF that begins with a character. */
export interface TextProduction {
  readonly kind: 'text';
  readonly body: string;
}

/** An object with known names, written in this order. */
export interface ObjectProduction {
  readonly kind: 'object';
  readonly properties: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly value: SchemaNode;
  }[];
  /** Whether one property at least must be there. */
  readonly needsOne: boolean;
}

/** An object with any names, all values of one kind. */
export interface MapProduction {
  readonly kind: 'map';
  readonly value: SchemaNode;
  readonly min: number;
  readonly max: number;
}

export interface ArrayProduction {
  readonly kind: 'array';
  readonly prefix: readonly SchemaNode[];
  /** Items beyond the prefix; absent when there are none. */
  readonly items?: SchemaNode;
  /** What the schema demands. */
  readonly min: number;
  /** What is written at least, where possible: a tuple comes with all its items although the schema may not say so. */
  readonly preferredMin: number;
  readonly max: number;
}

const MAX_NODES = 20_000;

/** Builds the graph of one schema. Scalars become rules at once, the rest once the graph is known. */
export class SchemaGraph {
  readonly root: SchemaNode;
  /** In order of discovery: the root first. */
  readonly nodes: SchemaNode[] = [];
  readonly #source: SchemaSource;
  readonly #rules: GrammarRules;
  readonly #alternatives: SchemaAlternatives;
  readonly #scalars: ScalarRules;
  readonly #known = new Map<string, SchemaNode>();
  readonly #pending: { node: SchemaNode; conjunction: Conjunction }[] = [];
  readonly #productions = new Map<string, readonly Production[]>();
  readonly #texts = new Map<string, TextProduction>();

  /** @throws {SchemaError} when a reachable part of the schema is invalid, unsupported or too complex */
  constructor(source: SchemaSource, rules: GrammarRules) {
    this.#source = source;
    this.#rules = rules;
    this.#alternatives = new SchemaAlternatives(source);
    this.#scalars = new ScalarRules(rules, source);
    this.root = this.#nodeOf([source.root]);
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      this.#fill(next.node, next.conjunction);
    }
  }

  #nodeOf(conjunction: Conjunction): SchemaNode {
    const targets = [...new Set(conjunction.map((fragment) => this.#target(fragment)))];
    const key = keyOf(targets.toSorted((a, b) => a.id - b.id));
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const path = targets[0]?.path ?? this.#source.root.path;
    if (this.nodes.length >= MAX_NODES) {
      throw this.#source.tooComplex(targets[0] ?? this.#source.root, `it has more than ${MAX_NODES} parts`);
    }
    const node: SchemaNode = { path, productions: [] };
    this.#known.set(key, node);
    this.nodes.push(node);
    this.#pending.push({ node, conjunction: targets });
    return node;
  }

  /** Where references lead that say nothing but where to go on, so that all ways to a schema share its node. */
  #target(fragment: Fragment): Fragment {
    let target = fragment;
    for (const seen = new Set<Fragment>(); !seen.has(target);) {
      seen.add(target);
      const reference = pureReference(target.schema);
      if (reference !== undefined) target = this.#source.resolve(target, reference) ?? target;
    }
    return target;
  }

  #fill(node: SchemaNode, conjunction: Conjunction): void {
    const alternatives = this.#alternatives.of(conjunction);
    const productions = new Set<Production>();
    for (const alternative of alternatives) {
      try {
        for (const production of this.#productionsOf(alternative)) productions.add(production);
      } catch (error) {
        if (!(error instanceof NoValue)) throw error;
        const path = this.#alternatives.constraintsOf(alternative).pathOf(error.keyword);
        node.problem ??= new SchemaError(
          'invalid',
          { keyword: error.keyword, path },
          `${path}: "${error.keyword}" leaves no value: ${error.message}.`,
        );
      }
    }
    node.productions = [...productions];
    const [first] = conjunction;
    if (alternatives.length === 0 && first !== undefined) node.problem = this.#nothingLeft(first);
    // What one schema says by itself is a mistake; what several say together may just rule out an alternative.
    const isOwnMistake = conjunction.length === 1 && alternatives.length > 0;
    if (productions.size === 0 && isOwnMistake && node.problem !== undefined) throw node.problem;
  }

  #nothingLeft(fragment: Fragment): SchemaError {
    return fragment.schema === false
      ? this.#source.invalid(fragment, '$schema', 'is false, and yet a value is required')
      : this.#source.invalid(fragment, '$ref', 'leads back to itself, so that no value satisfies the schema');
  }

  /** @throws {NoValue} when the alternative contradicts itself */
  #productionsOf(alternative: Conjunction): readonly Production[] {
    const key = keyOf(alternative);
    const known = this.#productions.get(key);
    if (known !== undefined) return known;
    const constraints = this.#alternatives.constraintsOf(alternative);
    const { values } = constraints;
    const productions =
      values === undefined ? this.#byType(constraints) : [this.#listed(constraints, values.values())];
    this.#productions.set(key, productions);
    return productions;
  }

  #listed(constraints: Constraints, values: Iterable<unknown>): Production {
    const schema = { source: this.#source, alternatives: this.#alternatives, strings: this.#scalars.strings };
    const accepted = [...values].filter((value) => isAccepted(value, constraints, schema));
    if (accepted.length > 0) return this.#text(this.#scalars.values(accepted));
    const keyword = constraints.has('enum') ? 'enum' : 'const';
    throw new NoValue(keyword, 'none of the listed values satisfies the other keywords');
  }

  #byType(constraints: Constraints): Production[] {
    const types = generatedTypes(constraints);
    if (types.size === 0) throw new NoValue('type', 'no type satisfies all schemas that apply');
    if (types.size === ALL_TYPES.size && constraints.typesMentioned.size === 0) {
      return [this.#text(jsonValueRule(this.#rules))];
    }
    const productions: Production[] = [];
    let problem: NoValue | undefined;
    for (const type of types) {
      try {
        productions.push(this.#ofType(type, constraints));
      } catch (error) {
        if (!(error instanceof NoValue)) throw error;
        problem ??= error;
      }
    }
    if (productions.length === 0 && problem !== undefined) throw problem;
    return productions;
  }

  #ofType(type: JsonType, constraints: Constraints): Production {
    switch (type) {
      case 'null':
        return this.#text(JSON_NULL);
      case 'boolean':
        return this.#text(JSON_BOOLEAN);
      case 'number':
        return this.#text(this.#scalars.number(constraints));
      case 'string':
        return this.#text(this.#scalars.string(constraints));
      case 'array':
        return this.#array(constraints);
      case 'object':
        return this.#object(constraints);
      default:
        return type satisfies never;
    }
  }

  #array(constraints: Constraints): Production {
    const { minItems, prefixLength, itemsDescribed } = constraints;
    const max = constraints.maxItems;
    const min = minItems ?? 0;
    if (min > max) throw new NoValue('minItems', `${min} is greater than maxItems ${max}`);
    if (constraints.uniqueItems && max > 1) {
      this.#source.unsupported(
        constraints.pathOf('uniqueItems'),
        'uniqueItems',
        'a grammar cannot compare items',
      );
    }
    if (prefixLength === 0 && !itemsDescribed && min === 0 && max === Infinity)
      return this.#text(jsonArrayRule(this.#rules));
    const prefix = Array.from({ length: Math.min(prefixLength, max) }, (_, index) =>
      this.#nodeOf(constraints.itemAt(index)),
    );
    const hasItems = max > prefixLength && (prefixLength === 0 || itemsDescribed || min > prefixLength);
    return {
      kind: 'array',
      prefix,
      ...(hasItems ? { items: this.#nodeOf(constraints.itemAt(prefixLength)) } : {}),
      min,
      preferredMin: minItems ?? prefix.length,
      max,
    };
  }

  #object(constraints: Constraints): Production {
    const { declared, required, minProperties, maxProperties, additional } = constraints;
    if (minProperties > maxProperties) {
      throw new NoValue('minProperties', `${minProperties} is greater than maxProperties ${maxProperties}`);
    }
    const names = [...new Set([...declared, ...required])];
    const isOpen =
      names.length === 0 &&
      (!constraints.propertiesDescribed || (additional !== undefined && !isNever(additional)));
    if (isOpen) return this.#map(constraints);
    const properties = names.map((name) => ({
      name,
      required: required.has(name),
      value: this.#nodeOf(constraints.property(name)),
    }));
    if (required.size > maxProperties) {
      throw new NoValue(
        'maxProperties',
        `${required.size} properties are required and ${maxProperties} allowed`,
      );
    }
    const mayHaveMore = additional === undefined || !isNever(additional);
    if (minProperties > names.length && !mayHaveMore) {
      throw new NoValue('minProperties', `only ${names.length} properties are allowed`);
    }
    if (minProperties > Math.max(Math.min(1, names.length), required.size)) {
      this.#source.unsupported(
        constraints.pathOf('minProperties'),
        'minProperties',
        'a grammar does not count optional properties',
      );
    }
    if (maxProperties < names.length) {
      this.#source.unsupported(
        constraints.pathOf('maxProperties'),
        'maxProperties',
        'a grammar does not count optional properties',
      );
    }
    return { kind: 'object', properties, needsOne: minProperties > 0 && required.size === 0 };
  }

  #map(constraints: Constraints): Production {
    const { minProperties: min, maxProperties: max, additional } = constraints;
    if (additional === undefined && min === 0 && max === Infinity)
      return this.#text(jsonObjectRule(this.#rules));
    // A model may repeat a name, and repeated names count once.
    if (min > 1)
      this.#source.unsupported(constraints.pathOf('minProperties'), 'minProperties', 'names may repeat');
    return { kind: 'map', value: this.#nodeOf(additional ?? []), min: Math.min(min, 1), max };
  }

  #text(body: string): TextProduction {
    const known = this.#texts.get(body) ?? { kind: 'text', body };
    this.#texts.set(body, known);
    return known;
  }
}

/**
 * The types to write. Keywords about some types without a `type` mean those types to their authors, although
 * JSON Schema lets values of all other types pass.
 */
function generatedTypes({ types, typesNamed, typesMentioned }: Constraints): ReadonlySet<JsonType> {
  if (typesNamed || typesMentioned.size === 0) return types;
  return new Set([...types].filter((type) => typesMentioned.has(type)));
}
