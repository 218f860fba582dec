import { describe, expect, it } from 'vitest';
import type { Content } from '../../../src/wire/gemini/request.ts';
import { modelParts, refusal, type TestTarget, translate, USER } from './translate.ts';

const contentsOf = (messages: object[], target?: TestTarget): Content[] =>
  translate({ messages }, target).body.contents;

const user = (...texts: string[]): object => ({ role: 'user', parts: texts.map((text) => ({ text })) });
const model = (...texts: string[]): object => ({ role: 'model', parts: texts.map((text) => ({ text })) });

const call = (id: string, name = 'f', args = '{}'): object => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});
const result = (id: string, content = 'r'): object => ({ role: 'tool', tool_call_id: id, content });
const assistant = (content: string): object => ({ role: 'assistant', content });

describe('roles', () => {
  it('hoists system and developer messages from wherever they stand, one part each', () => {
    const { body } = translate({
      messages: [
        { role: 'system', content: 'One.' },
        USER,
        {
          role: 'developer',
          content: [
            { type: 'text', text: 'Two.' },
            { type: 'input_text', text: 'Three.' },
          ],
        },
        { role: 'system', content: '' },
      ],
    });
    expect(body.systemInstruction).toEqual({
      parts: [{ text: 'One.' }, { text: 'Two.' }, { text: 'Three.' }],
    });
    expect(body.contents).toEqual([user('Hello.')]);
  });

  it.each(['assistant', 'model'])('takes %s for the model', (role) => {
    expect(contentsOf([USER, { role, content: 'Hi.' }])).toEqual([user('Hello.'), model('Hi.')]);
  });

  it('ignores names', () => {
    const { body, ignored } = translate({ messages: [{ ...USER, name: 'Ann' }] });
    expect([body.contents, ignored]).toEqual([[user('Hello.')], []]);
  });

  it('lets the conversation begin with the model, and end with it as a prefill', () => {
    expect(contentsOf([assistant('a'), USER, assistant('b')])).toEqual([
      model('a'),
      user('Hello.'),
      model('b'),
    ]);
  });
});

const roles = (messages: object[]): unknown[] =>
  contentsOf([USER, ...messages]).map(({ parts }) => parts.length);

describe('building contents', () => {
  it.each<[what: string, messages: object[], contents: object[]]>([
    [
      'drops empty texts, keeps white space',
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: '' },
            { type: 'text', text: ' ' },
          ],
        },
      ],
      [user(' ')],
    ],
    [
      'drops an assistant message without parts',
      [USER, assistant(''), { role: 'user', content: 'b' }],
      [user('Hello.', 'b')],
    ],
    ['drops an empty user message beside another', [{ role: 'user', content: '' }, USER], [user('Hello.')]],
    [
      'merges adjacent messages of one role without joining their texts',
      [USER, { role: 'user', content: 'b' }],
      [user('Hello.', 'b')],
    ],
    [
      'merges around system messages',
      [USER, { role: 'system', content: 's' }, { role: 'user', content: 'b' }],
      [user('Hello.', 'b')],
    ],
    [
      'merges adjacent assistant messages',
      [USER, assistant('a'), assistant('b')],
      [user('Hello.'), model('a', 'b')],
    ],
    [
      'keeps texts apart',
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'input_text', text: 'b' },
          ],
        },
      ],
      [user('a', 'b')],
    ],
  ])('%s', (_, messages, contents) => {
    expect(contentsOf(messages)).toEqual(contents);
  });

  it('merges two assistant messages only if one is unsigned', () => {
    const signed = (content: string): object => ({
      ...assistant(content),
      extra_content: { google: { thought_signature: 'QUJD' } },
    });
    expect(roles([signed('a'), signed('b')])).toEqual([1, 1, 1]);
    expect(roles([signed('a'), assistant('b')])).toEqual([1, 2]);
  });

  it('puts texts before calls', () => {
    const step = { role: 'assistant', content: 'Look.', tool_calls: [call('1', 'f', '{"a":1}')] };
    expect(contentsOf([USER, step, result('1')])[1]?.parts).toEqual([
      { text: 'Look.' },
      { functionCall: { name: 'f', args: { a: 1 } } },
    ]);
  });

  it.each(['', '{}'])('takes %j for no arguments', (args) => {
    const [, step] = contentsOf([
      USER,
      { role: 'assistant', tool_calls: [call('1', 'f', args)] },
      result('1'),
    ]);
    expect(step?.parts).toEqual([{ functionCall: { name: 'f', args: {} } }]);
  });

  it.each([null, '', undefined])('takes content %j beside calls for absent (B13)', (content) => {
    const step = {
      role: 'assistant',
      ...(content === undefined ? {} : { content }),
      tool_calls: [call('1')],
    };
    const [, written] = contentsOf([USER, step, result('1')]);
    expect(written?.parts).toHaveLength(1);
  });

  it('sends a refusal as text, as a part or as the message', () => {
    expect(modelParts({ content: [{ type: 'refusal', refusal: 'No.' }] })).toEqual([{ text: 'No.' }]);
    expect(modelParts({ content: null, refusal: 'No.' })).toEqual([{ text: 'No.' }]);
  });

  it('refuses a conversation in which nothing is left to say', () => {
    expect(refusal({ messages: [assistant('')] })).toMatchObject({
      param: 'messages',
      code: 'empty_content',
    });
  });

  it('sends calls of custom tools and deprecated function calls', () => {
    const contents = contentsOf([
      USER,
      { role: 'assistant', tool_calls: [{ id: '1', type: 'custom', custom: { name: 'c', input: 'x' } }] },
      result('1'),
      { role: 'assistant', function_call: { name: 'g', arguments: '{"a":1}' } },
      { role: 'function', name: 'g', content: '2' },
    ]);
    expect(contents.slice(1)).toEqual([
      { role: 'model', parts: [{ functionCall: { name: 'c', args: { input: 'x' } } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'c', response: { output: 'r' } } }] },
      { role: 'model', parts: [{ functionCall: { name: 'g', args: { a: 1 } } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'g', response: { output: 2 } } }] },
    ]);
  });
});

