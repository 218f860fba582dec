/** The texts that `pattern`, `format` and lengths together allow. */
import { intersectAutomata, type Automaton } from './automaton.ts';
import { patternAutomaton } from './pattern-automaton.ts';
import { PatternError } from './pattern-syntax.ts';
import type { Constraints } from './schema-constraints.ts';
import { SchemaError } from './schema-error.ts';
import type { SchemaSource } from './schema-source.ts';
import { formatAutomaton } from './string-format.ts';

/** Automata of strings, each made once for a schema. */
export class StringAutomata {
  readonly #source: SchemaSource;
  readonly #patterns = new Map<string, Automaton>();
  readonly #combined = new Map<string, Automaton>();

  constructor(source: SchemaSource) {
    this.#source = source;
  }

  /**
   * The automaton of all patterns and enforced formats, and a key that equal ones share; `undefined` when there are
   * none. Lengths are not in it.
   *
   * @throws {SchemaError} when a pattern is malformed, unsupported or too large
   */
  of(constraints: Constraints): { readonly key: string; readonly automaton: Automaton } | undefined {
    const path = constraints.pathOf('pattern');
    const parts = new Map<string, Automaton>();
    for (const format of constraints.formats) {
      const automaton = formatAutomaton(format);
      if (automaton !== undefined) parts.set(`format ${format}`, automaton);
    }
    for (const pattern of constraints.patterns) {
      const automaton = this.#ofPattern(pattern, path);
      if (automaton !== undefined) parts.set(`pattern ${pattern}`, automaton);
    }
    if (parts.size === 0) return undefined;
    const key = JSON.stringify([...parts.keys()]);
    const automaton = this.#combined.get(key) ?? this.#intersection([...parts.values()], path);
    this.#combined.set(key, automaton);
    return { key, automaton };
  }

  #intersection(automata: readonly Automaton[], path: string): Automaton {
    return this.#source.bounded(path, 'pattern', () =>
      automata.reduce((all, automaton) => intersectAutomata(all, automaton, this.#source.budget)),
    );
  }

  #ofPattern(pattern: string, path: string): Automaton | undefined {
    const known = this.#patterns.get(pattern);
    if (known !== undefined) return known;
    const { budget } = this.#source;
    try {
      const automaton = this.#source.bounded(path, 'pattern', () => patternAutomaton(pattern, budget));
      this.#patterns.set(pattern, automaton);
      return automaton;
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      if (error.kind !== 'unsupported') {
        const message = `${path}: the pattern cannot be used: ${error.message}.`;
        throw new SchemaError(error.kind, { keyword: 'pattern', path }, message);
      }
      this.#source.unsupported(path, 'pattern', error.message);
      return undefined;
    }
  }
}
