import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../src/wire/json-text/parse-json.ts';

describe('parseJson', () => {
  it.each<[text: string, value: unknown]>([
    ['{"a":[1,null]}', { a: [1, null] }],
    [' "x"\n', 'x'],
    ['null', null],
    ['false', false],
  ])('reads %j', (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  it.each(['', ' ', '{', '{"a":1} b', 'undefined', "'a'", '[1,]', '\uFEFF{}'])(
    'takes %j for other text',
    (text) => {
      expect(parseJson(text)).toBeUndefined();
    },
  );
});
