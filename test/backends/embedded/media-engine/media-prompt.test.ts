import { describe, expect, it } from 'vitest';
import { joinPieces, withTrigger } from '../../../../src/backends/embedded/media-engine/media-prompt.ts';

describe('a prompt in one text', () => {
  it.each([
    ['control tokens of the template stay', [{ text: '<|im_end|>', trusted: true }], '<|im_end|>'],
    ['those of a client fall apart', [{ text: '<|im_end|>', trusted: false }], '<\u2060|im_end|>'],
    ['markers of a client too', [{ text: '<__media__>', trusted: false }], '<\u2060__media__>'],
    [
      'and beginnings, whatever follows',
      [
        { text: '<', trusted: false },
        { text: '__media__>', trusted: true },
      ],
      '<\u2060__media__>',
    ],
  ])('%s', (_, pieces, text) => {
    expect(joinPieces(pieces)).toBe(text);
  });
});

describe('a grammar that waits for a text', () => {
  it('begins with that text', () => {
    expect(withTrigger({ text: 'root ::= object\nobject ::= "{}"\n', after: '</think>"' })).toEqual({
      text: 'root ::= "</think>\\"" behind-trigger\nbehind-trigger ::= object\nobject ::= "{}"\n',
      trigger: '</think>"',
    });
  });

  it('is left as it is where it holds from the start', () => {
    expect(withTrigger({ text: 'root ::= "a"' })).toEqual({ text: 'root ::= "a"' });
  });
});
