import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Token } from '../../../../src/backends/embedded/engine/llama-binding.ts';
import { TokenText } from '../../../../src/backends/embedded/engine/token-text.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A vocabulary of bytes: token n is the byte n. Decoding is what a tokenizer does: broken characters become U+FFFD. */
function decodeBytes(tokens: readonly Token[]): string {
  return decoder.decode(Uint8Array.from(tokens));
}

function bytesOf(text: string): Token[] {
  return [...new TextEncoder().encode(text)] as Token[];
}

describe('TokenText', () => {
  it.each(['plain', 'naïve', '日本語', 'a🙂b', '👩‍👩‍👧', 'e\u0301'])(
    'puts %s together from its bytes',
    (text) => {
      const reader = new TokenText(decodeBytes, []);
      const pieces = bytesOf(text).map((token) => reader.push(token));
      expect(pieces.join('') + reader.end()).toBe(text);
      expect(pieces.filter((piece) => piece.includes('\uFFFD'))).toEqual([]);
    },
  );

  it('never splits a character, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 10 }), (text) => {
        fc.pre(!text.includes('\uFFFD'));
        const reader = new TokenText(decodeBytes, []);
        const pieces = bytesOf(text).map((token) => reader.push(token));
        expect(pieces.join('') + reader.end()).toBe(text);
        expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
      }),
    );
  });

  it('does not wait for ever on bytes that are no character', () => {
    const reader = new TokenText(decodeBytes, []);
    const pieces = ([0xff, 0xff, 0xff, 0xff] as Token[]).map((token) => reader.push(token));
    expect(pieces).toEqual(['', '', '', '\uFFFD\uFFFD\uFFFD\uFFFD']);
  });

  it('gives the rest of an unfinished character at the end, once', () => {
    const reader = new TokenText(decodeBytes, []);
    const [first] = bytesOf('🙂');
    expect(reader.push(first as Token)).toBe('');
    expect(reader.end()).toBe('\uFFFD');
    expect(reader.end()).toBe('');
  });

  it('shows the tokens in front to the tokenizer: it decides about spaces by them', () => {
    const seen: (readonly Token[])[] = [];
    const reader = new TokenText(
      (tokens, before) => {
        seen.push(before);
        return decodeBytes(tokens);
      },
      [1, 2, 3] as Token[],
    );
    for (const token of bytesOf('abc')) reader.push(token);
    expect(seen).toEqual([
      [2, 3],
      [3, 97],
      [97, 98],
    ]);
  });
});
