/** Deterministic finite automata over Unicode scalar values. */
import { complementOfSet, intersectSets, setHas, unionOfSets, type CodePointSet } from './code-point-set.ts';
import { BudgetExceeded, type WorkBudget } from './work-budget.ts';

export interface Edge {
  readonly on: CodePointSet;
  readonly to: number;
}

/**
 * An automaton whose start state is 0. Edges of one state are disjoint, no two of them share a target, and what no
 * edge takes is refused. Every state reaches an accepting one, unless the automaton accepts nothing: then it has no states.
 */
export interface Automaton {
  readonly accepting: readonly boolean[];
  readonly edges: readonly (readonly Edge[])[];
}

/** An automaton described by what its states mean rather than by a table. */
export interface StateSpace<State> {
  readonly start: State;
  /** Equal keys mean equal states. */
  key(state: State): string;
  accepts(state: State): boolean;
  /** Steps out of a state; their sets are disjoint. */
  steps(state: State): Iterable<readonly [on: CodePointSet, to: State]>;
}

const MAX_STATES = 3000;
const MAX_REFINEMENT_WORK = 30_000;

/** @throws {BudgetExceeded} when the automaton gets too large */
export function buildAutomaton<State>(space: StateSpace<State>, budget: WorkBudget): Automaton {
  const states = [space.start];
  const numbers = new Map([[space.key(space.start), 0]]);
  const edges: Edge[][] = [];
  for (let number = 0; number < states.length; number += 1) {
    const state = states[number] as State;
    edges.push(
      Array.from(space.steps(state), ([on, to]) => {
        const key = space.key(to);
        let target = numbers.get(key);
        if (target === undefined) {
          target = states.length;
          if (target >= MAX_STATES)
            throw new BudgetExceeded(`an automaton has more than ${MAX_STATES} states`);
          numbers.set(key, target);
          states.push(to);
        }
        budget.spend(1);
        return { on, to: target };
      }),
    );
  }
  return minimize(trim({ accepting: states.map((state) => space.accepts(state)), edges }));
}

export function isEmptyAutomaton(automaton: Automaton): boolean {
  return automaton.accepting.length === 0;
}

/** Whether the automaton accepts the whole of `text`. */
export function automatonAccepts(automaton: Automaton, text: string): boolean {
  let state = isEmptyAutomaton(automaton) ? undefined : 0;
  for (const character of text) {
    if (state === undefined) return false;
    const codePoint = character.codePointAt(0) ?? 0;
    state = automaton.edges[state]?.find(({ on }) => setHas(on, codePoint))?.to;
  }
  return state !== undefined && automaton.accepting[state] === true;
}

/** Texts that both automata accept. */
export function intersectAutomata(left: Automaton, right: Automaton, budget: WorkBudget): Automaton {
  if (isEmptyAutomaton(left) || isEmptyAutomaton(right)) return NOTHING;
  return buildAutomaton<readonly [number, number]>(
    {
      start: [0, 0],
      key: ([a, b]) => `${a} ${b}`,
      accepts: ([a, b]) => left.accepting[a] === true && right.accepting[b] === true,
      *steps([a, b]) {
        for (const one of left.edges[a] ?? []) {
          for (const other of right.edges[b] ?? []) {
            budget.spend(3);
            const on = intersectSets(one.on, other.on);
            if (on.length > 0) yield [on, [one.to, other.to]];
          }
        }
      },
    },
    budget,
  );
}

/** Texts that the automaton refuses. */
export function complementAutomaton(automaton: Automaton, budget: WorkBudget): Automaton {
  const sink = -1;
  return buildAutomaton<number>(
    {
      start: isEmptyAutomaton(automaton) ? sink : 0,
      key: String,
      accepts: (state) => automaton.accepting[state] !== true,
      *steps(state) {
        const edges = automaton.edges[state] ?? [];
        for (const { on, to } of edges) yield [on, to];
        const rest = complementOfSet(unionOfSets(edges.map(({ on }) => on)));
        if (rest.length > 0) yield [rest, sink];
      },
    },
    budget,
  );
}

/**
 * Accepted texts of `min` to `max` code points.
 *
 * Counting multiplies states by `max`, so a maximum that would take more than a few thousand states is lowered:
 * the result then accepts fewer texts, never wrong ones.
 */
export function limitLength(automaton: Automaton, min: number, max: number, budget: WorkBudget): Automaton {
  const [shortest, longest] = lengthRange(automaton);
  if (shortest >= min && longest <= max) return automaton;
  const counted = Math.max(min, Math.floor(MAX_COUNTED_STATES / Math.max(1, automaton.accepting.length)));
  const bounded = longest > max;
  const cap = bounded ? Math.min(max, Math.max(counted, shortest)) : min;
  return buildAutomaton<readonly [state: number, length: number]>(
    {
      start: [0, 0],
      key: ([state, length]) => `${state} ${length}`,
      accepts: ([state, length]) => automaton.accepting[state] === true && length >= min,
      *steps([state, length]) {
        if (bounded && length === cap) return;
        const next = Math.min(length + 1, cap);
        for (const { on, to } of automaton.edges[state] ?? []) yield [on, [to, next]];
      },
    },
    budget,
  );
}

const MAX_COUNTED_STATES = 2000;

