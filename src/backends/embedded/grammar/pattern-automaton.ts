/** From a regular expression to the automaton of the texts in which it finds a match. */
import { buildAutomaton, complementAutomaton, intersectAutomata, type Automaton } from './automaton.ts';
import { ANY_CODE_POINT, codePointSet, type CodePointSet } from './code-point-set.ts';
import { parsePattern, PatternError, type PatternNode } from './pattern-syntax.ts';
import type { WorkBudget } from './work-budget.ts';

/**
 * The automaton of the texts that `source` matches somewhere, as JSON Schema's `pattern` asks (JSON Schema 2020-12
 * validation, section 6.3.3). Lookaheads are understood only right after a leading `^`.
 *
 * @throws {PatternError} when the pattern is malformed or no automaton can express it
 * @throws {BudgetExceeded} when the automaton gets too large
 */
export function patternAutomaton(source: string, budget: WorkBudget): Automaton {
  const { lookaheads, body } = splitLeadingLookaheads(parsePattern(source));
  let automaton = searchAutomaton(body, budget);
  for (const { negative, body: condition } of lookaheads) {
    const found = searchAutomaton({ kind: 'sequence', parts: [{ kind: 'start' }, condition] }, budget);
    automaton = intersectAutomata(automaton, negative ? complementAutomaton(found, budget) : found, budget);
  }
  return automaton;
}

type Lookahead = Extract<PatternNode, { kind: 'lookahead' }>;

/** `^(?=a)(?!b)c` demands three things of one text: each becomes an automaton of its own. */
function splitLeadingLookaheads(node: PatternNode): { lookaheads: Lookahead[]; body: PatternNode } {
  if (node.kind !== 'sequence' || node.parts[0]?.kind !== 'start') return { lookaheads: [], body: node };
  const rest = node.parts.slice(1);
  const end = rest.findIndex(({ kind }) => kind !== 'lookahead');
  const lookaheads = (end === -1 ? rest : rest.slice(0, end)).filter((part) => part.kind === 'lookahead');
  return {
    lookaheads,
    body: { kind: 'sequence', parts: [{ kind: 'start' }, ...rest.slice(lookaheads.length)] },
  };
}

/** The deterministic automaton of "somewhere in the text", by the subset construction. */
function searchAutomaton(node: PatternNode, budget: WorkBudget): Automaton {
  const machine = new Machine(budget);
  const entry = machine.addState();
  const exit = machine.addState();
  machine.addStep(entry, ANY_CODE_POINT, entry);
  machine.addStep(exit, ANY_CODE_POINT, exit);
  machine.addEpsilon(machine.add(node, entry), exit, 'always');
  return buildAutomaton<Position>(
    {
      start: { states: machine.closure([entry], { atStart: true, atEnd: false }), atStart: true },
      key: ({ states, atStart }) => `${atStart ? '^' : ''}${states.join(' ')}`,
      accepts: ({ states, atStart }) => machine.closure(states, { atStart, atEnd: true }).includes(exit),
      *steps({ states }) {
        for (const [on, targets] of machine.steps(states)) {
          yield [on, { states: machine.closure(targets, { atStart: false, atEnd: false }), atStart: false }];
        }
      },
    },
    budget,
  );
}

interface Position {
  readonly states: readonly number[];
  readonly atStart: boolean;
}

type Condition = 'always' | 'start' | 'end';

/** Thompson's machine: steps that consume a character, and epsilon moves that an anchor may condition. */
class Machine {
  readonly #steps: { on: CodePointSet; to: number }[][] = [];
  readonly #epsilons: { to: number; when: Condition }[][] = [];
  readonly #budget: WorkBudget;

  constructor(budget: WorkBudget) {
    this.#budget = budget;
  }

  addState(): number {
    this.#budget.spend(1);
    this.#steps.push([]);
    this.#epsilons.push([]);
    return this.#steps.length - 1;
  }

  addStep(from: number, on: CodePointSet, to: number): void {
    this.#steps[from]?.push({ on, to });
  }

  addEpsilon(from: number, to: number, when: Condition): void {
    this.#epsilons[from]?.push({ to, when });
  }

