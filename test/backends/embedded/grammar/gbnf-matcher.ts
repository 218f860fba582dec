/** Whether a grammar derives a text: every way is followed at once, as the engine does. */
import type { GbnfElement, GbnfGrammar, GbnfOptions } from './gbnf-parser.ts';

/** What is still to be derived, as a linked list; `undefined` when nothing is. */
interface Rest {
  readonly element: GbnfElement;
  /** For repetitions: how often the body has been derived. */
  readonly count: number;
  readonly next: Rest | undefined;
  readonly id: number;
}

export function derives(grammar: GbnfGrammar, text: string): boolean {
  return new Matcher(grammar).matches(text);
}

class Matcher {
  readonly #grammar: GbnfGrammar;
  readonly #elementIds = new Map<GbnfElement, number>();
  readonly #rests = new Map<string, Rest>();

  constructor(grammar: GbnfGrammar) {
    this.#grammar = grammar;
  }

  matches(text: string): boolean {
    let ways = this.#expand(this.#rest({ kind: 'rule', name: 'root' }, 0, undefined));
    for (const character of text) {
      const code = character.codePointAt(0) ?? 0;
      const next = new Set<Rest | undefined>();
      for (const way of ways) {
        if (way?.element.kind !== 'set') continue;
        const { negated, ranges } = way.element;
        if (ranges.some(([low, high]) => low <= code && code <= high) === negated) continue;
        for (const reached of this.#expand(way.next)) next.add(reached);
      }
      ways = next;
    }
    return ways.has(undefined);
  }

  /** Equal rests are one object, so that ways that meet are followed once. */
  #rest(element: GbnfElement, count: number, next: Rest | undefined): Rest {
    const elementId = this.#elementIds.get(element) ?? this.#elementIds.size;
    this.#elementIds.set(element, elementId);
    const key = `${elementId} ${count} ${next?.id ?? -1}`;
    const known = this.#rests.get(key) ?? { element, count, next, id: this.#rests.size };
    this.#rests.set(key, known);
    return known;
  }

  #expand(start: Rest | undefined): Set<Rest | undefined> {
    const seen = new Set([start]);
    const found = new Set<Rest | undefined>();
    for (const rest of seen) {
      if (rest === undefined || rest.element.kind === 'set') found.add(rest);
      else for (const next of this.#step(rest)) seen.add(next);
    }
    return found;
  }

  #step({ element, count, next }: Rest): (Rest | undefined)[] {
    switch (element.kind) {
      case 'rule':
        return this.#options(this.#grammar.get(element.name) ?? [], next);
      case 'group':
        return this.#options(element.options, next);
      case 'repeat': {
        const ways: (Rest | undefined)[] = [];
        if (count >= element.min) ways.push(next);
        const counted = element.max === Infinity ? Math.min(count + 1, element.min) : count + 1;
        if (count < element.max) ways.push(this.#rest(element.body, 0, this.#rest(element, counted, next)));
        return ways;
      }
      default:
        throw new Error('not a step');
    }
  }

  #options(options: GbnfOptions, next: Rest | undefined): (Rest | undefined)[] {
    return options.map((option) =>
      option.reduceRight<Rest | undefined>((rest, element) => this.#rest(element, 0, rest), next),
    );
  }
}
