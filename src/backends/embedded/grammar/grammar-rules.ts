import { BudgetExceeded, WorkBudget } from './work-budget.ts';

/** Largest grammar, in characters. The engine takes seconds for more. */
const MAX_GRAMMAR_LENGTH = 512 * 1024;
/** Sum of all repetition counts: the engine turns each of them into a rule. */
const MAX_REPETITIONS = 60_000;
/** Largest count of one repetition; a larger maximum is lowered to it. The engine itself refuses 2000. */
export const MAX_COUNT = 50_000;
/** Steps that take a tenth of a second or two on a slow machine. */
const MAX_WORK = 80_000;
/** Up to here a repetition is written as one. */
const MAX_DIRECT_COUNT = 256;

/** The rules of one grammar: keeps names apart, shares equal rules and bounds the whole. */
export class GrammarRules {
  /** Bounds the work on all schemas of the grammar together. */
  readonly budget = new WorkBudget(MAX_WORK);
  readonly #bodies = new Map<string, string>();
  readonly #shared = new Map<string, string>();
  readonly #made = new Map<string, string>();
  readonly #lastNumber = new Map<string, number>();
  #length = 0;
  #repetitions = 0;

  /** Bodies by name, in order of definition. */
  get bodies(): ReadonlyMap<string, string> {
    return this.#bodies;
  }

  /** A new rule name made from `base`, whose other characters than letters, digits and dashes become dashes. */
  reserve(base: string): string {
    const clean = base.replace(/[^a-zA-Z0-9-]+/g, '-').slice(0, 40) || 'rule';
    const number = (this.#lastNumber.get(clean) ?? 0) + 1;
    this.#lastNumber.set(clean, number);
    const name = number === 1 && !/-\d+$/.test(clean) ? clean : `${clean}-${number}`;
    return name === 'root' ? this.reserve(base) : name;
  }

  /**
   * Gives a reserved name its body.
   *
   * @throws {BudgetExceeded} when the grammar gets too large
   */
  define(name: string, body: string): string {
    this.#length += name.length + body.length + 6;
    if (this.#length > MAX_GRAMMAR_LENGTH)
      throw new BudgetExceeded(`the grammar exceeds ${MAX_GRAMMAR_LENGTH} characters`);
    this.#bodies.set(name, body);
    return name;
  }

  /** The rule with this body; defined at first use. */
  shared(base: string, body: string): string {
    let name = this.#shared.get(body);
    if (name === undefined) {
      name = this.define(this.reserve(base), body);
      this.#shared.set(body, name);
    }
    return name;
  }

  /** The rule that `make` defines, made once for each key. */
  once(key: string, make: () => string): string {
    const name = this.#made.get(key) ?? make();
    this.#made.set(key, name);
    return name;
  }

  /**
   * `min` to `max` times `item`, which is a rule name or a character class that does not match the empty text.
   *
   * Large maxima may come out a little smaller, and never exceed {@link MAX_COUNT}.
   *
   * @param max absent for no maximum
   * @returns a sequence of GBNF elements; empty when `max` is 0
   * @throws {BudgetExceeded} when `min` exceeds the limit or all repetitions together do
   */
  repeat(item: string, min: number, max?: number): string {
    if (min > MAX_COUNT)
      throw new BudgetExceeded(`${min} repetitions are demanded, and ${MAX_COUNT} are the limit`);
    if (max === undefined) return min === 0 ? `${item}*` : `${this.#exactly(item, min - 1)} ${item}+`.trim();
    const most = Math.min(max, MAX_COUNT);
    if (most <= MAX_DIRECT_COUNT) {
      this.#count(most);
      if (most === 0) return '';
      return min === most ? `${item}{${min}}` : `${item}{${min},${most}}`;
    }
    return [this.#exactly(item, min), this.#atMost(item, most - min)].filter(Boolean).join(' ');
  }

  #exactly(item: string, count: number): string {
    if (count === 0) return '';
    if (count <= MAX_DIRECT_COUNT) {
      this.#count(count);
      return count === 1 ? item : `${item}{${count}}`;
    }
    const size = Math.floor(Math.sqrt(count));
    const blocks = Math.floor(count / size);
    return `${this.#block(item, size)}{${blocks}} ${this.#exactly(item, count - blocks * size)}`.trim();
  }

  /** Blocks and then single items, fewer than a block has, so that every count has one derivation. */
  #atMost(item: string, count: number): string {
    if (count <= MAX_DIRECT_COUNT) {
      this.#count(count);
      return count === 0 ? '' : `${item}{0,${count}}`;
    }
    const size = bestBlockSize(count);
    const blocks = Math.floor((count + 1) / size) - 1;
    this.#count(blocks + size);
    return `${this.#block(item, size)}{0,${blocks}} ${item}{0,${size - 1}}`;
  }

  #block(item: string, size: number): string {
    this.#count(size);
    return this.shared('block', `${item}{${size}}`);
  }

  #count(repetitions: number): void {
    this.#repetitions += repetitions;
    if (this.#repetitions > MAX_REPETITIONS)
      throw new BudgetExceeded('its counts add up to too many repetitions');
  }
}

/** The block size near the square root that wastes the least of `count`. */
function bestBlockSize(count: number): number {
  const root = Math.floor(Math.sqrt(count + 1));
  let best = root;
  for (let size = Math.ceil(root / 2); size <= root * 2; size += 1) {
    if ((count + 1) % size < (count + 1) % best) best = size;
  }
  return best;
}
