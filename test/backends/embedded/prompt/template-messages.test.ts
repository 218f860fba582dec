import { describe, expect, it } from 'vitest';
import {
  type TemplateConversation,
  toTemplateConversation,
} from '../../../../src/backends/embedded/prompt/template-messages.ts';
import type { ContentPart, RequestMessage } from '../../../../src/wire/openai/request.ts';

const same = (text: string): string => text;
const convert = (messages: RequestMessage[], protect = same): TemplateConversation =>
  toTemplateConversation(messages, protect, { google: {}, takeMedia: () => '' });

const IMAGE: ContentPart = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } };

const call = (
  id: string,
  name: string,
  json: string,
): { id: string; type: 'function'; function: { name: string; arguments: string } } => ({
  id,
  type: 'function',
  function: { name, arguments: json },
});

describe('toTemplateConversation', () => {
  it('gathers system and developer messages in front, wherever they stood', () => {
    const { system, messages } = convert([
      { role: 'system', content: 'One.' },
      { role: 'user', content: 'Hi' },
      { role: 'developer', content: 'Two.' },
    ]);
    expect(system).toBe('One.\n\nTwo.');
    expect(messages).toEqual([{ role: 'user', content: 'Hi' }]);
  });

  it.each<[name: string, content: ContentPart[], text: string]>([
    [
      'text parts',
      [
        { type: 'text', text: 'a' },
        { type: 'input_text', text: 'b' },
      ],
      'a\nb',
    ],
    ['a refusal', [{ type: 'refusal', refusal: 'No.' }], 'No.'],
    ['no parts', [], ''],
  ])('joins %s', (_, content, text) => {
    expect(convert([{ role: 'user', content }]).messages).toEqual([{ role: 'user', content: text }]);
  });

  it('lets media leave their marks between texts, with their places', () => {
    const taken: string[] = [];
    const { messages } = toTemplateConversation(
      [
        { role: 'user', content: 'a' },
        { role: 'user', content: [{ type: 'text', text: 'b' }, IMAGE, { type: 'text', text: 'c' }] },
      ],
      (text) => text.toUpperCase(),
      {
        google: {},
        takeMedia: (part, path) => {
          taken.push(`${part.type} ${path}`);
          return 'mark';
        },
      },
    );
    expect(messages[1]).toEqual({ role: 'user', content: 'B\nmark\nC' });
    expect(taken).toEqual(['image_url messages[1].content[1]']);
  });

  it('refuses media in an earlier answer and says where they stand', () => {
    expect(() => convert([{ role: 'assistant', content: [IMAGE] }])).toThrow(
      expect.objectContaining({ code: 'unsupported_media', param: 'messages[0].content[0]', status: 400 }),
    );
  });

  describe('tool calls and results', () => {
    const asked: RequestMessage = {
      role: 'assistant',
      content: null,
      tool_calls: [call('a', 'weather', '{"city": "Oslo"}'), call('b', 'clock', '')],
    };

    it('gives arguments as values and results in the order of the calls, with their names', () => {
      const { messages } = convert([
        { role: 'user', content: 'Hi' },
        asked,
        { role: 'tool', tool_call_id: 'b', content: 'noon' },
        { role: 'tool', tool_call_id: 'a', content: 'rain' },
        { role: 'user', content: 'Thanks' },
      ]);
      expect(messages).toEqual([
        { role: 'user', content: 'Hi' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'weather', arguments: { city: 'Oslo' } } },
            { id: 'b', type: 'function', function: { name: 'clock', arguments: {} } },
          ],
        },
        { role: 'tool', name: 'weather', tool_call_id: 'a', content: 'rain' },
        { role: 'tool', name: 'clock', tool_call_id: 'b', content: 'noon' },
        { role: 'user', content: 'Thanks' },
      ]);
    });

    it('tells equal ids of different steps apart', () => {
      const { messages } = convert([
        { role: 'assistant', tool_calls: [call('1', 'first', '{}')] },
        { role: 'tool', tool_call_id: '1', content: 'x' },
        { role: 'assistant', tool_calls: [call('1', 'second', '{}')] },
        { role: 'tool', tool_call_id: '1', content: 'y' },
      ]);
      expect(
        messages.flatMap(({ role, name, content }) => (role === 'tool' ? [[name, content]] : [])),
      ).toEqual([
        ['first', 'x'],
        ['second', 'y'],
      ]);
    });

    it('reads the deprecated function messages', () => {
      const { messages } = convert([
        { role: 'assistant', content: null, function_call: { name: 'clock', arguments: '{}' } },
        { role: 'function', name: 'clock', content: 'noon' },
      ]);
      expect(messages).toEqual([
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: '', type: 'function', function: { name: 'clock', arguments: {} } }],
        },
        { role: 'tool', name: 'clock', content: 'noon' },
      ]);
    });

    it('reads a custom call as a call with one argument', () => {
      const { messages } = convert([
        {
          role: 'assistant',
          tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'run', input: 'ls' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: 'x' },
      ]);
      expect(messages[0]?.tool_calls?.[0]?.function).toEqual({ name: 'run', arguments: { input: 'ls' } });
      expect(messages[1]?.name).toBe('run');
    });
  });

  it.each(['reasoning_content', 'reasoning'] as const)(
    'hands earlier reasoning in %s to the template',
    (field) => {
      const { messages } = convert([
        { role: 'model', content: 'Yes.', [field]: 'Hm.' },
        { role: 'user', content: 'Why?' },
      ]);
      expect(messages[0]).toEqual({ role: 'assistant', content: 'Yes.', reasoning_content: 'Hm.' });
    },
  );

  describe('a last assistant message', () => {
    it('is the beginning of the answer', () => {
      const { messages, prefill } = convert([
        { role: 'user', content: 'Count.' },
        { role: 'assistant', content: 'One, two,' },
      ]);
      expect(prefill).toBe('One, two,');
      expect(messages).toEqual([{ role: 'user', content: 'Count.' }]);
    });

    it('is a turn of its own when it holds calls', () => {
      const { messages, prefill } = convert([
        { role: 'user', content: 'Go.' },
        { role: 'assistant', content: 'x', tool_calls: [call('a', 'f', '{}')] },
      ]);
      expect(prefill).toBe('');
      expect(messages).toHaveLength(2);
    });
  });

  it('protects every text a client wrote', () => {
    const conversation = convert(
      [
        { role: 'system', content: 'EVIL system' },
        { role: 'user', content: [{ type: 'text', text: 'EVIL user' }] },
        {
          role: 'assistant',
          content: 'EVIL assistant',
          reasoning_content: 'EVIL thought',
          tool_calls: [
            call('EVIL id', 'EVIL name', '{"EVIL key": ["EVIL value", {"k": "EVIL deep"}]}'),
            { id: 'c', type: 'custom', custom: { name: 'EVIL custom', input: 'EVIL input' } },
          ],
        },
        { role: 'tool', tool_call_id: 'EVIL id', content: 'EVIL result', name: 'EVIL tool name' },
        { role: 'tool', tool_call_id: 'c', content: 'EVIL result' },
        { role: 'assistant', function_call: { name: 'EVIL function', arguments: '{"a": "EVIL"}' } },
        { role: 'function', name: 'EVIL function', content: 'EVIL output' },
        { role: 'assistant', content: 'EVIL prefill' },
      ],
      (text) => text.replaceAll('EVIL', 'SAFE'),
    );
    expect(JSON.stringify(conversation)).not.toContain('EVIL');
    expect(JSON.stringify(conversation).match(/SAFE/g)).toHaveLength(21);
  });
});
