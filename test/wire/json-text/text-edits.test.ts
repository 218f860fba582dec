import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { membersOf, startOfValue } from '../../../src/wire/json-text/json-spans.ts';
import { TextEdits } from '../../../src/wire/json-text/text-edits.ts';
import { anyJson, anyObject, spelledJson } from './spaced-json.ts';

function without(text: string, names: string, appended: readonly string[] = []): string {
  const edits = new TextEdits(text);
  const root = edits.object(startOfValue(text));
  for (const name of names) root.remove(name);
  for (const name of appended) root.append(name, '0');
  return edits.apply();
}

describe('removal', () => {
  it.each([
    ['the only one', '{"a":1}', 'a', '{}'],
    ['the only one, with white space', '{ "a" : 1 }', 'a', '{  }'],
    ['the first', '{ "a": 1, "b": 2 }', 'a', '{ "b": 2 }'],
    ['the last', '{ "a": 1, "b": 2 }', 'b', '{ "a": 1 }'],
    ['one in the middle', '{"a":1 , "b":2 , "c":3}', 'b', '{"a":1 , "c":3}'],
    ['the first two', '{"a":1,"b":2,"c":3}', 'ab', '{"c":3}'],
    ['the last two', '{"a":1,"b":2,"c":3}', 'bc', '{"a":1}'],
    ['two in the middle', '{"a":1, "b":2, "c":3, "d":4}', 'bc', '{"a":1, "d":4}'],
    ['every other', '{"a":1,"b":2,"c":3,"d":4,"e":5}', 'ace', '{"b":2,"d":4}'],
    ['all', '{"a":1,"b":2,"c":3}', 'abc', '{}'],
    ['a repeated name', '{"a":1,"b":2,"a":3,"a":4}', 'a', '{"b":2}'],
    ['an escaped name', String.raw`{"\u0061":1,"b":2}`, 'a', '{"b":2}'],
    ['a name that is not there', '{"a":1}', 'x', '{"a":1}'],
    ['none of none', '{ }', 'x', '{ }'],
  ])('of %s', (_, text, names, expected) => {
    expect(without(text, names)).toBe(expected);
  });
});

describe('members added', () => {
  it.each([
    ['to none', '{}', '', '{"x":0,"y":0}'],
    ['to none, with white space', ' { } ', '', ' {"x":0,"y":0 } '],
    ['to one', '{"a":1 }', '', '{"a":1,"x":0,"y":0 }'],
    ['when the last is removed', '{"a":1, "b":2 }', 'b', '{"a":1,"x":0,"y":0 }'],
    ['when the first is removed', '{"a":1, "b":2 }', 'a', '{"b":2,"x":0,"y":0 }'],
    ['when all are removed', '{ "a":1, "b":2 }', 'ab', '{ "x":0,"y":0 }'],
  ])('%s', (_, text, names, expected) => {
    // JSON allows no comma too many, so that a parser has the last word.
    const edited = without(text, names, ['x', 'y']);
    expect(edited).toBe(expected);
    expect(JSON.parse(edited)).toHaveProperty('y', 0);
  });

  it('has its name escaped', () => {
    const edits = new TextEdits('{}');
    edits.object(0).append('a"\n', '[1.0]');
    expect(edits.apply()).toBe(String.raw`{"a\"\n":[1.0]}`);
  });
});

