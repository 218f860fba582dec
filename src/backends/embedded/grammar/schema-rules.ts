/** Writes the graph of a schema as rules, leaving out what can never be completed. */
import { gbnfLiteral } from './gbnf-text.ts';
import type { GrammarRules } from './grammar-rules.ts';
import { colonRule, commaRule, jsonStringRule } from './json-text-rules.ts';
import { SchemaError } from './schema-error.ts';
import type {
  ArrayProduction,
  MapProduction,
  ObjectProduction,
  Production,
  SchemaGraph,
  SchemaNode,
} from './schema-nodes.ts';
import type { WorkBudget } from './work-budget.ts';

/**
 * Adds the rules of a schema and answers the name of its own.
 *
 * @throws {SchemaError} `invalid` when no value satisfies the schema, `too_complex` when the rules get too large
 * @throws {BudgetExceeded} when it takes too long to tell what can be completed
 */
export function addSchemaRules(graph: SchemaGraph, rules: GrammarRules): string {
  const completable = findCompletable(graph, rules.budget);
  if (!completable.has(graph.root)) throw explainDeadEnd(graph.root, completable);
  return new SchemaRuleWriter(rules, completable).write(graph.root);
}

type Completable = ReadonlySet<SchemaNode>;

/** Nodes with a finite value: the least set in which each has a production made of members. */
function findCompletable({ nodes }: SchemaGraph, budget: WorkBudget): Completable {
  const completable = new Set<SchemaNode>();
  let open = nodes;
  for (let before = -1; before < completable.size;) {
    before = completable.size;
    budget.spend(Math.ceil(open.length / 4));
    // Parts are mostly discovered after their wholes: backwards settles those at once, forwards the others.
    for (const node of open.toReversed()) {
      if (node.productions.some((production) => isCompletable(production, completable)))
        completable.add(node);
    }
    open = open.filter((node) => !completable.has(node)).toReversed();
  }
  return completable;
}

function isCompletable(production: Production, completable: Completable): boolean {
  switch (production.kind) {
    case 'text':
      return true;
    case 'object': {
      const { properties, needsOne } = production;
      if (needsOne && !properties.some(({ value }) => completable.has(value))) return false;
      return properties.every(({ required, value }) => !required || completable.has(value));
    }
    case 'map':
      return production.min === 0 || completable.has(production.value);
    case 'array': {
      const { prefix, items, min } = production;
      if (!prefix.slice(0, min).every((node) => completable.has(node))) return false;
      return min <= prefix.length || (items !== undefined && completable.has(items));
    }
    default:
      return production satisfies never;
  }
}

/** Follows the first part that cannot be completed down to the reason. */
function explainDeadEnd(root: SchemaNode, completable: Completable): SchemaError {
  const seen = new Set<SchemaNode>();
  for (let node: SchemaNode | undefined = root; node !== undefined && !seen.has(node);) {
    if (node.problem !== undefined) return node.problem;
    seen.add(node);
    const next: SchemaNode | undefined = node.productions
      .flatMap(partsOf)
      .find((part) => !completable.has(part));
    if (next === undefined) {
      const { path } = node;
      return new SchemaError(
        'invalid',
        { keyword: '$schema', path },
        `${path}: no value satisfies this schema.`,
      );
    }
    node = next;
  }
  const { path } = root;
  return new SchemaError(
    'invalid',
    { keyword: '$ref', path },
    `${path}: no finite value satisfies this schema: it demands itself over and over.`,
  );
}

function partsOf(production: Production): SchemaNode[] {
  switch (production.kind) {
    case 'text':
      return [];
    case 'object':
      return production.properties.filter(({ required }) => required).map(({ value }) => value);
    case 'map':
      return [production.value];
    case 'array':
      return [...production.prefix, ...(production.items === undefined ? [] : [production.items])];
    default:
      return production satisfies never;
  }
}

class SchemaRuleWriter {
  readonly #rules: GrammarRules;
  readonly #completable: Completable;
  readonly #nodeNames = new Map<SchemaNode, string>();
  readonly #productionNames = new Map<Production, string>();
  readonly #pending: (() => void)[] = [];

  constructor(rules: GrammarRules, completable: Completable) {
    this.#rules = rules;
    this.#completable = completable;
  }

