/** Random texts of a grammar. */
import type { GbnfElement, GbnfGrammar, GbnfOptions } from './gbnf-parser.ts';

/** Numbers from 0 up to, not including, 1; the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Elements after which a text is brought to its end. */
const SOFT_LIMIT = 400;

export class GbnfSampler {
  readonly #grammar: GbnfGrammar;
  readonly #heights: ReadonlyMap<string, number>;

  constructor(grammar: GbnfGrammar) {
    this.#grammar = grammar;
    this.#heights = minimalHeights(grammar);
  }

  /** One complete text of the rule `root`. */
  sample(random: () => number): string {
    let text = '';
    let steps = 0;
    // A stack of its own: chains of rules for long texts would overflow that of the language.
    const stack: GbnfElement[] = [{ kind: 'rule', name: 'root' }];
    for (let element = stack.pop(); element !== undefined; element = stack.pop()) {
      steps += 1;
      const isEnding = steps > SOFT_LIMIT;
      switch (element.kind) {
        case 'set':
          text += String.fromCodePoint(pickCodePoint(element, random));
          break;
        case 'rule':
          stack.push(...this.#pick(this.#grammar.get(element.name) ?? [], isEnding, random).toReversed());
          break;
        case 'group':
          stack.push(...this.#pick(element.options, isEnding, random).toReversed());
          break;
        case 'repeat': {
          const { body } = element;
          const count = isEnding ? element.min : pickCount(element.min, element.max, random);
          stack.push(...Array.from({ length: count }, () => body));
          break;
        }
        default:
          throw new Error('unknown element');
      }
    }
    return text;
  }

  #pick(options: GbnfOptions, isEnding: boolean, random: () => number): readonly GbnfElement[] {
    if (!isEnding) return options[Math.floor(random() * options.length)] ?? [];
    const heights = options.map((option) => heightOf(option, this.#heights));
    return options[heights.indexOf(Math.min(...heights))] ?? [];
  }
}

function pickCount(min: number, max: number, random: () => number): number {
  if (max !== Infinity && random() < 0.1) return max;
  let count = min;
  while (count < max && random() < 0.6) count += 1;
  return count;
}

/** Borders of ranges and characters that JSON treats specially come more often than chance would have it. */
function pickCodePoint(
  { negated, ranges }: Extract<GbnfElement, { kind: 'set' }>,
  random: () => number,
): number {
  if (negated) throw new Error('the compiler writes no negated classes');
  const [low, high] = ranges[Math.floor(random() * ranges.length)] ?? [0, 0];
  const choice = random();
  if (choice < 0.2) return low;
  if (choice < 0.4) return high;
  const width = choice < 0.9 ? Math.min(high, low + 90) - low : high - low;
  return low + Math.floor(random() * (width + 1));
}

/** Least number of rules below each rule on the way to a complete text. */
function minimalHeights(grammar: GbnfGrammar): ReadonlyMap<string, number> {
  const heights = new Map<string, number>();
  for (let changed = true; changed;) {
    changed = false;
    for (const [name, options] of grammar) {
      const height = 1 + Math.min(...options.map((option) => heightOf(option, heights)));
      if (height < (heights.get(name) ?? Infinity)) {
        heights.set(name, height);
        changed = true;
      }
    }
  }
  return heights;
}

function heightOf(option: readonly GbnfElement[], heights: ReadonlyMap<string, number>): number {
  return Math.max(0, ...option.map((element) => elementHeight(element, heights)));
}

function elementHeight(element: GbnfElement, heights: ReadonlyMap<string, number>): number {
  switch (element.kind) {
    case 'set':
      return 0;
    case 'rule':
      return heights.get(element.name) ?? Infinity;
    case 'group':
      return Math.min(...element.options.map((option) => heightOf(option, heights)));
    case 'repeat':
      return element.min === 0 ? 0 : elementHeight(element.body, heights);
    default:
      throw new Error('unknown element');
  }
}
