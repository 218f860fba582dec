import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { automatonAccepts } from '../../../../src/backends/embedded/grammar/automaton.ts';
import { patternAutomaton } from '../../../../src/backends/embedded/grammar/pattern-automaton.ts';
import { PatternError } from '../../../../src/backends/embedded/grammar/pattern-syntax.ts';
import { BudgetExceeded, WorkBudget } from '../../../../src/backends/embedded/grammar/work-budget.ts';

const budget = () => new WorkBudget(1_000_000);

function accepts(pattern: string, text: string): boolean {
  return automatonAccepts(patternAutomaton(pattern, budget()), text);
}

const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'ba',
  'aab',
  'abc',
  'cab',
  'A1',
  '1',
  '12',
  'a-b',
  'a.b',
  ' ',
  '\n',
  'a\nb',
  '\u00e9',
  '\u{1F600}',
  '\\',
  '"',
  '\u0001',
  '_',
  'x{2}',
  'aaaa',
  '\u00a0',
  'a\tb',
  '[',
  ']',
  '^',
  '-',
];

describe('an automaton agrees with the regular expression', () => {
  it.each([
    '',
    '^',
    '$',
    '^$',
    'a',
    '^a',
    'a$',
    '^a$|b',
    '(^a|b$)',
    '^(?:a|b)*$',
    '^(?<first>a)b',
    'a|',
    '^(a|)b?$',
    'a+?b',
    '^a{2}',
    '^a{2,}$',
    '^a{0,2}b{0}$',
    '^(a*)*$',
    '^((a|b)+c?){2}$',
    '.',
    '^.$',
    '^..$',
    '\\.',
    '\\d',
    '^\\D+$',
    '\\w',
    '^\\W$',
    '\\s',
    '^\\S*$',
    '[a-c]',
    '^[^a-c]$',
    '^[^]$',
    '[]',
    '[\\d_-]',
    '[\\]\\[^-]',
    '[\\b]',
    '\\t|\\n|\\v|\\f|\\r|\\0',
    '\\x61\\u0062',
    '\\u{1F600}',
    '\\ud83d\\ude00',
    '[\\u{1F600}-\\u{1F64F}]',
    '\\cA',
    '\\/|\\-',
    '^(?=.*b)a',
    '^(?!.*b)',
    '^(?=a)(?!ab)',
    '^(?!^a$).+$',
  ])('%j', (pattern) => {
    // Without the Unicode flag \- is an identity escape; no other row differs between the modes on these texts.
    const expression = new RegExp(pattern, pattern.includes('\\-') ? '' : 'u');
    const automaton = patternAutomaton(pattern, budget());
    const mistaken = TEXTS.filter((text) => automatonAccepts(automaton, text) !== expression.test(text));
    expect(mistaken).toEqual([]);
  });

  it('of random patterns on random texts', () => {
    fc.assert(
      fc.property(
        patterns(),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n'), maxLength: 7 }),
        (pattern, text) => {
          expect(accepts(pattern, text)).toBe(new RegExp(pattern, 'u').test(text));
        },
      ),
      { numRuns: 500 },
    );
  });
});

function patterns(): fc.Arbitrary<string> {
  const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '^', '$', ''),
      fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => one + other),
      fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(?:${one}|${other})`),
      fc
        .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{0,1}', '+?'))
        .map(([body, quantifier]) => `(${body})${quantifier}`),
    ),
  }));
  return pattern;
}

describe('patterns without an automaton', () => {
  it.each([
    'a(?=b)',
    '(?=a)b',
    '(?<=a)b',
    '(?<!a)b',
    '(?i)a',
    '(?P<x>a)',
    '(?:^(?=a))*',
    '(a)\\1',
    '\\k<a>',
    '\\ba',
    '\\B',
    '\\p{L}',
    '\\Aa\\Z',
    '\\07',
  ])('%j is unsupported', (pattern) => {
    expect(() => patternAutomaton(pattern, budget())).toThrow(
      expect.objectContaining({ kind: 'unsupported' }) as PatternError,
    );
  });

  it.each([
    '(',
    ')',
    '(a',
    'a)',
    '[a',
    '[b-a]',
    '*a',
    'a**',
    '+',
    '?',
    'a{3,2}',
    '^*',
    '\\',
    '\\x1',
    '\\u12',
    '\\u{110000}',
    '(?<name',
  ])('%j is invalid', (pattern) => {
    expect(() => patternAutomaton(pattern, budget())).toThrow(
      expect.objectContaining({ kind: 'invalid' }) as PatternError,
    );
  });

  it('are refused when they exceed the budget', () => {
    expect(() => patternAutomaton('^(a|b)*a(a|b){20}$', new WorkBudget(50_000))).toThrow(BudgetExceeded);
    expect(() => patternAutomaton(`${'('.repeat(60)}${')'.repeat(60)}`, budget())).toThrow(PatternError);
  });
});