describe('changes together', () => {
  const TEXT = '{ "model": "a", "x": 1.00, "list": [ {"k":1,"drop":2}, {"k":1} ], "model": "b" }';

  it('in any order, at every depth', () => {
    const edits = new TextEdits(TEXT);
    const root = edits.object(0);
    const inner = edits.object(TEXT.indexOf('{"k":1,'));
    root.append('new', 'null');
    for (const member of root.members) if (member.name === 'model') edits.replaceValue(member, '"c"');
    inner.remove('drop');
    inner.append('added', '3');
    root.remove('x');
    expect(edits.apply()).toBe(
      '{ "model": "c", "list": [ {"k":1,"added":3}, {"k":1} ], "model": "c","new":null }',
    );
    expect(edits.text).toBe(TEXT);
  });

  it('inside a value that goes are dropped with it', () => {
    for (const [change, expected] of [
      ['remove', '{ "model": "a", "x": 1.00, "model": "b" }'],
      ['replace', '{ "model": "a", "x": 1.00, "list": 0, "model": "b" }'],
    ]) {
      const edits = new TextEdits(TEXT);
      const inner = edits.object(TEXT.indexOf('{"k":1}'));
      inner.append('added', '3');
      for (const member of inner.members) edits.replaceValue(member, '7');
      const list = edits.object(0).find('list');
      if (change === 'remove') edits.object(0).remove('list');
      else if (list !== undefined) edits.replaceValue(list, '0');
      expect(edits.apply()).toBe(expected);
    }
  });

  it('of nothing leave the text as it is', () => {
    expect(new TextEdits(TEXT).apply()).toBe(TEXT);
  });

  it('find the value that a parser takes', () => {
    const edits = new TextEdits(TEXT);
    const model = edits.object(0).find('model');
    expect(model && edits.valueText(model)).toBe('"b"');
    expect(edits.object(0).find('nothing')).toBeUndefined();
  });
});

/** How members of an object are written. */
function textsOf(text: string, names: ReadonlySet<string>): string[] {
  return membersOf(text, startOfValue(text))
    .filter(({ name }) => names.has(name))
    .map(({ start, valueEnd }) => text.slice(start, valueEnd));
}

describe('any JSON', () => {
  /** What is done to one object, by position of its members. */
  const plan = fc.record({
    removed: fc.array(fc.nat(9), { maxLength: 6 }),
    replaced: fc.array(fc.tuple(fc.nat(9), anyJson), { maxLength: 4 }),
    appended: fc.array(anyJson, { maxLength: 3 }),
  });

  it('says the same as the value changed alike, and is otherwise as it was', () => {
    fc.assert(
      fc.property(spelledJson(anyObject), plan, ({ text, value }, { removed, replaced, appended }) => {
        const edits = new TextEdits(text);
        const root = edits.object(startOfValue(text));
        const expected = new Map(Object.entries(value));
        const untouched = new Set(expected.keys());
        for (const [at, json] of replaced) {
          const member = root.members[at];
          if (member === undefined || !untouched.delete(member.name)) continue;
          edits.replaceValue(member, JSON.stringify(json));
          expected.set(member.name, json);
        }
        for (const name of removed.map((at) => root.members[at]?.name ?? 'none at this place')) {
          root.remove(name);
          untouched.delete(name);
          expected.delete(name);
        }
        for (const [at, json] of appended.entries()) {
          root.append(`number ${at}`, JSON.stringify(json));
          expected.set(`number ${at}`, json);
        }
        const edited = edits.apply();
        expect(JSON.parse(edited)).toEqual(Object.fromEntries(expected));
        expect(textsOf(edited, untouched)).toEqual(textsOf(text, untouched));
        expect(edited.startsWith(text.slice(0, text.indexOf('{') + 1))).toBe(true);
        expect(edited.endsWith(text.slice(text.lastIndexOf('}')))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('can be changed at two levels at once', () => {
    const nested = fc.record({ before: anyJson, inner: anyObject, behind: anyJson });
    fc.assert(
      fc.property(spelledJson(nested), fc.nat(7), ({ text, value }, at) => {
        const edits = new TextEdits(text);
        const root = edits.object(startOfValue(text));
        const inner = edits.object(root.find('inner')?.valueStart ?? 0);
        const name = inner.members[at]?.name;
        if (name !== undefined) inner.remove(name);
        inner.append('a new one', '1');
        root.remove('before');
        root.append('a new one', '2');
        const rest = Object.entries(value.inner).filter(([key]) => key !== name);
        expect(JSON.parse(edits.apply())).toEqual({
          inner: Object.fromEntries([...rest, ['a new one', 1]]),
          behind: value.behind,
          'a new one': 2,
        });
      }),
    );
  });
});
