import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  finalContents,
  StreamedContents,
} from '../../../../src/backends/openai-compatible/structured-output/final-contents.ts';

const message = (fields: object, reason: unknown = 'stop') => ({ message: fields, finish_reason: reason });
const CALL = [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }];

describe('finalContents', () => {
  it.each<[name: string, choices: unknown, expected: object[]]>([
    ['a content', [message({ content: '{}' })], [{ choice: 0, text: '{}' }]],
    ['an empty content', [message({ content: '' })], [{ choice: 0, text: '' }]],
    ['a content without a reason', [message({ content: '{}' }, null)], [{ choice: 0, text: '{}' }]],
    [
      'a content beside an empty list of calls',
      [message({ content: '{}', tool_calls: [] })],
      [{ choice: 0, text: '{}' }],
    ],
    ['a content beside no refusal', [message({ content: '{}', refusal: null })], [{ choice: 0, text: '{}' }]],
    [
      'several, by their places',
      [
        message({ content: 'a' }),
        message({ content: 'b' }, 'length'),
        { ...message({ content: 'c' }), index: 7 },
      ],
      [
        { choice: 0, text: 'a' },
        { choice: 2, text: 'c' },
      ],
    ],
    ['no content', [message({ content: null })], []],
    ['parts', [message({ content: [{ type: 'text', text: '{}' }] })], []],
    ['a refusal', [message({ content: '', refusal: 'No.' })], []],
    ['calls', [message({ content: '{}', tool_calls: CALL })], []],
    ['a content that was cut', [message({ content: '{' }, 'length')], []],
    ['a content that was filtered', [message({ content: '{' }, 'content_filter')], []],
    ['a call of old', [message({ content: '{}' }, 'function_call')], []],
    ['no message', [{ finish_reason: 'stop' }, null, 'x', { message: [] }], []],
    ['no list', 'x', []],
  ])('finds %s', (_, choices, expected) => {
    expect(finalContents({ choices })).toEqual(expected);
  });
});

const delta = (fields: object, index: unknown = 0, reason: unknown = null) => ({
  choices: [{ index, delta: fields, finish_reason: reason }],
});

function contentsOf(chunks: readonly object[]): object[] {
  const contents = new StreamedContents();
  for (const chunk of chunks) contents.watch(chunk as Record<string, unknown>);
  return contents.final();
}

describe('StreamedContents', () => {
  it.each<[name: string, chunks: object[], expected: object[]]>([
    [
      'pieces',
      [
        delta({ role: 'assistant', content: '' }),
        delta({ content: '{' }),
        delta({ content: '}' }),
        delta({}, 0, 'stop'),
      ],
      [{ choice: 0, text: '{}' }],
    ],
    [
      'choices in any order',
      [delta({ content: 'b' }, 1), delta({ content: 'a' }), delta({ content: 'b' }, 1)],
      [
        { choice: 1, text: 'bb' },
        { choice: 0, text: 'a' },
      ],
    ],
    ['a choice without a number', [delta({ content: 'a' }, undefined)], [{ choice: 0, text: 'a' }]],
    ['empty lists of calls', [delta({ content: '{}', tool_calls: [] })], [{ choice: 0, text: '{}' }]],
    ['a choice that says nothing', [delta({ reasoning: 'Hm.' }, 0, 'stop')], [{ choice: 0, text: '' }]],
    ['a refusal', [delta({ content: '{' }), delta({ refusal: 'No.' })], []],
    ['calls', [delta({ content: '{}' }), delta({ tool_calls: [{ index: 0 }] })], []],
    ['a content that was cut', [delta({ content: '{' }), delta({}, 0, 'length')], []],
    ['nothing', [{ choices: [] }, { choices: null }, { choices: ['x', null] }, {}], []],
  ])('finds %s', (_, chunks, expected) => {
    expect(contentsOf(chunks)).toEqual(expected);
  });

  it('finds what a whole answer holds, however it is divided', () => {
    const choice = fc.record({
      pieces: fc.array(fc.string()),
      end: fc.constantFrom('stop', 'length', null),
      isCall: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(choice, { maxLength: 3 }), (choices) => {
        const whole = choices.map(({ pieces, end, isCall }) =>
          message({ content: pieces.join(''), tool_calls: isCall ? CALL : [] }, end),
        );
        const chunks = choices.flatMap(({ pieces, end, isCall }, index) => [
          ...pieces.map((content) => delta({ content }, index)),
          delta(isCall ? { tool_calls: CALL } : {}, index, end),
        ]);
        expect(contentsOf(chunks)).toEqual(finalContents({ choices: whole }));
      }),
    );
  });
});
