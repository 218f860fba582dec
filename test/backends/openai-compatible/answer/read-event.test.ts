import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyJson } from '../../../wire/json-text/spaced-json.ts';
import { readEvent, withJson } from '../../../../src/backends/openai-compatible/answer/read-event.ts';

describe('readEvent', () => {
  const CASES: { text: string; data?: string; type?: string; loose?: string }[] = [
    { text: 'data: a\n\n', data: 'a' },
    { text: 'data:a\n\n', data: 'a' },
    { text: 'data:  a \n\n', data: ' a ' },
    { text: 'data: a\r\n\r\n', data: 'a' },
    { text: 'data: a\ndata: b\n\n', data: 'a\nb' },
    { text: 'data: a\r\ndata:\r\ndata\r\n\r\n', data: 'a\n\n' },
    { text: 'data: a: b\n\n', data: 'a: b' },
    { text: ': note\n\n' },
    { text: ':\n\n' },
    { text: 'event: error\ndata: a\nid: 1\nretry: 5\n\n', data: 'a', type: 'error' },
    { text: 'event:a\nevent: b\n\n', type: 'b' },
    { text: 'event\nid\nretry\n\n', type: '' },
    { text: 'oops\ndata: a\n{"b"\n\n', data: 'a', loose: 'oops\n{"b"' },
    { text: 'error: {"a":1}\n\n', loose: 'error: {"a":1}' },
    { text: 'database: a\neventful\nidle: 1\n\n', loose: 'database: a\neventful\nidle: 1' },
    { text: '\n\n' },
    { text: '' },
  ];
  it.each(CASES.map((entry) => [JSON.stringify(entry.text), entry] as const))(
    '%s',
    (_, { text, data, type, loose = '' }) => {
      expect(readEvent(text)).toMatchObject({ text, data, type, loose });
    },
  );
});

describe('withJson', () => {
  const CASES = [
    { text: 'data: {"a":1}\n\n', json: '{"b":2}', expected: 'data: {"b":2}\n\n' },
    {
      text: ': x\r\ndata:{"a":1}\r\nid: 1\r\n\r\n',
      json: '{"b":2}',
      expected: ': x\r\ndata:{"b":2}\r\nid: 1\r\n\r\n',
    },
    { text: 'data: {\ndata:"a":1}\n\n', json: '{\n"b":2}', expected: 'data: {\ndata:"b":2}\n\n' },
    { text: 'data: {\ndata:"a":1}\n\n', json: '{}', expected: 'data: {}\ndata:\n\n' },
    { text: 'data: {}\n\n', json: '{\n"b":\n2}', expected: 'data: { "b": 2}\n\n' },
    { text: 'data: $&\n\n', json: '"$&$1"', expected: 'data: "$&$1"\n\n' },
  ];
  it.each(CASES.map((entry) => [JSON.stringify(entry.text), entry] as const))(
    '%s',
    (_, { text, json, expected }) => {
      expect(withJson(readEvent(text), json)).toBe(expected);
    },
  );

  it('says the same as the JSON, and with the same JSON is the same text', () => {
    const lines = fc.array(fc.constantFrom('data: ', 'data:', ': x\ndata: ', 'id: 1\ndata:'), {
      minLength: 1,
      maxLength: 4,
    });
    const property = fc.property(
      anyJson,
      anyJson,
      lines,
      fc.constantFrom('\n', '\r\n'),
      (from, to, fields, end) => {
        const spread = JSON.stringify(from, undefined, 1).split('\n');
        const text =
          `${spread.map((line, at) => fields[at % fields.length]! + line).join('\n')}\n\n`.replaceAll(
            '\n',
            end,
          );
        const event = readEvent(text);
        expect(JSON.parse(event.data ?? '')).toEqual(from);
        expect(withJson(event, event.data ?? '')).toBe(text);
        const spelled = JSON.stringify(to, undefined, 1);
        const edited = readEvent(withJson(event, spelled));
        expect(JSON.parse(edited.data ?? '')).toEqual(to);
        expect(edited.loose).toBe('');
      },
    );
    expect(() => fc.assert(property)).not.toThrow();
  });
});
