/** Writes an automaton as right-linear GBNF rules, which the engine follows with a single parse stack. */
import type { Automaton, Edge } from './automaton.ts';
import {
  charactersOf,
  codePointSet,
  complementOfSet,
  intersectSets,
  type CodePointSet,
} from './code-point-set.ts';
import { gbnfClass } from './gbnf-text.ts';
import type { GrammarRules } from './grammar-rules.ts';

/** How characters stand in the output: as themselves, or between quotes as JSON writes them in a string. */
export type Notation = 'plain' | 'in-json-string';

/** The name of a rule for the texts of a non-empty automaton. */
export function addAutomaton(rules: GrammarRules, automaton: Automaton, notation: Notation): string {
  const isPlain = notation === 'plain';
  const end = isPlain ? '""' : String.raw`"\""`;
  const incoming = automaton.edges.map(() => 0);
  incoming[0] = 1;
  for (const { to } of automaton.edges.flat()) incoming[to] = (incoming[to] ?? 0) + 1;
  const encode = (set: CodePointSet) => (isPlain ? gbnfClass(set) : jsonStringCharacters(rules, set));
  const inlined = automaton.edges.map((_, state) => isInlined(automaton, state, incoming[state] ?? 0));
  const names = new Map(
    [...inlined.entries()]
      .filter(([, inline]) => !inline)
      .map(([state]) => [state, rules.reserve(isPlain ? 'number' : 'text')]),
  );
  for (const [state, name] of names) {
    const branches = (automaton.edges[state] ?? []).map((edge) => {
      const chain = followChain(automaton, edge, names);
      return `${runs(chain.sets.map(encode))} ${names.get(chain.to) ?? end}`;
    });
    if (automaton.accepting[state] === true) branches.push(end);
    rules.define(name, branches.join(' | '));
  }
  const start = names.get(0) ?? '';
  return isPlain ? start : rules.shared('string', String.raw`"\"" ${start}`);
}

/** The sets along an edge and on through states without a rule, and where they lead: to a rule or to the end. */
function followChain(
  { edges }: Automaton,
  first: Edge,
  names: ReadonlyMap<number, string>,
): { sets: CodePointSet[]; to: number } {
  const sets = [first.on];
  let { to } = first;
  while (!names.has(to)) {
    const next = edges[to]?.[0];
    if (next === undefined) break;
    sets.push(next.on);
    ({ to } = next);
  }
  return { sets, to };
}

/** States without a choice need no rule: the end, and a single step that only one state leads to. */
function isInlined({ accepting, edges }: Automaton, state: number, incoming: number): boolean {
  const steps = edges[state]?.length ?? 0;
  if (state === 0) return false;
  return accepting[state] === true ? steps === 0 : steps === 1 && incoming === 1;
}

/** The engine refuses counts from 2000 on. */
const MAX_RUN = 500;

/** Equal neighbours as one counted element. */
function runs(elements: readonly string[]): string {
  const counted: { element: string; count: number }[] = [];
  for (const element of elements) {
    const last = counted.at(-1);
    if (last?.element === element && last.count < MAX_RUN) last.count += 1;
    else counted.push({ element, count: 1 });
  }
  return counted.map(({ element, count }) => (count === 1 ? element : `${element}{${count}}`)).join(' ');
}

const MUST_BE_ESCAPED = codePointSet([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]);
const CAN_BE_WRITTEN = complementOfSet(MUST_BE_ESCAPED);
/** Characters with a two-character escape (RFC 8259 section 7), and the letter of that escape. */
const SHORT_ESCAPES: readonly (readonly [character: string, letter: string])[] = [
  ['"', '"'],
  ['\\', '\\'],
  ['\b', 'b'],
  ['\f', 'f'],
  ['\n', 'n'],
  ['\r', 'r'],
  ['\t', 't'],
];

/** One character of `set` inside a JSON string, as one GBNF element. */
function jsonStringCharacters(rules: GrammarRules, set: CodePointSet): string {
  const written = intersectSets(set, CAN_BE_WRITTEN);
  const options = written.length > 0 ? [gbnfClass(written)] : [];
  const letters = SHORT_ESCAPES.filter(
    ([character]) => intersectSets(set, charactersOf(character)).length > 0,
  );
  if (letters.length > 0) {
    options.push(String.raw`"\\" ${gbnfClass(charactersOf(letters.map(([, letter]) => letter).join('')))}`);
  }
  // Where there is anything else to write, controls without a short escape are left out.
  for (const [low, high] of options.length > 0 ? [] : set) {
    for (let code = low; code <= high; code += 1) {
      options.push(String.raw`"\\u${code.toString(16).padStart(4, '0')}"`);
    }
  }
  return options.length === 1 && written.length > 0
    ? (options[0] ?? '')
    : rules.shared('character', options.join(' | '));
}
