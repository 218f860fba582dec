import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { TokenSpans } from '../../../../src/backends/embedded/engine/token-spans.ts';

function spansOf(...texts: readonly string[]): TokenSpans<string> {
  const spans = new TokenSpans<string>();
  for (const text of texts) spans.add(`[${text}]`, text.length);
  return spans;
}

describe('TokenSpans', () => {
  it('releases a token with its text', () => {
    expect(spansOf('one', 'two').release('onetwo')).toEqual([
      { text: 'one', token: '[one]' },
      { text: 'two', token: '[two]' },
    ]);
  });

  it('names a token once, with the first of its characters', () => {
    const spans = spansOf('three');
    expect(spans.release('th')).toEqual([{ text: 'th', token: '[three]' }]);
    expect(spans.release('ree')).toEqual([{ text: 'ree' }]);
  });

  it('forgets tokens that are passed over', () => {
    const spans = spansOf('a', 'b', 'c');
    spans.drop(2);
    expect(spans.release('c')).toEqual([{ text: 'c', token: '[c]' }]);
  });

  it('keeps a token of which only a part is passed over', () => {
    const spans = spansOf('  word');
    spans.drop(2);
    expect(spans.release('word')).toEqual([{ text: 'word', token: '[  word]' }]);
  });

  it('lets a token without text share the fate of the next character', () => {
    const shown = new TokenSpans<number>();
    shown.add(1, 0);
    shown.add(2, 0);
    shown.add(3, 2);
    expect(shown.release('🙂')).toEqual([
      { text: '', token: 1 },
      { text: '', token: 2 },
      { text: '🙂', token: 3 },
    ]);
    const hidden = new TokenSpans<number>();
    hidden.add(1, 0);
    hidden.add(2, 1);
    hidden.add(3, 1);
    hidden.drop(1);
    expect(hidden.release('x')).toEqual([{ text: 'x', token: 3 }]);
  });

  it('releases nothing for no text', () => {
    expect(spansOf('', 'a').release('')).toEqual([]);
  });

  it('refuses to release more than there is', () => {
    expect(() => spansOf('a').release('ab')).toThrow(RangeError);
  });

  it('gives back the text and every token once, in order, for any division', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 10 }),
        fc.array(fc.nat(40), { maxLength: 10 }),
        (texts, cuts) => {
          const whole = texts.join('');
          const spans = new TokenSpans<number>();
          for (const [index, text] of texts.entries()) spans.add(index, text.length);
          const ends = [...cuts.map((cut) => cut % (whole.length + 1)), whole.length].toSorted(
            (a, b) => a - b,
          );
          const released = ends.flatMap((end, index) =>
            spans.release(whole.slice(ends[index - 1] ?? 0, end)),
          );
          expect(released.map(({ text }) => text).join('')).toBe(whole);
          expect(released.flatMap(({ token }) => token ?? [])).toEqual(texts.map((_, index) => index));
        },
      ),
    );
  });
});
