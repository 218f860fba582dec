import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../src/wire/json-text/parse-json.ts';
import { locateJsonError } from '../../../src/wire/validation/locate-json-error.ts';

describe('locateJsonError', () => {
  it.each([
    { text: '', line: 1, column: 1, expected: 'a JSON value' },
    { text: '{"a":1,}', line: 1, column: 8, expected: 'a member name in double quotes' },
    { text: '[1,]', line: 1, column: 4, expected: 'a JSON value' },
    { text: '{\n  "a": tru\n}', line: 2, column: 8, expected: 'a JSON value' },
    { text: '[1 2]', line: 1, column: 4, expected: '"," or "]"' },
    { text: '{"a" 1}', line: 1, column: 6, expected: '":"' },
    { text: "{'a':1}", line: 1, column: 2, expected: 'a member name in double quotes' },
    { text: '{"a":1}}', line: 1, column: 8, expected: 'the end of the text' },
    { text: '{"a":{"b":[1,{}]', line: 1, column: 17, expected: '"," or "}"' },
    { text: '["abc', line: 1, column: 6, expected: 'a closing double quote' },
    { text: '["a\\x"]', line: 1, column: 4, expected: 'a valid escape after the backslash' },
    { text: '["a\\u12g4"]', line: 1, column: 4, expected: 'a valid escape after the backslash' },
    {
      text: '["a\nb"]',
      line: 1,
      column: 4,
      expected: 'an escape such as \\n instead of a raw control character',
    },
    { text: '[01]', line: 1, column: 3, expected: '"," or "]"' },
    { text: '[1.]', line: 1, column: 3, expected: '"," or "]"' },
    { text: '\r\n\r\n  nope', line: 3, column: 3, expected: 'a JSON value' },
  ])('$text', ({ text, ...location }) => {
    expect(locateJsonError(text)).toEqual(location);
  });

  it('finds nothing wrong with JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
        expect(locateJsonError(JSON.stringify(value, null, indent))).toBeUndefined();
      }),
    );
  });

  it('agrees with JSON.parse on damaged JSON', () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', ',', '}', '[', '\\', '0', 'e', '\n'),
        (json, seed, patch) => {
          const at = seed % (json.length + 1);
          const damaged = json.slice(0, at) + patch + json.slice(at + 1);
          expect(locateJsonError(damaged) === undefined).toBe(parseJson(damaged) !== undefined);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('reads long strings and deep nesting without recursion', () => {
    expect(locateJsonError(`["${'a\\n'.repeat(200_000)}"]`)).toBeUndefined();
    expect(locateJsonError('['.repeat(50_000))).toEqual({
      line: 1,
      column: 50_001,
      expected: 'a JSON value',
    });
  });
});
