import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { ThoughtWatch } from '../../../../src/backends/embedded/engine/thought-watch.ts';

const TAGS = { startTag: '<think>', endTag: '</think>' };

describe('ThoughtWatch', () => {
  it.each<[name: string, isOpen: boolean, pieces: string[], open: boolean, tokens: number]>([
    ['no thought', false, ['Hel', 'lo'], false, 0],
    ['open from the start', true, ['a', 'b'], true, 2],
    ['closed in one piece', true, ['a', '</think>', 'b'], false, 2],
    ['closed in many pieces', true, ['a', '</', 'thi', 'nk>', 'b'], false, 4],
    ['opened by the model', false, ['<think>', 'a', '</think>', 'b'], false, 3],
    ['opened in pieces', false, ['<thi', 'nk>', 'a'], true, 2],
    ['closed and opened in one piece', true, ['a</think>b<think>c', 'd'], true, 2],
    ['the other tag means nothing', true, ['<think>', 'a'], true, 2],
    ['a closing tag outside means nothing', false, ['</think>', 'a'], false, 0],
    ['a tag that is never finished', true, ['</think', 'er>'], true, 2],
  ])('%s', (_, isOpen, pieces, open, tokens) => {
    const watch = new ThoughtWatch({ ...TAGS, isOpen });
    for (const piece of pieces) watch.push(piece);
    expect(watch.isOpen).toBe(open);
    expect(watch.tokens).toBe(tokens);
  });

  it('comes to the same state for any division of a text', () => {
    const part = fc.constantFrom('<think>', '</think>', '<', '/think>', 'a', '\n');
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 12 }),
        fc.array(fc.nat(60), { maxLength: 8 }),
        fc.boolean(),
        (parts, cuts, isOpen) => {
          const text = parts.join('');
          const whole = new ThoughtWatch({ ...TAGS, isOpen });
          whole.push(text);
          const divided = new ThoughtWatch({ ...TAGS, isOpen });
          let from = 0;
          for (const cut of [...cuts.toSorted((left, right) => left - right), text.length]) {
            divided.push(text.slice(from, cut));
            from = Math.max(from, Math.min(cut, text.length));
          }
          expect(divided.isOpen).toBe(whole.isOpen);
        },
      ),
    );
  });

  it('is over budget after so many tokens of reasoning, and only while it lasts', () => {
    const watch = new ThoughtWatch({ ...TAGS, isOpen: true, budget: 2 });
    watch.push('a');
    expect(watch.isOverBudget).toBe(false);
    watch.push('b');
    expect(watch.isOverBudget).toBe(true);
    watch.push('</think>');
    expect(watch.isOverBudget).toBe(false);
  });

  it('is never over budget without one', () => {
    const watch = new ThoughtWatch({ ...TAGS, isOpen: true });
    for (let count = 0; count < 100; count++) watch.push('a');
    expect(watch.isOverBudget).toBe(false);
  });
});
