import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usageOf } from '../../../../src/backends/openai-compatible/answer/answer-edits.ts';
import {
  completionBytes,
  readCompletion,
} from '../../../../src/backends/openai-compatible/answer/whole-answer.ts';
import type { JsonObject } from '../../../../src/wire/validation/structure-checks.ts';
import { anyJson, anyObject, spelledJson } from '../../../wire/json-text/spaced-json.ts';
import { COUNTS } from './chunks.ts';
import { ERRORS } from './recorded-answers.ts';
import { editedValue } from './reference-edits.ts';

const ASKED = 'my "größe"/model';

function shown(text: string | Uint8Array, asked: string | undefined): string {
  return completionBytes(readCompletion(Buffer.from(text), 'mine'), asked).toString();
}

describe('readCompletion', () => {
  it.each<{ name: string; text: string; code: string; message: string }>([
    {
      name: 'an error',
      text: '{"error":{"message":"no","code":429}}',
      code: 'rate_limit_exceeded',
      message: 'no',
    },
    {
      name: 'an error beside choices',
      text: '{"choices":[],"error":{"message":"no","code":503}}',
      code: 'overloaded',
      message: 'no',
    },
    {
      name: 'the error of an older vLLM',
      text: '{"object":"error","message":"no","code":400}',
      code: 'invalid_argument',
      message: 'no',
    },
    { name: 'a text as error', text: '{"error":"no"}', code: 'internal_error', message: 'no' },
    { name: 'a message', text: '{"message":"no"}', code: 'internal_error', message: 'no' },
    {
      name: 'another object',
      text: '{"result":1}',
      code: 'bad_upstream_response',
      message:
        'The upstream mine answered HTTP 200 with something that is not a chat completion: {"result":1}',
    },
    {
      name: 'no choices',
      text: '{"choices":null}',
      code: 'bad_upstream_response',
      message:
        'The upstream mine answered HTTP 200 with something that is not a chat completion: {"choices":null}',
    },
    {
      name: 'a page',
      text: '<html><title>x</title></html>',
      code: 'bad_upstream_response',
      message: 'The upstream mine answered HTTP 200 with something that is not a chat completion: x',
    },
    {
      name: 'half an answer',
      text: '{"choices":[',
      code: 'bad_upstream_response',
      message:
        'The upstream mine answered HTTP 200 with something that is not a chat completion: {"choices":[',
    },
    {
      name: 'nothing',
      text: '',
      code: 'bad_upstream_response',
      message: 'The upstream mine answered HTTP 200 with something that is not a chat completion: nothing.',
    },
    {
      name: 'an array',
      text: '[{"choices":[]}]',
      code: 'bad_upstream_response',
      message:
        'The upstream mine answered HTTP 200 with something that is not a chat completion: [{"choices":[]}]',
    },
  ])('refuses $name', ({ text, code, message }) => {
    expect(() => readCompletion(Buffer.from(text), 'mine')).toThrow(
      expect.objectContaining({ name: 'GatewayError', code, message }) as Error,
    );
  });

  it.each(ERRORS)('$name is none', ({ body }) => {
    expect(() => readCompletion(Buffer.from(JSON.stringify(body)), 'mine')).toThrow(
      expect.objectContaining({ name: 'GatewayError' }) as Error,
    );
  });

  it('takes an answer whose error is null', () => {
    expect(readCompletion(Buffer.from('{"choices":[],"error":null}'), 'mine').value).toEqual({
      choices: [],
      error: null,
    });
  });
});

