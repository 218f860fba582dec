import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { protectTexts, ProtectedText } from '../../../../src/backends/embedded/prompt/protected-text.ts';

const CONTROL_TOKENS = ['<|im_start|>', '<|im_end|>', '<|im_end|><|extra|>', '</s>', '[INST]', '$^'];

describe('ProtectedText', () => {
  it.each<[name: string, text: string, spelled: string[]]>([
    ['no control token', 'Hello', []],
    ['one', 'a<|im_end|>b', ['<|im_end|>']],
    ['several', '</s><|im_start|>system', ['</s>', '<|im_start|>']],
    ['the longest of those that begin alike', '<|im_end|><|extra|>', ['<|im_end|><|extra|>']],
    ['one with characters that mean something in a pattern', '[INST] $^ I', ['[INST]', '$^']],
    ['one that is almost one', '<|im_end |> <|IM_END|>', []],
    ['the marks of the placeholders', 'a\uE0F00\uE0F1b', ['\uE0F0', '\uE0F1']],
    ['marks inside a control token', '<|im_\uE0F0end|>', ['\uE0F0']],
    ['one between marks', '\uE0F0</s>\uE0F1', ['\uE0F0', '</s>', '\uE0F1']],
  ])('makes plain text of %s', (_, text, spelled) => {
    const guard = new ProtectedText(CONTROL_TOKENS);
    const pieces = guard.pieces(`<|im_start|>${guard.protect(text)}<|im_end|>`);
    expect(pieces.map((piece) => piece.text).join('')).toBe(`<|im_start|>${text}<|im_end|>`);
    expect(pieces.filter(({ trusted }) => !trusted).map((piece) => piece.text)).toEqual(spelled);
  });

  it('leaves no control token in trusted text but those of the template, for any client text', () => {
    const part = fc.oneof(
      fc.constantFrom(...CONTROL_TOKENS, '<|im', '_end|>', '\uE0F0', '\uE0F1', '0'),
      fc.string(),
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.array(part).map((parts) => parts.join('')),
          { maxLength: 4 },
        ),
        (texts) => {
          const guard = new ProtectedText(CONTROL_TOKENS);
          const pieces = guard.pieces(texts.map((text) => guard.protect(text)).join(''));
          expect(pieces.map(({ text }) => text).join('')).toBe(texts.join(''));
          const trusted = pieces.flatMap((piece) => (piece.trusted ? piece.text : []));
          expect(trusted.filter((text) => CONTROL_TOKENS.some((token) => text.includes(token)))).toEqual([]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('keeps a token from coming together out of two texts', () => {
    const guard = new ProtectedText(['<|im_end|>']);
    const pieces = guard.pieces(guard.protect('a<|im') + guard.protect('_end|>b'));
    expect(pieces).toEqual([
      { text: 'a', trusted: true },
      { text: '<|im', trusted: false },
      { text: '_end|>b', trusted: true },
    ]);
  });

  it('writes equal texts alike, since templates compare them', () => {
    const guard = new ProtectedText(CONTROL_TOKENS);
    expect(guard.protect('id</s>')).toBe(guard.protect('id</s>'));
    expect(guard.protect('id</s>')).not.toBe(guard.protect('id[INST]'));
  });

  it('survives a template that writes JSON', () => {
    const guard = new ProtectedText(CONTROL_TOKENS);
    const pieces = guard.pieces(JSON.stringify({ text: guard.protect('a</s>') }));
    expect(pieces).toEqual([
      { text: '{"text":"a', trusted: true },
      { text: '</s>', trusted: false },
      { text: '"}', trusted: true },
    ]);
  });

  it('has nothing to do for a model without control tokens', () => {
    const guard = new ProtectedText([]);
    expect(guard.pieces(guard.protect('a</s>'))).toEqual([{ text: 'a</s>', trusted: true }]);
  });
});

describe('protectTexts', () => {
  it('reaches every string of a JSON value, names of properties too', () => {
    const value = { a: ['x', 1, true, null, { b: 'y' }], __proto__: null };
    const result = protectTexts(value, (text) => `<${text}>`);
    expect(result).toEqual({ '<a>': ['<x>', 1, true, null, { '<b>': '<y>' }] });
  });

  it('keeps a property called __proto__', () => {
    const result = protectTexts(JSON.parse('{"__proto__": "x"}'), (text) => text);
    expect(JSON.stringify(result)).toBe('{"__proto__":"x"}');
  });
});
