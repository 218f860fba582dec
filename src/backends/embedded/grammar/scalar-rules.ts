/** Rules for strings, numbers and listed values under constraints. */
import { addAutomaton } from './automaton-rules.ts';
import { isEmptyAutomaton, limitLength } from './automaton.ts';
import { literalChoice } from './literal-choice.ts';
import type { GrammarRules } from './grammar-rules.ts';
import { jsonCharacterRule, jsonIntegerRule, jsonNumberRule, jsonStringRule } from './json-text-rules.ts';
import { canEnforceMultipleOf, numberAutomaton, type Bound, type NumberRange } from './number-automaton.ts';
import type { Assertion } from './schema-keywords.ts';
import type { Constraints } from './schema-constraints.ts';
import type { SchemaSource } from './schema-source.ts';
import { StringAutomata } from './string-automaton.ts';

/** Thrown when constraints leave no value; `keyword` is the one to blame. */
export class NoValue extends Error {
  override readonly name = 'NoValue';
  readonly keyword: Assertion;

  constructor(keyword: Assertion, message: string) {
    super(message);
    this.keyword = keyword;
  }
}

/** Makes the rules of scalars for one schema. */
export class ScalarRules {
  readonly strings: StringAutomata;
  readonly #rules: GrammarRules;
  readonly #source: SchemaSource;

  constructor(rules: GrammarRules, source: SchemaSource) {
    this.strings = new StringAutomata(source);
    this.#rules = rules;
    this.#source = source;
  }

  /**
   * A rule for strings.
   *
   * @throws {NoValue} when there are none
   * @throws {SchemaError} when a pattern cannot be enforced
   */
  string(constraints: Constraints): string {
    const { minLength, maxLength } = constraints;
    if (minLength > maxLength) {
      throw new NoValue('minLength', `${minLength} is greater than maxLength ${maxLength}`);
    }
    const known = this.strings.of(constraints);
    if (known === undefined) return this.#stringOfLength(minLength, maxLength);
    return this.#rules.once(`${known.key} ${minLength} ${maxLength}`, () => {
      const { budget } = this.#source;
      const limited = this.#source.bounded(constraints.pathOf('pattern'), 'pattern', () =>
        limitLength(known.automaton, minLength, maxLength, budget),
      );
      if (isEmptyAutomaton(limited)) {
        throw new NoValue('pattern', 'no string matches it and the other keywords');
      }
      return addAutomaton(this.#rules, limited, 'in-json-string');
    });
  }

  #stringOfLength(min: number, max: number): string {
    const rules = this.#rules;
    if (min === 0 && max === Infinity) return jsonStringRule(rules);
    return rules.once(`string ${min} ${max}`, () => {
      const characters = rules.repeat(jsonCharacterRule(rules), min, max === Infinity ? undefined : max);
      return rules.shared('string', String.raw`"\"" ${characters} "\""`);
    });
  }

  /**
   * A rule for numbers.
   *
   * @throws {NoValue} when there are none
   * @throws {SchemaError} when the range or the divisor cannot be enforced
   */
  number(constraints: Constraints): string {
    const { integer, minimum, maximum } = constraints;
    const multipleOf = constraints.multipleOf.filter((divisor) => this.#isEnforced(divisor, constraints));
    const isRestricted =
      minimum !== undefined || maximum !== undefined || multipleOf.some((divisor) => !integer || divisor > 1);
    if (!isRestricted) return integer ? jsonIntegerRule(this.#rules) : jsonNumberRule(this.#rules);
    const range = { integer, minimum, maximum, multipleOf };
    return this.#rules.once(JSON.stringify(range), () => this.#numberInRange(range, constraints));
  }

  #numberInRange(range: NumberRange, constraints: Constraints): string {
    const { minimum, maximum } = range;
    if (minimum !== undefined && maximum !== undefined && isEmptyRange(minimum, maximum)) {
      throw new NoValue('minimum', `no number lies between ${minimum.value} and ${maximum.value}`);
    }
    const keyword = minimum === undefined ? (maximum === undefined ? 'multipleOf' : 'maximum') : 'minimum';
    const automaton = this.#source.bounded(constraints.pathOf(keyword), keyword, () =>
      numberAutomaton(range, this.#source.budget),
    );
    if (isEmptyAutomaton(automaton)) {
      throw new NoValue(keyword, 'no number of at most 15 digits satisfies it and the other keywords');
    }
    return addAutomaton(this.#rules, automaton, 'plain');
  }

  #isEnforced(divisor: number, constraints: Constraints): boolean {
    if (canEnforceMultipleOf(divisor)) return true;
    const reason = `${divisor} is no divisor whose multiples a grammar can tell`;
    this.#source.unsupported(constraints.pathOf('multipleOf'), 'multipleOf', reason);
    return false;
  }

  /** A rule for some JSON values, written compactly. There must be at least one. */
  values(values: readonly unknown[]): string {
    return this.#rules.shared('values', literalChoice(values.map((value) => JSON.stringify(value))));
  }
}

function isEmptyRange(low: Bound, high: Bound): boolean {
  return low.value > high.value || (low.value === high.value && (low.exclusive || high.exclusive));
}
