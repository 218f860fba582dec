import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../../src/translate/events/chat-event.ts';
import { call, choiceOf, decoded, message, stop } from './gemini-messages.ts';
import { foldOf, renderOptions, streamOf } from './render-fixture.ts';

/** Events without the frame every answer has. */
function eventsOf(messages: readonly unknown[]): ChatEvent[] {
  return decoded(messages)
    .batches.flat()
    .filter(({ type }) => type !== 'response-start' && type !== 'choice-finish');
}

describe('calls (contract 7.5 and 10.5)', () => {
  it('parallel calls have an index each (B1), and one chunk', () => {
    const chunks = streamOf(
      decoded([message([call('f', { a: 1 }), call('g', { b: [true, null] })], stop)]).batches,
      renderOptions(),
    );
    expect(chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])).toEqual([
      { index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
      { index: 1, id: 'call_2', type: 'function', function: { name: 'g', arguments: '{"b":[true,null]}' } },
    ]);
    expect(chunks).toHaveLength(3);
  });

  it.each<[string, unknown[], string[]]>([
    ['the upstream’s', ['8s3kq01z', 'function-call-12'], ['8s3kq01z', 'function-call-12']],
    ['empty', ['', ''], ['call_1', 'call_2']],
    ['absent', [undefined, null], ['call_1', 'call_2']],
    ['the same twice', ['a', 'a'], ['a', 'call_1']],
    ['no string', [7, {}], ['call_1', 'call_2']],
  ])('ids: %s (B18)', (_, ids, expected) => {
    const answer = message(
      ids.map((id) => call('f', {}, { id })),
      stop,
    );
    expect((choiceOf([answer]).message.tool_calls ?? []).map(({ id }) => id)).toEqual(expected);
  });

  it('ids are unique over all candidates', () => {
    const parts = [call('f', {}, { id: 'x' })];
    const { batches } = decoded([{ candidates: [{ content: { parts } }, { content: { parts } }] }]);
    const ids = batches.flat().flatMap((event) => (event.type === 'tool-call-start' ? [event.id] : []));
    expect(ids).toEqual(['x', undefined]);
  });

  it('keeps the order of the arguments', () => {
    const answer = [message([call('f', { z: 1, a: { y: 2, b: 3 } })], stop)];
    expect(choiceOf(answer).message.tool_calls?.[0]).toMatchObject({
      function: { arguments: '{"z":1,"a":{"y":2,"b":3}}' },
    });
  });

  it('gives back the client’s names', () => {
    const answer = [message([call('_1st'), call('_other')], stop)];
    const { message: folded } = choiceOf(answer, {}, { toolNames: new Map([['_1st', '1st']]) });
    expect(folded.tool_calls).toMatchObject([
      { function: { name: '1st' } },
      { function: { name: '_other' } },
    ]);
  });
});

/** A part with pieces of arguments. */
function piece(partialArgs: object[], willContinue = true): object {
  return { functionCall: { partialArgs, ...(willContinue ? { willContinue } : {}) } };
}

const pieceAt = (jsonPath: string, value: object): object => message([piece([{ jsonPath, ...value }])]);

/** Of every call its name, the pieces of its arguments, and `end` when it ended. */
function pieces(messages: readonly unknown[], streamedArguments?: boolean): string[][] {
  const calls: string[][] = [];
  const options = streamedArguments === undefined ? {} : { streamedArguments };
  for (const event of decoded(messages, options).batches.flat()) {
    if (event.type === 'tool-call-start') calls[event.call] = [event.name];
    if (event.type === 'tool-arguments-delta') calls[event.call]?.push(event.delta);
    if (event.type === 'tool-call-end') calls[event.call]?.push('end');
  }
  return calls;
}

