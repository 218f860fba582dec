/** For each upstream the names of those asked when it cannot answer. Names without an entry of their own are allowed. */
export type FallbackGraph = ReadonlyMap<string, readonly string[]>;

/** The upstreams that no other has as its fallback: those that requests can reach by a rule only. */
export function unbackedUpstreams(graph: FallbackGraph): string[] {
  const fallbacks = new Set([...graph].flatMap(([name, others]) => others.filter((other) => other !== name)));
  return [...graph.keys()].filter((name) => !fallbacks.has(name));
}

/** Every way back to where it began, such as `a`, `b`, `a`; each is found once. */
export function fallbackCircles(graph: FallbackGraph): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    const start = trail.indexOf(name);
    if (start !== -1) circles.push([...trail.slice(start), name]);
    if (start !== -1 || done.has(name)) return;
    for (const next of graph.get(name) ?? []) visit(next, [...trail, name]);
    done.add(name);
  };
  for (const name of graph.keys()) visit(name, []);
  return circles;
}
