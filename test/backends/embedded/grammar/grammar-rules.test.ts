import { describe, expect, it } from 'vitest';
import { GrammarRules, MAX_COUNT } from '../../../../src/backends/embedded/grammar/grammar-rules.ts';
import { BudgetExceeded } from '../../../../src/backends/embedded/grammar/work-budget.ts';
import { derives } from './gbnf-matcher.ts';
import { parseGbnf } from './gbnf-parser.ts';

function repetition(min: number, max?: number): (count: number) => boolean {
  const rules = new GrammarRules();
  const root = `"<" ${rules.repeat('[a]', min, max)} ">"`;
  const text = [['root', root], ...rules.bodies].map(([name, body]) => `${name} ::= ${body}`).join('\n');
  const grammar = parseGbnf(text);
  return (count) => derives(grammar, `<${'a'.repeat(count)}>`);
}

describe('repetitions', () => {
  it.each<[min: number, max: number | undefined, accepted: number[], refused: number[]]>([
    [0, 0, [0], [1]],
    [0, 1, [0, 1], [2]],
    [3, 3, [3], [2, 4]],
    [2, 5, [2, 5], [1, 6]],
    [0, undefined, [0, 1, 500], []],
    [1, undefined, [1, 2, 500], [0]],
    [400, undefined, [400, 401, 900], [399]],
    [0, 256, [0, 255, 256], [257]],
    [300, 300, [300], [299, 301]],
    [1000, 1000, [1000], [999, 1001]],
    [0, 1000, [0, 1, 31, 500, 990], [1001, 1500]],
    [700, 3000, [700, 701, 1500, 2950], [699, 3001]],
  ])('%d to %s', (min, max, accepted, refused) => {
    const accepts = repetition(min, max);
    expect(accepted.filter((count) => !accepts(count))).toEqual([]);
    expect(refused.filter(accepts)).toEqual([]);
  });

  it('lose next to nothing of a large maximum, and never exceed it', () => {
    for (let max = 257; max < 1500; max += 97) {
      const accepts = repetition(0, max);
      expect(accepts(max + 1)).toBe(false);
      expect(accepts(Math.floor(max * 0.97))).toBe(true);
    }
  });

  it('have a limit', () => {
    const rules = new GrammarRules();
    expect(() => rules.repeat('x', MAX_COUNT + 1)).toThrow(BudgetExceeded);
    expect(rules.repeat('x', 0, 1e12)).not.toBe('');
  });
});

describe('names', () => {
  it('are kept apart and valid', () => {
    const rules = new GrammarRules();
    const names = ['a', 'a', 'a-2', 'a_2', 'a', 'root', 'ö', ''].map((base) => rules.reserve(base));
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9-]+$/);
    expect(names).not.toContain('root');
  });

  it('are shared by equal bodies', () => {
    const rules = new GrammarRules();
    expect(rules.shared('one', '"x"')).toBe(rules.shared('other', '"x"'));
    expect(rules.shared('one', '"y"')).not.toBe(rules.shared('one', '"x"'));
  });
});

it('a grammar has a largest size', () => {
  const rules = new GrammarRules();
  expect(() => {
    for (let count = 0; count < 1000; count += 1)
      rules.define(rules.reserve('rule'), `"${'x'.repeat(1000)}"`);
  }).toThrow(BudgetExceeded);
});