describe('streamed arguments (contract 10.6 and 17.4)', () => {
  const NATIVE = [
    message([{ ...call('getWeather', undefined, { willContinue: true }), thoughtSignature: 's' }]),
    message([piece([{ jsonPath: '$.location', stringValue: 'Bos', willContinue: true }])]),
    message([piece([{ jsonPath: '$.location', stringValue: '' }])]),
    message([{ functionCall: {} }], stop),
  ];

  it('17.4: the client gets pieces that join to one JSON text', () => {
    const chunks = streamOf(decoded(NATIVE).batches, renderOptions());
    expect(chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])).toEqual([
      {
        index: 0,
        id: 'call_1',
        type: 'function',
        function: { name: 'getWeather', arguments: '' },
        extra_content: { google: { thought_signature: 's' } },
      },
      { index: 0, function: { arguments: '{"location":"Bos' } },
      { index: 0, function: { arguments: '"' } },
      { index: 0, function: { arguments: '}' } },
    ]);
  });

  it('17.4: several paths', () => {
    expect(
      pieces([
        message([call('f', undefined, { willContinue: true })]),
        pieceAt('$.a[0].b', { numberValue: 1 }),
        pieceAt('$.a[1].b', { numberValue: 2 }),
        pieceAt('$.c', { boolValue: true }),
        message([{ functionCall: {} }], stop),
      ]),
    ).toEqual([['f', '{"a":[{"b":1', '},{"b":2', '}],"c":true', '}', 'end']]);
  });

  it('raw line feeds in a piece are escaped (B12)', () => {
    expect(
      pieces([
        message(
          [call('f', undefined, { partialArgs: [{ jsonPath: '$.code', stringValue: 'a\n"b"' }] })],
          stop,
        ),
      ]),
    ).toEqual([['f', String.raw`{"code":"a\n\"b\""`, '}', 'end']]);
  });

  it('held back when the client wants whole arguments', () => {
    expect(pieces(NATIVE, false)).toEqual([['getWeather', '{"location":"Bos"}', 'end']]);
  });

  it.each<[string, object[], string[][]]>([
    [
      'name and pieces in one part',
      [message([call('f', undefined, { partialArgs: [{ jsonPath: '$.x', numberValue: 1 }] })])],
      [['f', '{"x":1', '}', 'end']],
    ],
    ['name only', [message([call('f')])], [['f', '{}', 'end']]],
    [
      'no pieces before the end',
      [message([call('f', undefined, { willContinue: true })]), message([{ functionCall: {} }])],
      [['f', '{}', 'end']],
    ],
    [
      'whole arguments behind an empty start',
      [message([call('f', {}, { willContinue: true })]), message([{ functionCall: { args: { a: 1 } } }])],
      [['f', '{"a":1}', 'end']],
    ],
    [
      'the next named call ends it',
      [message([call('f', undefined, { willContinue: true })]), message([call('g', { a: 1 })])],
      [
        ['f', '{}', 'end'],
        ['g', '{"a":1}', 'end'],
      ],
    ],
    [
      'a text ends it',
      [
        message([call('f', undefined, { willContinue: true })]),
        message([{ text: 'x' }]),
        message([piece([{ jsonPath: '$.late', stringValue: 'x' }])]),
      ],
      [['f', '{}', 'end']],
    ],
    [
      'an empty text does not end it',
      [
        message([call('f', undefined, { willContinue: true })]),
        message([{ text: '' }]),
        message([piece([{ jsonPath: '$.x', nullValue: 'NULL_VALUE' }], false)]),
      ],
      [['f', '{"x":null', '}', 'end']],
    ],
    [
      'the end of the stream ends it',
      [
        message([call('f', undefined, { willContinue: true })]),
        message([piece([{ jsonPath: '$.x', stringValue: 'y', willContinue: true }])]),
      ],
      [['f', '{"x":"y', '"}', 'end']],
    ],
    [
      'pieces without a call are passed over',
      [message([piece([{ jsonPath: '$.x', stringValue: 'y' }])]), message([{ text: 'a' }])],
      [],
    ],
    [
      'pieces of wrong types are passed over',
      [message([call('f', undefined, { partialArgs: [null, 1, {}, { jsonPath: 5 }, { jsonPath: 'x' }] })])],
      [['f', '{}', 'end']],
    ],
  ])('%s', (_, messages, expected) => {
    expect(pieces(messages)).toEqual(expected);
  });

  it.each<[string, object[], boolean]>([
    ['by the limit', [message([], { finishReason: 'MAX_TOKENS' })], true],
    ['by a filter', [message([], { finishReason: 'SAFETY' })], true],
    ['by a block of the prompt', [{ promptFeedback: { blockReason: 'OTHER' } }], true],
    ['by a lost connection', [], false],
  ])('a call cut off %s is not complete', (_, rest, cleanly) => {
    const { batches } = decoded([NATIVE[0], NATIVE[1], ...rest], {}, cleanly);
    expect(batches.flat().some(({ type }) => type === 'tool-call-end')).toBe(false);
    expect(foldOf(batches, renderOptions()).choices[0]?.message.tool_calls).toBeUndefined();
  });

  it('a signature that comes with a later piece is kept', () => {
    expect(
      eventsOf([
        message([call('f', undefined, { willContinue: true }), { functionCall: {}, thoughtSignature: 's' }]),
      ]),
    ).toContainEqual({ type: 'signature', choice: 0, extra: { thought_signature: 's' } });
  });
});