  /** Adds `node` behind `from` and answers the state it ends in. */
  add(node: PatternNode, from: number): number {
    switch (node.kind) {
      case 'set': {
        const to = this.addState();
        if (node.set.length > 0) this.addStep(from, node.set, to);
        return to;
      }
      case 'sequence':
        return node.parts.reduce((at, part) => this.add(part, at), from);
      case 'choice': {
        const to = this.addState();
        for (const option of node.options) {
          const entry = this.addState();
          this.addEpsilon(from, entry, 'always');
          this.addEpsilon(this.add(option, entry), to, 'always');
        }
        return to;
      }
      case 'repeat':
        return this.#addRepeat(node, from);
      case 'start':
      case 'end': {
        const to = this.addState();
        this.addEpsilon(from, to, node.kind);
        return to;
      }
      case 'lookahead':
        throw new PatternError(
          'unsupported',
          'a lookahead anywhere but after the leading ^ cannot be enforced',
        );
      default:
        return node satisfies never;
    }
  }

  #addRepeat({ body, min, max }: Extract<PatternNode, { kind: 'repeat' }>, from: number): number {
    let at = from;
    for (let count = 0; count < min; count += 1) {
      at = this.add(body, at);
      this.#budget.spend(1);
    }
    const to = this.addState();
    if (max === Infinity) {
      const entry = this.addState();
      this.addEpsilon(at, entry, 'always');
      this.addEpsilon(this.add(body, entry), entry, 'always');
      this.addEpsilon(entry, to, 'always');
      return to;
    }
    for (let count = min; count < max; count += 1) {
      this.addEpsilon(at, to, 'always');
      at = this.add(body, at);
      this.#budget.spend(1);
    }
    this.addEpsilon(at, to, 'always');
    return to;
  }

  /** Every state reached without a character, sorted. */
  closure(states: readonly number[], where: { atStart: boolean; atEnd: boolean }): number[] {
    const reached = new Set(states);
    for (const state of reached) {
      for (const { to, when } of this.#epsilons[state] ?? []) {
        const open = when === 'always' || (when === 'start' ? where.atStart : where.atEnd);
        if (open) reached.add(to);
      }
    }
    this.#budget.spend(reached.size);
    return [...reached].sort((a, b) => a - b);
  }

  /** Where each character leads from a set of states; characters with the same targets share an entry. */
  steps(states: readonly number[]): Iterable<readonly [CodePointSet, readonly number[]]> {
    const steps = states.flatMap((state) => this.#steps[state] ?? []);
    const borders = new Map<number, { opens: number[]; closes: number[] }>();
    const border = (at: number) => {
      const known = borders.get(at) ?? { opens: [], closes: [] };
      borders.set(at, known);
      return known;
    };
    for (const { on, to } of steps) {
      for (const [low, high] of on) {
        border(low).opens.push(to);
        border(high + 1).closes.push(to);
      }
    }
    return this.#sweep([...borders].sort(([a], [b]) => a - b));
  }

  #sweep(
    borders: readonly (readonly [number, { opens: number[]; closes: number[] }])[],
  ): Iterable<readonly [CodePointSet, readonly number[]]> {
    const open = new Map<number, number>();
    const found = new Map<string, { ranges: [number, number][]; targets: number[] }>();
    for (const [index, [at, { opens, closes }]] of borders.entries()) {
      for (const to of opens) open.set(to, (open.get(to) ?? 0) + 1);
      for (const to of closes) {
        const left = (open.get(to) ?? 1) - 1;
        if (left === 0) open.delete(to);
        else open.set(to, left);
      }
      const next = borders[index + 1];
      if (next === undefined || open.size === 0) continue;
      this.#budget.spend(open.size);
      const targets = [...open.keys()].sort((a, b) => a - b);
      const entry = found.get(targets.join(' ')) ?? { ranges: [], targets };
      entry.ranges.push([at, next[0] - 1]);
      found.set(targets.join(' '), entry);
    }
    return Array.from(found.values(), ({ ranges, targets }) => [codePointSet(ranges), targets] as const);
  }
}
