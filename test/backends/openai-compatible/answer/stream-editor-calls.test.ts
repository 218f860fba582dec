import { describe, expect, it } from 'vitest';
import { chunk, DONE, event, FIRST, renamed } from './chunks.ts';
import { chunksOf } from './reference-edits.ts';
import { relay } from './relay.ts';

interface Call {
  index?: unknown;
  id?: string | null;
  function?: { name?: string | null; arguments?: unknown };
}

const END = event(chunk({}, { finish_reason: 'tool_calls' }));

/** The indices of the calls in each delta of a stream, behind the editor. */
function indicesOf(deltas: readonly Call[][], index = 0): unknown[][] {
  const stream = [FIRST, ...deltas.map((calls) => event(chunk({ tool_calls: calls }, { index }))), END, DONE];
  const { text, failure } = relay(stream, { asked: 'asked' });
  expect(failure).toBeUndefined();
  expect(relay(stream.join(''), { asked: 'asked' }).text).toBe(text);
  return callsIn(text).map((calls) => calls.map((call) => call.index));
}

function callsIn(stream: string): Call[][] {
  const choices = chunksOf(stream).flatMap((read) => read['choices'] as { delta: { tool_calls?: Call[] } }[]);
  return choices.flatMap(({ delta }) => (delta.tool_calls === undefined ? [] : [delta.tool_calls]));
}

const open = (id: string | null | undefined, name: string | null = 'f', index?: unknown): Call => ({
  ...(index === undefined ? {} : { index }),
  ...(id === undefined ? {} : { id }),
  function: { name, arguments: '' },
});
const more = (text: string, index?: unknown): Call => ({
  ...(index === undefined ? {} : { index }),
  function: { arguments: text },
});

function withCall(call: string): string {
  return `data: {"choices":[{"index":0,"delta":{"tool_calls": [ ${call} ]}}]}\n\n`;
}

function withArguments(args: string): string {
  return `data: {"model":"served","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":${args}}}]}}]}\n\n`;
}

