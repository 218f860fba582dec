import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonArrayRemainder, JsonArraySplitter } from '../../../src/wire/sse/json-array-splitter.ts';
import { inPieces, piecesOf } from './pieces.ts';

interface Split extends JsonArrayRemainder {
  elements: string[];
}

function split(chunks: readonly Uint8Array[], maxElementBytes = 100_000): Split {
  const splitter = new JsonArraySplitter({ maxElementBytes });
  const elements = chunks.flatMap((chunk) => splitter.push(chunk));
  return { elements, ...splitter.end() };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const ARRAYS: [name: string, text: string, expected: Split][] = [
  [
    'as Google streams it',
    '[{"a": 1}\r\n,\r\n{"b": 2}\r\n]',
    { elements: ['{"a": 1}', '{"b": 2}'], complete: true, loose: '' },
  ],
  ['empty', '[]', { elements: [], complete: true, loose: '' }],
  [
    'nested',
    '[{"a":[1,{"b":[]}]},[[2]]]',
    { elements: ['{"a":[1,{"b":[]}]}', '[[2]]'], complete: true, loose: '' },
  ],
  [
    'brackets and quotes in strings',
    '[{"a":"]}\\"\\\\"},{"b":"[{"}]',
    { elements: ['{"a":"]}\\"\\\\"}', '{"b":"[{"}'], complete: true, loose: '' },
  ],
  [
    'elements without brackets',
    '[1,"x,y",null]',
    { elements: ['1', '"x,y"', 'null'], complete: true, loose: '' },
  ],
  ['characters of every length', '[{"é":"😀€"}]', { elements: ['{"é":"😀€"}'], complete: true, loose: '' }],
  [
    'a byte order mark and white space',
    '\uFEFF \n[ {} ] \r\n',
    { elements: ['{}'], complete: true, loose: '' },
  ],
  ['cut off behind an element', '[{"a":1}\r\n,', { elements: ['{"a":1}'], complete: false, loose: '' }],
  ['cut off in an element', '[{"a":1},{"b":', { elements: ['{"a":1}'], complete: false, loose: '' }],
  ['nothing', '', { elements: [], complete: false, loose: '' }],
  [
    'a bare object',
    '{"error": {"code": 400}}',
    { elements: [], complete: false, loose: '{"error": {"code": 400}}' },
  ],
  ['a page of HTML', '<html>[1]</html>', { elements: [], complete: false, loose: '<html>[1]</html>' }],
  [
    'something behind the array',
    '[{}]\n{"error":1}',
    { elements: ['{}'], complete: true, loose: '{"error":1}' },
  ],
];

describe('JsonArraySplitter', () => {
  it.each(ARRAYS)('%s, whole and cut into two at every byte', (_, text, expected) => {
    const whole = bytes(text);
    for (let at = 0; at <= whole.length; at++) {
      expect(split([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
    }
    expect(split(inPieces(whole, 1))).toEqual(expected);
  });

  it('finds the elements of any array, however it is divided', () => {
    const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 5 });
    fc.assert(
      fc.property(
        objects,
        fc.constantFrom(undefined, 2),
        fc.array(fc.nat({ max: 300 })),
        (values, indent, cuts) => {
          const { elements, ...rest } = split(
            piecesOf(bytes(JSON.stringify(values, undefined, indent)), cuts),
          );
          expect(elements.map((element): unknown => JSON.parse(element))).toEqual(
            JSON.parse(JSON.stringify(values)),
          );
          expect(rest).toEqual({ complete: true, loose: '' });
        },
      ),
    );
  });

  it.each([
    ['an element', `[{"a":"${'x'.repeat(100)}"}]`],
    ['loose text', 'x'.repeat(100)],
  ])('refuses more than the limit: %s', (_, text) => {
    const error = expect.objectContaining({ code: 'bad_upstream_response' }) as Error;
    expect(() => split([bytes(text)], 99)).toThrow(error);
    expect(() => split(inPieces(bytes(text), 7), 99)).toThrow(error);
  });
});