/** Lengths of the shortest and the longest accepted text, in code points; the longest may be `Infinity`. */
function lengthRange({ accepting, edges }: Automaton): readonly [number, number] {
  let shortest = 0;
  let level = new Set([0]);
  const seen = new Set(level);
  while (level.size > 0 && ![...level].some((state) => accepting[state])) {
    const targets = [...level].flatMap((state) => (edges[state] ?? []).map(({ to }) => to));
    level = new Set(targets.filter((to) => !seen.has(to)));
    for (const state of level) seen.add(state);
    shortest += 1;
  }
  return [shortest, longestPath(edges)];
}

/** Number of edges on the longest path from state 0, by topological order; `Infinity` when there is a cycle. */
function longestPath(edges: Automaton['edges']): number {
  const incoming = edges.map(() => 0);
  for (const { to } of edges.flat()) incoming[to] = (incoming[to] ?? 0) + 1;
  if (edges.length === 0 || (incoming[0] ?? 0) > 0) return edges.length === 0 ? 0 : Infinity;
  const distance = edges.map(() => 0);
  const ready = [0];
  for (let next = ready.pop(), done = 0; ; next = ready.pop()) {
    if (next === undefined) return done === edges.length ? Math.max(...distance) : Infinity;
    done += 1;
    for (const { to } of edges[next] ?? []) {
      distance[to] = Math.max(distance[to] ?? 0, (distance[next] ?? 0) + 1);
      incoming[to] = (incoming[to] ?? 0) - 1;
      if (incoming[to] === 0) ready.push(to);
    }
  }
}

const NOTHING: Automaton = { accepting: [], edges: [] };

/** Leaves out the states from which no accepting state is reached. */
function trim({ accepting, edges }: Automaton): Automaton {
  const sources: number[][] = edges.map(() => []);
  for (const [from, out] of edges.entries()) for (const { to } of out) sources[to]?.push(from);
  const alive = accepting.map((accepts) => accepts);
  const queue = [...accepting.keys()].filter((state) => accepting[state]);
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    for (const source of sources[state] ?? []) {
      if (alive[source] === false) {
        alive[source] = true;
        queue.push(source);
      }
    }
  }
  if (alive[0] !== true) return NOTHING;
  return regroup({ accepting, edges }, numberAlive(alive));
}

function numberAlive(alive: readonly boolean[]): (number | undefined)[] {
  let next = 0;
  return alive.map((lives) => {
    if (!lives) return undefined;
    next += 1;
    return next - 1;
  });
}

/** Merges states that accept the same continuations, by refining a partition until it is stable. */
function minimize(automaton: Automaton): Automaton {
  const { accepting, edges } = automaton;
  const labels = edges.map((out) => out.map(({ on }) => on.join(';')));
  const workOfRound = edges.reduce((sum, out) => sum + out.length, 0);
  let groups = accepting.map(Number);
  let count = new Set(groups).size;
  for (let work = 0; ; work += workOfRound) {
    // Not minimal is not wrong; a long chain of states is not worth a quadratic search.
    if (work > MAX_REFINEMENT_WORK) return automaton;
    const numbers = new Map<string, number>();
    groups = edges.map((out, state) => {
      const signature = `${groups[state]}${describeEdges(out, labels[state] ?? [], groups)}`;
      const number = numbers.get(signature) ?? numbers.size;
      numbers.set(signature, number);
      return number;
    });
    if (numbers.size === count) return count === accepting.length ? automaton : regroup(automaton, groups);
    count = numbers.size;
  }
}

/** What the edges of a state do, whatever their order; `labels` are the texts of their sets. */
function describeEdges(out: readonly Edge[], labels: readonly string[], groups: readonly number[]): string {
  const targets = out.map(({ to }) => groups[to] ?? 0);
  const described =
    new Set(targets).size === targets.length
      ? targets.map((to, index) => [to, labels[index] ?? ''] as const)
      : Array.from(setsByTarget(out, groups), ([to, on]) => [to, on.join(';')] as const);
  return described
    .toSorted(([a], [b]) => a - b)
    .map(([to, label]) => `|${to}:${label}`)
    .join('');
}

function setsByTarget(
  out: readonly Edge[],
  groups: readonly (number | undefined)[],
): Map<number, CodePointSet> {
  const sets = new Map<number, CodePointSet[]>();
  for (const { on, to } of out) {
    const group = groups[to];
    if (group === undefined) continue;
    const known = sets.get(group);
    if (known === undefined) sets.set(group, [on]);
    else known.push(on);
  }
  return new Map([...sets].map(([to, on]) => [to, on.length === 1 ? (on[0] ?? []) : unionOfSets(on)]));
}

/** One state per group; states whose group is `undefined` vanish. Group 0 is that of state 0. */
function regroup({ accepting, edges }: Automaton, groups: readonly (number | undefined)[]): Automaton {
  const grouped: { accepting: boolean[]; edges: Edge[][] } = { accepting: [], edges: [] };
  for (const [state, group] of groups.entries()) {
    if (group === undefined || grouped.edges[group] !== undefined) continue;
    grouped.accepting[group] = accepting[state] === true;
    grouped.edges[group] = Array.from(setsByTarget(edges[state] ?? [], groups), ([to, on]) => ({ on, to }));
  }
  return grouped;
}
