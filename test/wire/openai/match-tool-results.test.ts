import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchToolResults } from '../../../src/wire/openai/match-tool-results.ts';
import type { RequestMessage } from '../../../src/wire/openai/request.ts';

const user: RequestMessage = { role: 'user', content: 'go on' };

/** An assistant message with calls written as `id:name`. */
function calls(...specs: string[]): RequestMessage {
  return {
    role: 'assistant',
    tool_calls: specs.map((spec) => {
      const [id = '', name = 'f'] = spec.split(':');
      return { id, type: 'function' as const, function: { name, arguments: '{}' } };
    }),
  };
}

function tool(id: string, name?: string): RequestMessage {
  return { role: 'tool', tool_call_id: id, content: 'done', ...(name === undefined ? {} : { name }) };
}

const functionCall = (name: string): RequestMessage => ({
  role: 'assistant',
  function_call: { name, arguments: '' },
});
const functionResult = (name: string): RequestMessage => ({ role: 'function', name, content: 'done' });

describe('matchToolResults', () => {
  it.each<{
    name: string;
    messages: RequestMessage[];
    results: (number | undefined)[][];
    strays?: [number, string][];
  }>([
    { name: 'no calls', messages: [user], results: [] },
    { name: 'one call', messages: [user, calls('a'), tool('a')], results: [[2]] },
    { name: 'parallel calls in order', messages: [calls('a', 'b'), tool('a'), tool('b')], results: [[1, 2]] },
    {
      name: 'parallel calls out of order',
      messages: [calls('a', 'b', 'c'), tool('c'), tool('a'), tool('b')],
      results: [[2, 3, 1]],
    },
    { name: 'messages in between', messages: [calls('a'), user, tool('a')], results: [[2]] },
    {
      name: 'an assistant message without calls in between',
      messages: [calls('a'), { role: 'assistant', content: 'hm' }, tool('a')],
      results: [[2]],
    },
    {
      name: 'ids used again in a later exchange',
      messages: [calls('a'), tool('a'), calls('a'), tool('a')],
      results: [[1], [3]],
    },
    {
      name: 'only the nearest exchange counts',
      messages: [calls('a'), calls('b'), tool('a'), tool('b')],
      results: [[undefined], [2]],
      strays: [[3, 'already_answered']],
    },
    { name: 'empty ids by order', messages: [calls(':f', ':g'), tool(''), tool('')], results: [[1, 2]] },
    { name: 'equal ids by order', messages: [calls('a:f', 'a:g'), tool('a'), tool('a')], results: [[1, 2]] },
    {
      name: 'unknown id, by name',
      messages: [calls('a:f', 'b:g'), tool('x', 'g'), tool('a')],
      results: [[2, 1]],
    },
    {
      name: 'unknown id, the only open call',
      messages: [calls('a', 'b'), tool('a'), tool('x')],
      results: [[1, 2]],
    },
    {
      name: 'unknown id, unknown name, the only open call',
      messages: [calls('a:f'), tool('x', 'h')],
      results: [[1]],
    },
    {
      name: 'unknown id, two open calls',
      messages: [calls('a', 'b'), tool('x')],
      results: [[undefined, undefined]],
      strays: [[1, 'unknown_call']],
    },
    {
      name: 'empty id beside real ids',
      messages: [calls('a:f', 'b:g'), tool(''), tool('', 'g')],
      results: [[undefined, 2]],
      strays: [[1, 'unknown_call']],
    },
    {
      name: 'answered twice',
      messages: [calls('a', 'b'), tool('a'), tool('a'), tool('b')],
      results: [[1, 3]],
      strays: [[2, 'already_answered']],
    },
    {
      name: 'one result too many with empty ids',
      messages: [calls(':f'), tool(''), tool('')],
      results: [[1]],
      strays: [[2, 'unknown_call']],
    },
    {
      name: 'result before any call',
      messages: [tool('a'), calls('a'), tool('a')],
      results: [[2]],
      strays: [[0, 'no_calls_before']],
    },
    {
      name: 'empty tool_calls open nothing',
      messages: [calls('a'), { role: 'assistant', content: '', tool_calls: [] }, tool('a')],
      results: [[2]],
    },
    { name: 'missing result', messages: [calls('a', 'b'), tool('b'), user], results: [[undefined, 1]] },
    {
      name: 'custom call',
      messages: [
        { role: 'model', tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'f', input: '' } }] },
        tool('x', 'f'),
      ],
      results: [[1]],
    },
    { name: 'deprecated function', messages: [functionCall('f'), functionResult('f')], results: [[1]] },
    {
      name: 'deprecated function, other name',
      messages: [functionCall('f'), functionResult('g')],
      results: [[undefined]],
      strays: [[1, 'unknown_call']],
    },
    {
      name: 'function message for tool calls, equal names in order',
      messages: [calls('a:f', 'b:g', 'c:f'), functionResult('g'), functionResult('f'), functionResult('f')],
      results: [[2, 1, 3]],
    },
    { name: 'tool message for a deprecated call', messages: [functionCall('f'), tool('x')], results: [[1]] },
    {
      name: 'prototype names as ids',
      messages: [calls('__proto__', 'constructor'), tool('constructor'), tool('__proto__')],
      results: [[2, 1]],
    },
  ])('$name', ({ messages, results, strays = [] }) => {
    const matches = matchToolResults(messages);
    expect(matches.exchanges.map((exchange) => exchange.results)).toEqual(results);
    expect(matches.strays).toEqual(strays.map(([message, reason]) => ({ message, reason })));
  });

  it('matches unique ids whatever the order of the results', () => {
    const exchange = fc
      .uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 30 })
      .chain((ids) => fc.tuple(fc.constant(ids), fc.shuffledSubarray(ids, { minLength: ids.length })));
    fc.assert(
      fc.property(exchange, ([ids, order]) => {
        const assistant: RequestMessage = {
          role: 'assistant',
          tool_calls: ids.map((id) => ({ id, function: { name: 'f', arguments: '' } })),
        };
        const { exchanges, strays } = matchToolResults([assistant, ...order.map((id) => tool(id))]);
        expect(strays).toEqual([]);
        expect(exchanges[0]?.results).toEqual(ids.map((id) => order.indexOf(id) + 1));
      }),
    );
  });

  it('takes linear time for very many results in reverse order', () => {
    const count = 100_000;
    const ids = Array.from({ length: count }, (_, index) => `call_${index}`);
    const { exchanges, strays } = matchToolResults([
      calls(...ids),
      ...ids.toReversed().map((id) => tool(id)),
    ]);
    expect(strays).toEqual([]);
    expect(exchanges[0]?.results[0]).toBe(count);
  });
});