describe('the place of tool results', () => {
  const step = { role: 'assistant', tool_calls: [call('1', 'f'), call('2', 'g')] };
  const results = {
    role: 'user',
    parts: [
      { functionResponse: { name: 'f', response: { output: 'one' } } },
      { functionResponse: { name: 'g', response: { output: 'two' } } },
    ],
  };

  it.each<[what: string, behind: object[], after: object[]]>([
    ['in order', [result('1', 'one'), result('2', 'two')], []],
    ['out of order', [result('2', 'two'), result('1', 'one')], []],
    ['around a user message', [result('2', 'two'), USER, result('1', 'one')], [user('Hello.')]],
    ['behind an assistant message', [assistant('a'), result('1', 'one'), result('2', 'two')], [model('a')]],
    ['before a user message', [result('1', 'one'), result('2', 'two'), USER], [user('Hello.')]],
  ])('is one entry right behind the calls: %s', (_, behind, after) => {
    expect(contentsOf([USER, step, ...behind]).slice(2)).toEqual([results, ...after]);
  });
});

describe('audio of an earlier answer', () => {
  it('goes back inline when its data came back', () => {
    const audio = { id: 'a', data: 'AAAA', extra_content: { google: { mime_type: 'image/png' } } };
    expect(modelParts({ content: null, audio })).toEqual([
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
    ]);
  });

  it('is refused by id alone', () => {
    expect(refusal({ messages: [USER, { role: 'assistant', audio: { id: 'a' } }, USER] })).toMatchObject({
      param: 'messages[1].audio',
      code: 'unsupported_parameter',
    });
  });

  it('is refused when its data is no base64', () => {
    expect(refusal({ messages: [USER, { role: 'assistant', audio: { data: '!' } }] }).param).toBe(
      'messages[1].audio.data',
    );
  });
});

describe('long conversations', () => {
  it('of one role are one entry', () => {
    const messages = Array.from({ length: 50_000 }, () => USER);
    expect(contentsOf(messages)[0]?.parts).toHaveLength(50_000);
  });

  it('of many thoughts overflow no stack', () => {
    const content = '<t>a</t>b'.repeat(150_000);
    const { body } = translate({ messages: [USER, assistant(content)], google: { thought_tag_marker: 't' } });
    expect(body.contents[1]?.parts).toHaveLength(300_000);
  });
});
