import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type PartialArgument,
  PartialArgumentsSerializer,
} from '../../../src/translate/events/partial-arguments.ts';

function serialize(args: readonly PartialArgument[]): string[] {
  const serializer = new PartialArgumentsSerializer();
  return [...args.map((arg) => serializer.push(arg)), serializer.end()];
}

describe('PartialArgumentsSerializer', () => {
  it.each<[string, PartialArgument[], string[]]>([
    ['nothing', [], ['{}']],
    [
      'a string in two pieces (contract 17.4)',
      [
        { jsonPath: '$.location', stringValue: 'Bos', willContinue: true },
        { jsonPath: '$.location', stringValue: '' },
      ],
      ['{"location":"Bos', '"', '}'],
    ],
    [
      'array of objects (contract 17.4)',
      [
        { jsonPath: '$.a[0].b', numberValue: 1 },
        { jsonPath: '$.a[1].b', numberValue: 2 },
        { jsonPath: '$.c', boolValue: true },
      ],
      ['{"a":[{"b":1', '},{"b":2', '}],"c":true', '}'],
    ],
    [
      'raw control characters are escaped',
      [{ jsonPath: '$.t', stringValue: 'a\n"b"\u0001', willContinue: true }],
      ['{"t":"a\\n\\"b\\"\\u0001', '"}'],
    ],
    [
      'a closed place that comes again is ignored',
      [
        { jsonPath: '$.a', numberValue: 1 },
        { jsonPath: '$.b', nullValue: null },
        { jsonPath: '$.a', numberValue: 3 },
      ],
      ['{"a":1', ',"b":null', '', '}'],
    ],
    [
      'quoted names',
      [{ jsonPath: '$[\'odd.name\']["q\\"x"]', stringValue: 'v' }],
      ['{"odd.name":{"q\\"x":"v"', '}}'],
    ],
    [
      'a path that is none',
      [
        { jsonPath: 'x', numberValue: 1 },
        { jsonPath: '$..*', numberValue: 1 },
      ],
      ['', '', '{}'],
    ],
    [
      'a skipped array element is not invented',
      [
        { jsonPath: '$.a[0]', numberValue: 1 },
        { jsonPath: '$.a[2]', numberValue: 3 },
      ],
      ['{"a":[1', '', ']}'],
    ],
  ])('%s', (_, args, pieces) => {
    expect(serialize(args)).toEqual(pieces);
    expect(() => JSON.parse(pieces.join('')) as unknown).not.toThrow();
  });

  const segment = fc.oneof(fc.constantFrom('.a', '.b', '["c d"]', '[0]', '[1]'), fc.string({ maxLength: 3 }));
  const argument: fc.Arbitrary<PartialArgument> = fc.record(
    {
      jsonPath: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `$${parts.join('')}`),
      stringValue: fc.string(),
      numberValue: fc.double({ noNaN: true, noDefaultInfinity: true }),
      boolValue: fc.boolean(),
      willContinue: fc.boolean(),
    },
    { requiredKeys: ['jsonPath'] },
  );

  it('always concatenates to a valid JSON object', () => {
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 12 }), (args) => {
        const parsed: unknown = JSON.parse(serialize(args).join(''));
        expect(typeof parsed).toBe('object');
      }),
      { numRuns: 500 },
    );
  });
});
