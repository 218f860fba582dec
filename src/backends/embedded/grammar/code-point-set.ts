/** Sets of Unicode scalar values as sorted, disjoint, non-adjacent closed ranges. */
export type CodePointSet = readonly (readonly [low: number, high: number])[];

/** Every scalar value: what one character of a JSON string can be. */
export const ANY_CODE_POINT: CodePointSet = [
  [0, 0xd7ff],
  [0xe000, 0x10ffff],
];

/** A set from ranges in any order; surrogates are left out. */
export function codePointSet(ranges: Iterable<readonly [number, number]>): CodePointSet {
  return intersectSets(merge(ranges), ANY_CODE_POINT);
}

/** The set of the characters of `text`. */
export function charactersOf(text: string): CodePointSet {
  return codePointSet(
    Array.from(text, (character) => {
      const codePoint = character.codePointAt(0) ?? 0;
      return [codePoint, codePoint] as const;
    }),
  );
}

export function unionOfSets(sets: Iterable<CodePointSet>): CodePointSet {
  return merge([...sets].flat());
}

export function complementOfSet(set: CodePointSet): CodePointSet {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [low, high] of set) {
    if (low > next) gaps.push([next, low - 1]);
    next = high + 1;
  }
  gaps.push([next, 0x10ffff]);
  return intersectSets(
    gaps.filter(([low, high]) => low <= high),
    ANY_CODE_POINT,
  );
}

export function intersectSets(left: CodePointSet, right: CodePointSet): CodePointSet {
  const common: [number, number][] = [];
  let i = 0;
  let j = 0;
  for (;;) {
    const a = left[i];
    const b = right[j];
    if (a === undefined || b === undefined) return common;
    const low = Math.max(a[0], b[0]);
    const high = Math.min(a[1], b[1]);
    if (low <= high) common.push([low, high]);
    if (a[1] < b[1]) i += 1;
    else j += 1;
  }
}

export function setHas(set: CodePointSet, codePoint: number): boolean {
  return set.some(([low, high]) => low <= codePoint && codePoint <= high);
}

function merge(ranges: Iterable<readonly [number, number]>): CodePointSet {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return merged;
}