describe('completionBytes', () => {
  it.each<{ name: string; text: string; expected: string }>([
    {
      name: 'the name of the first level only',
      text: '{"a":{"model":"served"},"model" : "served","choices":[{"model":"served"}]}',
      expected: '{"a":{"model":"served"},"model" : "ASKED","choices":[{"model":"served"}]}',
    },
    {
      name: 'a name written twice',
      text: '{"model":"served","choices":[],"model":"other"}',
      expected: '{"model":"ASKED","choices":[],"model":"ASKED"}',
    },
    {
      name: 'a name with escapes',
      text: String.raw`{"model":"ser\u0076ed","choices":[]}`,
      expected: '{"model":"ASKED","choices":[]}',
    },
    {
      name: 'a member with escapes',
      text: String.raw`{"m\u006fdel":"served","choices":[{"model":"served"}]}`,
      expected: String.raw`{"m\u006fdel":"ASKED","choices":[{"model":"served"}]}`,
    },
    {
      name: 'a name on a line of its own',
      text: '{"model":\n"served",\r\n"choices":[]}',
      expected: '{"model":\n"ASKED",\r\n"choices":[]}',
    },
    {
      name: 'a name in a text',
      text: '{"choices":[{"message":{"content":"\\"model\\":\\"served\\""}}],"model":"served"}',
      expected: '{"choices":[{"message":{"content":"\\"model\\":\\"served\\""}}],"model":"ASKED"}',
    },
    {
      name: 'a name that is a text',
      text: '{"a":"model","choices":[]}',
      expected: '{"a":"model","choices":[]}',
    },
    { name: 'null', text: '{"model":null,"choices":[]}', expected: '{"model":"ASKED","choices":[]}' },
    {
      name: 'no name',
      text: '{"choices":[{"model":"served"}]}',
      expected: '{"choices":[{"model":"served"}]}',
    },
    {
      name: 'reasoning',
      text: '{"choices":[{"message":{"reasoning":"a\\"","content":"b"}}, {"message":{"reasoning":"c","reasoning_content":null}}]}',
      expected:
        '{"choices":[{"message":{"reasoning":"a\\"","content":"b","reasoning_content":"a\\""}}, {"message":{"reasoning":"c","reasoning_content":"c"}}]}',
    },
    {
      name: 'reasoning and a name',
      text: '{"choices":[{"message":{"reasoning":"a"}}],"model":"served"}',
      expected: '{"choices":[{"message":{"reasoning":"a","reasoning_content":"a"}}],"model":"ASKED"}',
    },
    {
      name: 'arguments as an object',
      text: '{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":{ "a":"\\"" }}}]}}]}',
      expected:
        '{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{ \\"a\\":\\"\\\\\\"\\" }"}}]}}]}',
    },
    {
      name: 'calls without an index',
      text: '{"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}',
      expected:
        '{"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}',
    },
    {
      name: 'odd choices',
      text: '{"choices":[null,1,{},{"message":null}]}',
      expected: '{"choices":[null,1,{},{"message":null}]}',
    },
  ])('$name', ({ text, expected }) => {
    expect(shown(text, ASKED)).toBe(expected.replaceAll('"ASKED"', () => JSON.stringify(ASKED)));
    const isAdded = expected.includes('reasoning_content') || expected.includes('"arguments":"{ ');
    expect(shown(text, undefined)).toBe(isAdded ? expected.replaceAll('ASKED', 'served') : text);
  });

  it('gives the bytes on as they are where nothing has to change', () => {
    const bytes = Buffer.from('{"model":"served","choices":[]}');
    const completion = readCompletion(bytes, 'mine');
    expect(completionBytes(completion, 'served')).toBe(bytes);
    expect(completionBytes(completion, undefined)).toBe(bytes);
  });

  it('writes bytes that are no characters as replacement characters', () => {
    const broken = Buffer.from('{"choices":[{"message":{"content":"\xff"}}],"model":"served"}', 'latin1');
    for (const asked of ['served', 'asked', undefined]) {
      expect(JSON.parse(shown(broken, asked))).toEqual({
        choices: [{ message: { content: '\uFFFD' } }],
        model: asked ?? 'served',
      });
    }
  });

  it('changes nothing but what is to be changed, in any spelling', () => {
    const message = fc.record(
      {
        content: anyJson,
        reasoning: fc.oneof(fc.string(), fc.constant(null)),
        reasoning_content: fc.constantFrom('a', null),
        tool_calls: fc.array(fc.record({ id: fc.string(), function: fc.record({ arguments: anyObject }) }), {
          maxLength: 2,
        }),
      },
      { requiredKeys: [] },
    );
    const completions = fc
      .tuple(
        anyObject,
        fc.string({ maxLength: 5 }),
        fc.array(fc.record({ index: fc.nat(), message, model: fc.string() }), { maxLength: 2 }),
      )
      .map(([others, model, choices]): JsonObject => {
        const { error: _, ...completion } = others;
        return Object.assign(completion, { model, choices });
      });
    const property = fc.property(spelledJson(completions), ({ text, value }) => {
      const expected = editedValue(value, ASKED);
      const said = JSON.parse(shown(text, ASKED)) as JsonObject;
      expect(withReadArguments(said)).toEqual(withReadArguments(expected));
      const own = JSON.parse(shown(text, undefined)) as JsonObject;
      expect(withReadArguments(own)).toEqual(withReadArguments(editedValue(value, undefined)));
    });
    expect(() => fc.assert(property, { numRuns: 100 })).not.toThrow();
  });
});

/** Arguments as values: their text keeps the server's spelling. */
function withReadArguments(completion: JsonObject): unknown {
  return JSON.parse(
    JSON.stringify(completion, (name, value: unknown) =>
      name === 'arguments' && typeof value === 'string' ? { read: JSON.parse(value) as unknown } : value,
    ),
  );
}

describe('usageOf', () => {
  it.each<{ usage: unknown; expected: object | undefined }>([
    { usage: COUNTS, expected: COUNTS },
    { usage: { ...COUNTS, more: 1 }, expected: COUNTS },
    {
      usage: { prompt_tokens: 1, completion_tokens: 2 },
      expected: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    },
    { usage: { prompt_tokens: 1 }, expected: undefined },
    { usage: { prompt_tokens: '1', completion_tokens: 2 }, expected: undefined },
    { usage: null, expected: undefined },
    { usage: [], expected: undefined },
    { usage: undefined, expected: undefined },
  ])('$usage', ({ usage, expected }) => {
    expect(usageOf({ usage })).toEqual(expected);
  });
});
