import { describe, expect, it } from 'vitest';
import { fallbackCircles, unbackedUpstreams } from '../../src/config/fallback-graph.ts';

const graph = (entries: Record<string, string[]>) => new Map(Object.entries(entries));

describe('unbackedUpstreams', () => {
  it.each<[graph: Record<string, string[]>, names: string[]]>([
    [{}, []],
    [{ a: [] }, ['a']],
    [{ a: [], b: [] }, ['a', 'b']],
    [{ a: ['b'], b: [] }, ['a']],
    [{ a: ['b'], b: ['c'], c: [] }, ['a']],
    [{ a: ['c'], b: ['c'], c: [] }, ['a', 'b']],
    [{ a: ['a'] }, ['a']],
    [{ a: ['unknown'], b: [] }, ['a', 'b']],
    [{ a: ['b'], b: ['a'] }, []],
  ])('of %j are %j', (entries, names) => {
    expect(unbackedUpstreams(graph(entries))).toEqual(names);
  });
});

describe('fallbackCircles', () => {
  it.each<[graph: Record<string, string[]>, circles: string[]]>([
    [{}, []],
    [{ a: ['b', 'c'], b: ['c'], c: [] }, []],
    [{ a: ['unknown'] }, []],
    [{ a: ['b'], b: ['a'] }, ['a b a']],
    [{ a: ['b'], b: ['c'], c: ['b'] }, ['b c b']],
    [{ a: ['b'], b: ['c'], c: ['a'] }, ['a b c a']],
    [{ a: ['b', 'c'], b: ['a'], c: ['a'] }, ['a b a', 'a c a']],
    [{ a: ['b'], b: ['a'], c: ['d'], d: ['c'] }, ['a b a', 'c d c']],
  ])('of %j are %j', (entries, circles) => {
    expect(fallbackCircles(graph(entries)).map((circle) => circle.join(' '))).toEqual(circles);
  });
});
