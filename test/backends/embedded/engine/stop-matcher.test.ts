import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { StopMatcher } from '../../../../src/backends/embedded/engine/stop-matcher.ts';

/** Feeds the pieces as an engine does: no further than the stop, then the rest. */
function run(stops: readonly string[], pieces: readonly string[]): { sent: string[]; stopped: boolean } {
  const matcher = new StopMatcher(stops);
  const sent: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = matcher.push(piece);
    sent.push(text);
    if (stopped) return { sent, stopped };
  }
  sent.push(matcher.end());
  return { sent, stopped: false };
}

/** Every way to cut a text into two, and into single characters. */
function cuts(text: string): string[][] {
  const inTwo = Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]);
  return [...inTwo, text.split('')];
}

describe('StopMatcher', () => {
  it.each<[name: string, stops: string[], text: string, shown: string, stopped: boolean]>([
    ['no stop sequences', [], 'Hello', 'Hello', false],
    ['a stop in the middle', ['END'], 'one END two', 'one ', true],
    ['a stop at the beginning', ['one'], 'one two', '', true],
    ['a stop at the very end', ['two'], 'one two', 'one ', true],
    ['a beginning that never becomes a stop', ['END'], 'the EN', 'the EN', false],
    ['a beginning that turns into something else', ['END'], 'the ENGINE', 'the ENGINE', false],
    ['a beginning that overlaps itself', ['aab'], 'aaab', 'a', true],
    ['the earliest of several', ['three', 'two'], 'one two three', 'one ', true],
    ['one stop inside another', ['wo', 'two'], 'one two', 'one ', true],
    ['one stop that begins another', ['tw', 'two'], 'one two', 'one ', true],
    ['line breaks', ['\n\n'], 'a\nb\n\nc', 'a\nb', true],
    ['characters outside the basic plane', ['🙂'], 'a🙂b', 'a', true],
    ['half of a surrogate pair in common', ['🙃'], 'a🙂b', 'a🙂b', false],
  ])('%s, whatever the cut', (_, stops, text, shown, stopped) => {
    for (const pieces of cuts(text)) {
      const result = run(stops, pieces);
      expect(result.sent.join('')).toBe(shown);
      expect(result.stopped).toBe(stopped);
    }
  });

  it('sends at once what cannot begin a stop', () => {
    const matcher = new StopMatcher(['END']);
    expect(matcher.push('abcE')).toEqual({ text: 'abc', stopped: false });
    expect(matcher.push('x')).toEqual({ text: 'Ex', stopped: false });
    expect(matcher.end()).toBe('');
  });

  it('shows the text up to the earliest stop, for any text, stops and division', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
    const stop = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 6 }), fc.array(stop, { maxLength: 3 }), (pieces, stops) => {
        const whole = pieces.join('');
        const { sent, stopped } = run(stops, pieces);
        const shown = sent.join('');
        // A stop is seen when it is complete: of several, the one that ends first decides, then the earliest.
        const firstEnd = Math.min(
          ...stops.map((one) => (whole.includes(one) ? whole.indexOf(one) + one.length : Infinity)),
        );
        expect(stopped).toBe(firstEnd !== Infinity);
        expect(whole.startsWith(shown)).toBe(true);
        expect(stops.some((one) => shown.includes(one))).toBe(false);
        const rest = whole.slice(shown.length);
        expect(stopped ? stops.some((one) => rest.startsWith(one)) : rest === '').toBe(true);
      }),
    );
  });
});
