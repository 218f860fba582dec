/**
 * JSON Schema (2020-12, with the habits of older drafts and of OpenAPI) to llama.cpp's GBNF.
 *
 * Every complete text of the grammar is JSON that satisfies the schema, unless keywords were dropped. The converse does
 * not hold: properties come in the order of `properties`, properties that are not declared never come beside declared
 * ones, and numbers, free-form values and white space are bounded.
 */
import { GrammarRules } from './grammar-rules.ts';
import { SchemaError, type SchemaPlace } from './schema-error.ts';
import { SchemaGraph } from './schema-nodes.ts';
import { addSchemaRules } from './schema-rules.ts';
import { SchemaSource, type SchemaOptions } from './schema-source.ts';
import { BudgetExceeded } from './work-budget.ts';

export type { SchemaOptions } from './schema-source.ts';

export interface CompiledSchema {
  /** Bodies of the rules by name. */
  readonly rules: ReadonlyMap<string, string>;
  /** The rule that stands for the schema. */
  readonly root: string;
  /** Keywords left out because they cannot be enforced. Empty unless `unsupported` is `drop`. */
  readonly dropped: readonly SchemaPlace[];
}

/**
 * Compiles one schema.
 *
 * @throws {SchemaError} when the schema is malformed, cannot be satisfied, is too complex, or cannot be enforced
 */
export function compileJsonSchema(schema: unknown, options: SchemaOptions): CompiledSchema {
  const rules = new GrammarRules();
  const { rule, dropped } = addJsonSchema(rules, schema, options);
  return { rules: rules.bodies, root: rule, dropped };
}

/** A schema among other rules. */
export interface AddedSchema {
  /** The rule that stands for the schema. */
  readonly rule: string;
  readonly dropped: readonly SchemaPlace[];
}

/** As {@link compileJsonSchema}, into rules that may hold others already. */
export function addJsonSchema(rules: GrammarRules, schema: unknown, options: SchemaOptions): AddedSchema {
  const { path = 'schema', unsupported } = options;
  try {
    const source = new SchemaSource(schema, { path, unsupported }, rules.budget);
    const rule = addSchemaRules(new SchemaGraph(source, rules), rules);
    return { rule, dropped: source.dropped };
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
    const message = `${path}: the schema is too complex: ${error.message}.`;
    throw new SchemaError('too_complex', { keyword: '$schema', path }, message);
  }
}