  /** The rule of a node and of everything it leads to. */
  write(root: SchemaNode): string {
    const name = this.#nodeRule(root);
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) next();
    return name;
  }

  #nodeRule(node: SchemaNode): string {
    const known = this.#nodeNames.get(node);
    if (known !== undefined) return known;
    const productions = node.productions.filter((production) => isCompletable(production, this.#completable));
    const [only] = productions;
    const name =
      only !== undefined && productions.length === 1
        ? this.#productionRule(only)
        : this.#rules.shared(
            'choice',
            productions.map((production) => this.#productionElement(production)).join(' | '),
          );
    this.#nodeNames.set(node, name);
    return name;
  }

  /** Alternatives that a text offers stand directly in the choice around it. */
  #productionElement(production: Production): string {
    return production.kind === 'text' ? production.body : this.#productionRule(production);
  }

  #productionRule(production: Production): string {
    if (production.kind === 'text') {
      const isName = /^[a-zA-Z0-9-]+$/.test(production.body);
      return isName ? production.body : this.#rules.shared('constant', production.body);
    }
    const known = this.#productionNames.get(production);
    if (known !== undefined) return known;
    const name = this.#rules.reserve(production.kind);
    this.#productionNames.set(production, name);
    this.#pending.push(() => this.#rules.define(name, this.#body(production)));
    return name;
  }

  #body(production: ObjectProduction | MapProduction | ArrayProduction): string {
    switch (production.kind) {
      case 'object':
        return `"{" ${this.#members(production)} "}"`;
      case 'map':
        return `"{" ${this.#entries(production)} "}"`;
      case 'array':
        return `"[" ${this.#items(production)} "]"`;
      default:
        return production satisfies never;
    }
  }

  #members({ properties, needsOne }: ObjectProduction): string {
    const members = properties
      .filter(({ value }) => this.#completable.has(value))
      .map(({ name, required, value }) => {
        const text = `${gbnfLiteral(JSON.stringify(name))} ${colonRule(this.#rules)} ${this.#nodeRule(value)}`;
        return { text, required };
      });
    const comma = commaRule(this.#rules);
    const firstRequired = members.findIndex(({ required }) => required);
    if (firstRequired === -1) return this.#optionalMembers(members, needsOne);
    // Members before the first required one bring their comma after them, later ones before them.
    return members
      .map(({ text, required }, index) => {
        if (index < firstRequired) return `(${text} ${comma})?`;
        if (index === firstRequired) return text;
        return required ? `${comma} ${text}` : `(${comma} ${text})?`;
      })
      .join(' ');
  }

  /** Optional members only: any of them can be the first, and then later ones may follow. */
  #optionalMembers(members: readonly { text: string }[], needsOne: boolean): string {
    const comma = commaRule(this.#rules);
    let following = '';
    const starts: string[] = [];
    for (const { text } of members.toReversed()) {
      const member = this.#rules.shared('member', text);
      starts.unshift(`${member} ${following}`.trim());
      following = this.#rules.shared('more', `(${comma} ${member})? ${following}`.trim());
    }
    if (starts.length === 0) return '';
    return `(${starts.join(' | ')})${needsOne ? '' : '?'}`;
  }

  #entries({ value, min, max }: MapProduction): string {
    if (max === 0 || !this.#completable.has(value)) return '';
    const rules = this.#rules;
    const entry = rules.shared(
      'entry',
      `${jsonStringRule(rules)} ${colonRule(rules)} ${this.#nodeRule(value)}`,
    );
    return this.#list([], entry, min, max);
  }

  #items({ prefix, items, min, preferredMin, max }: ArrayProduction): string {
    const end = prefix.findIndex((node) => !this.#completable.has(node));
    const usable = end === -1 ? prefix : prefix.slice(0, end);
    const hasItems = end === -1 && items !== undefined && this.#completable.has(items);
    const names = usable.map((node) => this.#nodeRule(node));
    const least = Math.max(min, hasItems ? preferredMin : Math.min(preferredMin, names.length));
    return this.#list(names, hasItems ? this.#nodeRule(items) : undefined, least, max);
  }

  /** Elements with commas between them: those of `prefix`, then any number of `item`. */
  #list(prefix: readonly string[], item: string | undefined, min: number, max: number): string {
    const rules = this.#rules;
    const comma = commaRule(rules);
    const following = (element: string) => rules.shared('next', `${comma} ${element}`);
    const afterPrefix = (already: number, least: number) => {
      if (item === undefined || max <= already) return '';
      return rules.repeat(
        following(item),
        Math.max(0, least - already),
        max === Infinity ? undefined : max - already,
      );
    };
    const [head, ...tail] = prefix.length === 0 ? (item === undefined ? [] : [item]) : prefix;
    if (head === undefined || max === 0) return '';
    const demanded = tail.slice(0, Math.max(0, min - 1)).map(following);
    // From the last element back: what is not demanded may end the list.
    let rest = afterPrefix(tail.length + 1, min);
    for (const element of tail.slice(demanded.length).toReversed()) {
      rest = rules.shared('rest', `(${following(element)} ${rest})?`);
    }
    const list = [head, ...demanded, rest].join(' ').trim();
    return min === 0 ? `(${list})?` : list;
  }
}
