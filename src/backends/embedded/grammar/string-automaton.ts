/** The texts that `pattern`, `format` and lengths together allow. */
import { intersectAutomata, type Automaton } from './automaton.ts';
import { patternAutomaton } from './pattern-automaton.ts';
import { PatternError } from './pattern-syntax.ts';
import type { Constraints } from './schema-constraints.ts';
import { SchemaError } from './schema-error.ts';
import type { SchemaSource } from './schema-source.ts';
import { formatAutomaton } from './string-format.ts';

/**
 * The automaton of all patterns and enforced formats; `undefined` when there are none. Lengths are not in it.
 *
 * @throws {SchemaError} when a pattern is malformed, unsupported or too large
 */
export function stringAutomaton(constraints: Constraints, source: SchemaSource): Automaton | undefined {
  if (!known.has(constraints)) known.set(constraints, combineAll(constraints, source));
  return known.get(constraints);
}

/** Each listed value is checked against the same automaton. */
const known = new WeakMap<Constraints, Automaton | undefined>();

function combineAll(constraints: Constraints, source: SchemaSource): Automaton | undefined {
  const path = constraints.pathOf('pattern');
  const automata = constraints.formats.map(formatAutomaton).filter((automaton) => automaton !== undefined);
  for (const pattern of constraints.patterns) {
    const automaton = source.bounded(path, 'pattern', () => readPattern(pattern, path, source));
    if (automaton !== undefined) automata.push(automaton);
  }
  const [first, ...others] = automata;
  if (first === undefined) return undefined;
  return source.bounded(path, 'pattern', () =>
    others.reduce((all, automaton) => intersectAutomata(all, automaton, source.budget), first),
  );
}

function readPattern(pattern: string, path: string, source: SchemaSource): Automaton | undefined {
  try {
    return patternAutomaton(pattern, source.budget);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    if (error.kind === 'unsupported') {
      source.unsupported(path, 'pattern', error.message);
      return undefined;
    }
    throw new SchemaError(
      error.kind,
      { keyword: 'pattern', path },
      `${path}: the pattern cannot be used: ${error.message}.`,
    );
  }
}
