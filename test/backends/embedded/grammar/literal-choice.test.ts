import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { literalChoice } from '../../../../src/backends/embedded/grammar/literal-choice.ts';
import { derives } from './gbnf-matcher.ts';
import { parseGbnf } from './gbnf-parser.ts';

const grammarFor = (texts: readonly string[]) => parseGbnf(`root ::= ${literalChoice(texts)}`);

describe('literalChoice', () => {
  it('keeps the order of a few texts', () => {
    expect(literalChoice(['b', 'a', 'b'])).toBe('"b" | "a"');
  });

  it('factors common beginnings of many texts', () => {
    const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
    expect(literalChoice(months)).toContain('"ma" ("r" | "y")');
    expect(literalChoice(months)).toContain('"j" ("an" | "u" ("l" | "n"))');
  });

  it('derives exactly its texts', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '"', '\\', '\n', '\u00e9', '\u{1F600}', '\u{1F601}'),
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.uniqueArray(text, { minLength: 9, maxLength: 40 }), fc.array(text), (texts, others) => {
        const grammar = grammarFor(texts);
        for (const one of [...texts, ...others]) expect(derives(grammar, one)).toBe(texts.includes(one));
      }),
      { numRuns: 60 },
    );
  });

  it('nests only so deep', () => {
    const texts = Array.from({ length: 400 }, (_, length) => 'a'.repeat(length % 100) + String(length));
    const grammar = grammarFor(texts);
    expect([texts[0], texts[399]].map((text) => derives(grammar, text ?? ''))).toEqual([true, true]);
  });
});