describe('StreamEditor, the index of streamed calls (defect B1)', () => {
  it.each<{ name: string; deltas: Call[][]; expected: unknown[][] }>([
    { name: 'one whole call', deltas: [[open('a')]], expected: [[0]] },
    { name: 'two whole calls in one delta', deltas: [[open('a'), open('b')]], expected: [[0, 1]] },
    { name: 'two whole calls in two deltas', deltas: [[open('a')], [open('b')]], expected: [[0], [1]] },
    {
      name: 'two and two',
      deltas: [
        [open('a'), open('b')],
        [open('c'), open('d')],
      ],
      expected: [
        [0, 1],
        [2, 3],
      ],
    },
    {
      name: 'a call in pieces, its id in the first',
      deltas: [[open('a')], [more('{')], [more('}')]],
      expected: [[0], [0], [0]],
    },
    {
      name: 'two calls in pieces, one after the other',
      deltas: [[open('a')], [more('{')], [open('b')], [more('{')], [more('}')]],
      expected: [[0], [0], [1], [1], [1]],
    },
    {
      name: 'pieces that repeat id and name',
      deltas: [[open('a')], [open('a')], [open('b')], [open('b')]],
      expected: [[0], [0], [1], [1]],
    },
    {
      name: 'pieces with their ids, mixed',
      deltas: [[open('a')], [open('b')], [open('a')], [open('b')]],
      expected: [[0], [1], [0], [1]],
    },
    {
      name: 'pieces with ids only',
      deltas: [[open('a')], [open('b')], [{ id: 'a', function: { arguments: '{}' } }]],
      expected: [[0], [1], [0]],
    },
    {
      name: 'names without ids',
      deltas: [[open(undefined, 'f')], [more('{}')], [open(undefined, 'g')], [more('{}')]],
      expected: [[0], [0], [1], [1]],
    },
    {
      name: 'ids and names that are empty or null',
      deltas: [
        [open('', 'f')],
        [{ id: '', function: { name: '', arguments: '{' } }],
        [{ id: null, function: { name: null, arguments: '}' } }],
        [open(null, 'g')],
      ],
      expected: [[0], [0], [0], [1]],
    },
    { name: 'no id and no name at all', deltas: [[more('{}')], [more('')]], expected: [[0], [0]] },
    {
      name: 'pieces of several calls in one delta, with nothing to tell them apart',
      deltas: [
        [open('a'), open('b')],
        [more('{'), more('[')],
        [more('}'), more(']')],
      ],
      expected: [
        [0, 1],
        [0, 1],
        [0, 1],
      ],
    },
    {
      name: 'an index that is null',
      deltas: [[open('a', 'f', null)], [open('b', 'f', null)], [more('{}', null)]],
      expected: [[0], [1], [1]],
    },
    {
      name: 'an index that is text',
      deltas: [[open('a', 'f', '0')], [open('b', 'f', '0')]],
      expected: [[0], [1]],
    },
    {
      name: 'indices of the server',
      deltas: [[open('a', 'f', 0), open('b', 'f', 1)], [more('{', 1)], [more('{', 0)]],
      expected: [[0, 1], [1], [0]],
    },
    {
      name: 'indices of the server, whatever they are',
      deltas: [[open('a', 'f', 0)], [open('b', 'f', 0)], [open('c', 'f', 7)]],
      expected: [[0], [0], [7]],
    },
    {
      name: 'the index only where a call begins',
      deltas: [[open('a', 'f', 0)], [more('{')], [open('b', 'f', 1)], [more('{')]],
      expected: [[0], [0], [1], [1]],
    },
    {
      name: 'the index only of some',
      deltas: [[open('a', 'f', 3)], [open('b')], [open('a')], [more('{')]],
      expected: [[3], [4], [3], [3]],
    },
  ])('$name', ({ deltas, expected }) => {
    expect(indicesOf(deltas)).toEqual(expected);
    expect(indicesOf(deltas, 1)).toEqual(expected);
  });

  it('passes over what is no call', () => {
    const deltas = [[null as never, open('a')], [open('b')]];
    const { text } = relay([...deltas.map((calls) => event(chunk({ tool_calls: calls }))), DONE]);
    expect(callsIn(text)).toEqual([[null, { ...open('a'), index: 0 }], [{ ...open('b'), index: 1 }]]);
  });

  it('is counted for each choice', () => {
    const of = (index: number, id: string): string => event(chunk({ tool_calls: [open(id)] }, { index }));
    const both = event({
      ...chunk({}),
      choices: [
        { index: 1, delta: { tool_calls: [open('e')] } },
        { index: 0, delta: { tool_calls: [open('f'), open('a')] } },
        { delta: { content: 'x' } },
      ],
    });
    const { text } = relay([of(0, 'a'), of(1, 'b'), of(1, 'c'), of(0, 'd'), both, END, DONE]);
    expect(callsIn(text).map((calls) => calls.map(({ index }) => index))).toEqual([
      [0],
      [0],
      [1],
      [1],
      [2],
      [2, 0],
    ]);
  });

  it('stays in its place where the server writes null, and is added behind all else', () => {
    const of = withCall;
    const { text } = relay([
      of('{ "index" : null , "id":"a", "function":{"name":"f","arguments":"{\\"a\\": 1}"} }'),
      of('{ "id":"b", "function":{"name":"f","arguments":"{}"}, "type":"function" }'),
      of('{}'),
      DONE,
    ]);
    expect(text).toContain(
      of('{ "index" : 0 , "id":"a", "function":{"name":"f","arguments":"{\\"a\\": 1}"} }') +
        of('{ "id":"b", "function":{"name":"f","arguments":"{}"}, "type":"function","index":1 }') +
        of('{"index":1}'),
    );
  });

  it('is the same while somebody watches', () => {
    const stream = [
      FIRST,
      event(chunk({ tool_calls: [open('a')] })),
      event(chunk({ tool_calls: [open('b')] })),
      END,
    ];
    const { text } = relay([...stream, DONE], { watch: () => {} });
    expect(callsIn(text).map((calls) => calls.map(({ index }) => index))).toEqual([[0], [1]]);
  });
});

describe('StreamEditor, arguments', () => {
  it('given as an object become text', () => {
    const call = { index: 0, id: 'a', type: 'function' };
    const { text } = relay([withArguments('{ "a": [1, "\\"x"] }'), END, DONE], { asked: 'asked' });
    expect(text).toBe(renamed(withArguments(JSON.stringify('{ "a": [1, "\\"x"] }')) + END, 'asked'));
    expect(callsIn(text)).toEqual([
      [{ ...call, function: { name: 'f', arguments: '{ "a": [1, "\\"x"] }' } }],
    ]);
  });

  it.each(['"{}"', 'null', '[]', '""'])('given as %s stay', (args) => {
    const stream = `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":${args}}}]}}]}\n\n${END}`;
    expect(relay(stream + DONE)).toMatchObject({ text: stream, failure: undefined });
  });

  it.each(['null', '[]', '{"index":0}', '"x"'])('tool_calls %s stay', (calls) => {
    const stream = `data: {"choices":[{"index":0,"delta":{"tool_calls":${calls}}}]}\n\n${END}`;
    expect(relay(stream + DONE)).toMatchObject({ text: stream, failure: undefined });
  });
});
