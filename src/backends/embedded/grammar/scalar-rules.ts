/** Rules for strings, numbers and listed values under constraints. */
import { addAutomaton } from './automaton-rules.ts';
import { isEmptyAutomaton, limitLength } from './automaton.ts';
import { literalChoice } from './literal-choice.ts';
import type { GrammarRules } from './grammar-rules.ts';
import { jsonCharacterRule, jsonIntegerRule, jsonNumberRule, jsonStringRule } from './json-text-rules.ts';
import { canEnforceMultipleOf, numberAutomaton } from './number-automaton.ts';
import type { Assertion } from './schema-keywords.ts';
import type { Constraints } from './schema-constraints.ts';
import type { SchemaSource } from './schema-source.ts';
import { stringAutomaton } from './string-automaton.ts';

/** Thrown when constraints leave no value; `keyword` is the one to blame. */
export class NoValue extends Error {
  override readonly name = 'NoValue';
  readonly keyword: Assertion;

  constructor(keyword: Assertion, message: string) {
    super(message);
    this.keyword = keyword;
  }
}

/**
 * A rule for strings.
 *
 * @throws {NoValue} when there are none
 * @throws {SchemaError} when a pattern cannot be enforced
 */
export function stringRule(rules: GrammarRules, constraints: Constraints, source: SchemaSource): string {
  const { minLength, maxLength } = constraints;
  if (minLength > maxLength)
    throw new NoValue('minLength', `${minLength} is greater than maxLength ${maxLength}`);
  const automaton = stringAutomaton(constraints, source);
  if (automaton === undefined) {
    if (minLength === 0 && maxLength === Infinity) return jsonStringRule(rules);
    const max = maxLength === Infinity ? undefined : maxLength;
    return rules.shared(
      'string',
      String.raw`"\"" ${rules.repeat(jsonCharacterRule(rules), minLength, max)} "\""`,
    );
  }
  const path = constraints.pathOf('pattern');
  const limited = source.bounded(path, 'pattern', () =>
    isEmptyAutomaton(automaton) ? automaton : limitLength(automaton, minLength, maxLength, source.budget),
  );
  if (isEmptyAutomaton(limited)) throw new NoValue('pattern', 'no string matches it and the other keywords');
  const body = addAutomaton(rules, limited, {
    name: 'text',
    characters: 'in-json-string',
    end: String.raw`"\""`,
  });
  return rules.shared('string', String.raw`"\"" ${body}`);
}

/**
 * A rule for numbers.
 *
 * @throws {NoValue} when there are none
 * @throws {SchemaError} when the range or the divisor cannot be enforced
 */
export function numberRule(rules: GrammarRules, constraints: Constraints, source: SchemaSource): string {
  const { integer, minimum, maximum } = constraints;
  const multipleOf = constraints.multipleOf.filter((divisor) => {
    const enforced = canEnforceMultipleOf(divisor);
    if (!enforced)
      source.unsupported(
        constraints.pathOf('multipleOf'),
        'multipleOf',
        `${divisor} is not a divisor that can be`,
      );
    return enforced;
  });
  const isRestricted =
    minimum !== undefined || maximum !== undefined || multipleOf.some((divisor) => !integer || divisor > 1);
  if (!isRestricted) return integer ? jsonIntegerRule(rules) : jsonNumberRule(rules);
  if (
    minimum !== undefined &&
    maximum !== undefined &&
    isEmptyRange(minimum.value, maximum.value, minimum.exclusive || maximum.exclusive)
  ) {
    throw new NoValue('minimum', `no number lies between ${minimum.value} and ${maximum.value}`);
  }
  const keyword = minimum === undefined ? 'maximum' : 'minimum';
  const path = constraints.pathOf(keyword);
  const automaton = source.bounded(path, keyword, () =>
    numberAutomaton({ integer, minimum, maximum, multipleOf }, source.budget),
  );
  if (isEmptyAutomaton(automaton))
    throw new NoValue(keyword, 'no number of at most 15 digits satisfies it and the other keywords');
  return addAutomaton(rules, automaton, { name: 'number', characters: 'plain', end: '""' });
}

function isEmptyRange(low: number, high: number, exclusive: boolean): boolean {
  return low > high || (low === high && exclusive);
}

/** A rule for some JSON values, written compactly. There must be at least one. */
export function valuesRule(rules: GrammarRules, values: readonly unknown[]): string {
  return rules.shared('values', literalChoice(values.map((value) => JSON.stringify(value))));
}
