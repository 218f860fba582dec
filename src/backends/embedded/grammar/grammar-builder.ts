import {
  addJsonSchema,
  type AddedSchema,
  type CompiledSchema,
  type SchemaOptions,
} from './compile-json-schema.ts';
import { gbnfLiteral } from './gbnf-text.ts';
import { GrammarRules } from './grammar-rules.ts';
import { jsonObjectRule } from './json-text-rules.ts';

/** Puts schemas and rules of one's own together into one grammar; names never collide. */
export class GrammarBuilder {
  readonly #rules = new GrammarRules();

  /**
   * Adds a schema: answers the name of its rule, and the keywords left out.
   *
   * @throws {SchemaError} as `compileJsonSchema`; the builder may then hold rules that nothing refers to
   */
  addSchema(schema: unknown, options: SchemaOptions): AddedSchema {
    return addJsonSchema(this.#rules, schema, options);
  }

  /** Adds the rule of any JSON object and answers its name. */
  addJsonObject(): string {
    return jsonObjectRule(this.#rules);
  }

  /**
   * Adds a rule and answers its name, which is `name` or, when that is taken, a name made from it.
   *
   * @param body GBNF alternatives
   */
  addRule(name: string, body: string): string {
    return this.#rules.define(this.#rules.reserve(name), body);
  }

  /** `text` as a GBNF literal, quotes included. */
  literal(text: string): string {
    return gbnfLiteral(text);
  }

  /** The grammar whose start rule has the body `root`. */
  toString(root: string): string {
    return grammarText(root, this.#rules.bodies);
  }
}

/** The GBNF text of a compiled schema. */
export function buildGrammar({ root, rules }: Pick<CompiledSchema, 'root' | 'rules'>): string {
  return grammarText(root, rules);
}

function grammarText(root: string, rules: ReadonlyMap<string, string>): string {
  const lines = Array.from(rules, ([name, body]) => `${name} ::= ${body}\n`);
  return `root ::= ${root}\n${lines.join('')}`;
}

/** The grammar of any JSON object: `response_format` of type `json_object`. */
export function jsonObjectGrammar(): string {
  const builder = new GrammarBuilder();
  return builder.toString(builder.addJsonObject());
}
