/** Checks listed values (`enum`, `const`) against what else their schema demands. */
import { automatonAccepts } from './automaton.ts';
import { isJsonObject, canonicalJson, type JsonObject } from './json-value.ts';
import { jsonTypeOf, type Conjunction, type Constraints } from './schema-constraints.ts';
import type { SchemaAlternatives } from './schema-alternatives.ts';
import type { StringAutomata } from './string-automaton.ts';
import type { SchemaSource } from './schema-source.ts';

/** Whether `value` certainly satisfies the constraints. */
export function isAccepted(value: unknown, constraints: Constraints, schema: CheckedSchema): boolean {
  if (!constraints.types.has(jsonTypeOf(value))) return false;
  if (constraints.values?.has(canonicalJson(value)) === false) return false;
  if (typeof value === 'number') return isNumberAccepted(value, constraints);
  if (typeof value === 'string') return isStringAccepted(value, constraints, schema.strings);
  if (Array.isArray(value)) return isArrayAccepted(value, constraints, schema);
  return !isJsonObject(value) || isObjectAccepted(value, constraints, schema);
}

export interface CheckedSchema {
  readonly source: SchemaSource;
  readonly alternatives: SchemaAlternatives;
  readonly strings: StringAutomata;
}

function isNumberAccepted(value: number, { integer, minimum, maximum, multipleOf }: Constraints): boolean {
  if (integer && !Number.isInteger(value)) return false;
  if (minimum !== undefined && (value < minimum.value || (minimum.exclusive && value === minimum.value)))
    return false;
  if (maximum !== undefined && (value > maximum.value || (maximum.exclusive && value === maximum.value)))
    return false;
  return multipleOf.every((divisor) => Number.isInteger(value / divisor));
}

function isStringAccepted(value: string, constraints: Constraints, strings: StringAutomata): boolean {
  const length = Array.from(value).length;
  if (length < constraints.minLength || length > constraints.maxLength) return false;
  const known = strings.of(constraints);
  return known === undefined || automatonAccepts(known.automaton, value);
}

function isArrayAccepted(
  items: readonly unknown[],
  constraints: Constraints,
  schema: CheckedSchema,
): boolean {
  const { minItems = 0, maxItems, uniqueItems } = constraints;
  if (items.length < minItems || items.length > maxItems) return false;
  if (uniqueItems && new Set(items.map(canonicalJson)).size < items.length) return false;
  return items.every((item, index) => isAcceptedByAll(item, constraints.itemAt(index), schema));
}

function isObjectAccepted(object: JsonObject, constraints: Constraints, schema: CheckedSchema): boolean {
  const names = Object.keys(object);
  if (names.length < constraints.minProperties || names.length > constraints.maxProperties) return false;
  if ([...constraints.required].some((name) => !Object.hasOwn(object, name))) return false;
  return names.every((name) => isAcceptedByAll(object[name], constraints.property(name), schema));
}

function isAcceptedByAll(value: unknown, conjunction: Conjunction, schema: CheckedSchema): boolean {
  if (conjunction.length === 0) return true;
  schema.source.budget.spend(1);
  return schema.alternatives
    .of(conjunction)
    .some((alternative) => isAccepted(value, schema.alternatives.constraintsOf(alternative), schema));
}
