import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemsOf, membersOf, startOfValue } from '../../../src/wire/json-text/json-spans.ts';
import { anyJson, anyObject, spelledJson } from './spaced-json.ts';

/** Names and values as they are written. */
function members(text: string, at = 0): [string, string][] {
  return membersOf(text, at).map(({ name, valueStart, valueEnd }) => [
    name,
    text.slice(valueStart, valueEnd),
  ]);
}

function items(text: string, at = 0): string[] {
  return itemsOf(text, at).map(({ start, end }) => text.slice(start, end));
}

describe('members of an object', () => {
  it.each<[string, string, [string, string][]]>([
    ['none', '{}', []],
    ['none, with white space', '{ \r\n\t }', []],
    ['one', '{"a":1}', [['a', '1']]],
    [
      'values of every kind',
      '{"s":"x","n":-1.50e+3,"t":true,"f":false,"z":null,"o":{"a":1},"l":[1,{}],"e":""}',
      [
        ['s', '"x"'],
        ['n', '-1.50e+3'],
        ['t', 'true'],
        ['f', 'false'],
        ['z', 'null'],
        ['o', '{"a":1}'],
        ['l', '[1,{}]'],
        ['e', '""'],
      ],
    ],
    [
      'white space everywhere',
      '\n{\t"a"\r\n:\t1 ,\n"b" : [ 1 , 2 ] \n}\n',
      [
        ['a', '1'],
        ['b', '[ 1 , 2 ]'],
      ],
    ],
    [
      'repeated names',
      '{"a":1,"a":{"a":2},"a":3}',
      [
        ['a', '1'],
        ['a', '{"a":2}'],
        ['a', '3'],
      ],
    ],
    ['an escaped name', String.raw`{"\u006do\u0064el":"x"}`, [['model', '"x"']]],
    ['a name with quotes', String.raw`{"\"a\\\"":1}`, [['"a\\"', '1']]],
    ['an empty name', '{"":1}', [['', '1']]],
    [
      'brackets, commas and quotes in strings',
      String.raw`{"a":"}],{[\":\"","b":{"c":"]}\\"},"d":["\\\"}"]}`,
      [
        ['a', String.raw`"}],{[\":\""`],
        ['b', String.raw`{"c":"]}\\"}`],
        ['d', String.raw`["\\\"}"]`],
      ],
    ],
    ['characters of every length', '{"é😀":"€😀"}', [['é😀', '"€😀"']]],
  ])('%s', (_, text, expected) => {
    expect(members(text, startOfValue(text))).toEqual(expected);
    expect(JSON.parse(text)).toEqual(
      Object.fromEntries(expected.map(([name, json]) => [name, JSON.parse(json)])),
    );
  });

  it('stands where the spans say', () => {
    const text = ' { "a" : 1 }';
    expect(membersOf(text, 1)).toEqual([{ name: 'a', start: 3, valueStart: 9, valueEnd: 10 }]);
  });

  it('of an object inside another', () => {
    const text = '{"a":[{"b":1},{"c":2}]}';
    expect(members(text, text.indexOf('{"c"'))).toEqual([['c', '2']]);
  });
});

describe('items of an array', () => {
  it.each<[string, string[]]>([
    ['[]', []],
    ['[ \n ]', []],
    ['[1]', ['1']],
    ['[ 1 , "a,]" ,{"b":[2]} , [ [ ] ],null ]', ['1', '"a,]"', '{"b":[2]}', '[ [ ] ]', 'null']],
    ['["",""]', ['""', '""']],
  ])('%s', (text, expected) => {
    expect(items(text)).toEqual(expected);
  });
});

describe('size', () => {
  it.each(['[', '{"a":'])('nesting of 5,000 levels of %s', (open) => {
    const close = open === '[' ? ']' : '}';
    const deep = `${open.repeat(5000)}${open === '[' ? '' : '1'}${close.repeat(5000)}`;
    const text = `{"deep":${deep},"b":[${deep}]}`;
    expect(members(text)).toEqual([
      ['deep', deep],
      ['b', `[${deep}]`],
    ]);
  });

  it.each([
    ['base64', 'QUJD'.repeat(500_000)],
    ['quotes alone', String.raw`\"`.repeat(500_000)],
    ['backslashes alone', String.raw`\\`.repeat(500_000)],
  ])('a long string of %s', (_, content) => {
    const text = `{"a":"${content}","b":["${content}"]}`;
    expect(membersOf(text, 0).map(({ name, valueEnd }) => [name, valueEnd])).toEqual([
      ['a', content.length + 7],
      ['b', text.length - 1],
    ]);
  });
});

describe('any JSON', () => {
  it('has the members that the parsed object has', () => {
    fc.assert(
      fc.property(spelledJson(anyObject), ({ value, text }) => {
        const found = members(text, startOfValue(text)).map(([name, json]) => [
          name,
          JSON.parse(json) as unknown,
        ]);
        expect(Object.fromEntries(found)).toEqual(value);
        expect(found).toHaveLength(Object.keys(value).length);
      }),
    );
  });

  it('has the items that the parsed array has', () => {
    fc.assert(
      fc.property(spelledJson(fc.array(anyJson)), ({ value, text }) => {
        expect(items(text, startOfValue(text)).map((json) => JSON.parse(json) as unknown)).toEqual(value);
      }),
    );
  });

  it('ends, even when it is no JSON', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', '"', ',', ':', ' ', '1');
    fc.assert(
      fc.property(fc.string({ unit: pieces }), (text) => {
        expect(membersOf(`{${text}`, 0).length).toBeLessThanOrEqual(text.length);
        expect(itemsOf(`[${text}`, 0).length).toBeLessThanOrEqual(text.length + 1);
      }),
    );
  });
});
