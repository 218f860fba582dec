import { type FallbackGraph, fallbackCircles, unbackedUpstreams } from './fallback-graph.ts';
import { isGroup } from './is-group.ts';
import { type KeyPath, valueAt } from './key-path.ts';
import type { LocatedProblem } from './located-problem.ts';
import { suggestName } from './nearest-name.ts';

/** Name of the upstream that exists when a configuration names none. */
export const IMPLICIT_UPSTREAM = 'local';

/**
 * Checks the names of upstreams in `models`, `endpoints` and `fallback`.
 *
 * @param root the content as written, so that a mistake elsewhere does not hide a wrong reference
 */
export function checkReferences(root: unknown): LocatedProblem[] {
  const { upstreams = { [IMPLICIT_UPSTREAM]: null } } = isGroup(root) ? root : {};
  if (!isGroup(upstreams)) return [];
  const names = Object.keys(upstreams);
  const references = names.flatMap((name) => fallbacksOf(name, upstreams[name]));
  const graph = fallbackGraph(names, references);
  const wrongFallbacks = [
    ...references.flatMap((reference) => checkFallback(reference, names)),
    ...checkDuplicates(references),
    ...checkCircles(graph, references),
  ];
  return [
    ...checkRules(root, names),
    ...wrongFallbacks,
    // Which upstreams are only fallbacks is known once every fallback is right.
    ...(wrongFallbacks.length === 0 ? checkMissingModels(root, graph) : []),
  ];
}

function checkRules(root: unknown, names: readonly string[]): LocatedProblem[] {
  return ['models', 'endpoints'].flatMap((section) => {
    const rules = valueAt(root, [section]);
    if (typeof rules !== 'object' || rules === null) return [];
    return Object.keys(rules).flatMap((key) => {
      const path = [section, Array.isArray(rules) ? Number(key) : key, 'upstream'];
      const name = valueAt(root, path);
      return typeof name === 'string' ? checkName(name, path, names) : [];
    });
  });
}

function checkName(name: string, path: KeyPath, names: readonly string[]): LocatedProblem[] {
  if (names.includes(name)) return [];
  return [{ path, message: `there is no upstream \`${name}\`; ${suggestName(name, names)}`, part: 'value' }];
}

function checkMissingModels(root: unknown, graph: FallbackGraph): LocatedProblem[] {
  if (unbackedUpstreams(graph).length < 2 || valueAt(root, ['models']) !== undefined) return [];
  const message =
    'there are several upstreams, so say which serves which model: `models: [{ match: "*", upstream: NAME }]`';
  return [{ path: ['upstreams'], message, part: 'key' }];
}

/** One entry of a `fallback` list. */
interface FallbackReference {
  readonly from: string;
  readonly to: string;
  readonly model: unknown;
  readonly path: KeyPath;
}

/** Leaves out what is no entry at all: the schema tells. */
function fallbacksOf(from: string, upstream: unknown): FallbackReference[] {
  const list = valueAt(upstream, ['fallback']);
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, index) => {
    const path = ['upstreams', from, 'fallback', index];
    if (typeof entry === 'string') return [{ from, to: entry, model: undefined, path }];
    const to = valueAt(entry, ['upstream']);
    if (typeof to !== 'string') return [];
    return [{ from, to, model: valueAt(entry, ['model']), path: [...path, 'upstream'] }];
  });
}

/** Without fallbacks to itself, which are a mistake of their own. */
function fallbackGraph(names: readonly string[], references: readonly FallbackReference[]): FallbackGraph {
  return new Map(
    names.map((name) => {
      const others = references.filter(({ from, to }) => from === name && to !== name);
      return [name, [...new Set(others.map(({ to }) => to))]];
    }),
  );
}

function checkFallback({ from, to, path }: FallbackReference, names: readonly string[]): LocatedProblem[] {
  if (from !== to) return checkName(to, path, names);
  return [{ path, message: `\`${to}\` is this upstream itself; remove it`, part: 'value' }];
}

/** The same upstream with another model is another try. */
function checkDuplicates(references: readonly FallbackReference[]): LocatedProblem[] {
  const seen = new Set<string>();
  return references.flatMap(({ from, to, model, path }) => {
    const key = JSON.stringify([from, to, model]);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [{ path, message: `\`${to}\` stands in this list already; remove one`, part: 'value' as const }];
  });
}

/** Tells a circle at the entry that closes it. */
function checkCircles(graph: FallbackGraph, references: readonly FallbackReference[]): LocatedProblem[] {
  return fallbackCircles(graph).map((circle) => {
    const [from, to] = circle.slice(-2);
    const closing = references.find((reference) => reference.from === from && reference.to === to)!;
    const way = circle.map((name) => `\`${name}\``).join(' -> ');
    return {
      path: closing.path,
      message: `closes a circle, ${way}; remove one of these fallbacks`,
      part: 'value',
    };
  });
}
