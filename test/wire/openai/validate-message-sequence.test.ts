import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../../../src/wire/openai/validate-request.ts';

const user = { role: 'user', content: 'go on' };
const emptyUser = { role: 'user', content: '' };
const assistant = { role: 'assistant', content: 'ok' };
const system = { role: 'system', content: 'be brief' };
const calls = (...ids: string[]) => ({
  role: 'assistant',
  tool_calls: ids.map((id) => ({ id, function: { name: 'lookup', arguments: '' } })),
});
const tool = (id: string) => ({ role: 'tool', tool_call_id: id, content: 'done' });

function validate(messages: unknown[]) {
  return validateChatRequest({ messages }, { modelRequired: false });
}

describe('conversations refused', () => {
  it.each<[string, unknown[], string, string, string]>([
    [
      'system messages only',
      [system, { role: 'developer', content: 'x' }],
      'messages',
      'invalid_argument',
      'not a system',
    ],
    ['empty user message', [emptyUser], 'messages[0].content', 'empty_content', 'is empty'],
    [
      'empty parts',
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: '' },
            { type: 'input_text', text: '' },
          ],
        },
      ],
      'messages[0].content',
      'empty_content',
      'is empty',
    ],
    ['no parts', [{ role: 'user', content: [] }], 'messages[0].content', 'empty_content', 'is empty'],
    ['two empty user messages', [emptyUser, emptyUser], 'messages[0].content', 'empty_content', 'is empty'],
    [
      'empty user message between assistant messages',
      [user, assistant, emptyUser, assistant, user],
      'messages[2].content',
      'empty_content',
      'is empty',
    ],
    [
      'empty user message before an assistant message',
      [emptyUser, assistant, user],
      'messages[0].content',
      'empty_content',
      'is empty',
    ],
    [
      'missing result',
      [user, calls('a', 'b'), tool('b'), user],
      'messages[1].tool_calls',
      'missing_tool_result',
      'a;',
    ],
    [
      'missing results at the end',
      [user, calls('a', 'b')],
      'messages[1].tool_calls',
      'missing_tool_result',
      'a, b',
    ],
    [
      'missing results of empty ids',
      [calls('', ''), tool('')],
      'messages[0].tool_calls',
      'missing_tool_result',
      'lookup',
    ],
    [
      'missing function result',
      [{ role: 'assistant', function_call: { name: 'f', arguments: '' } }, user],
      'messages[0].function_call',
      'missing_tool_result',
      'f;',
    ],
    [
      'result without a call',
      [user, tool('a')],
      'messages[1].tool_call_id',
      'invalid_argument',
      'no assistant message',
    ],
    [
      'result answered twice',
      [calls('a'), tool('a'), tool('a')],
      'messages[2].tool_call_id',
      'invalid_argument',
      'earlier message',
    ],
    [
      'unknown id',
      [calls('a', 'b'), tool('a'), tool('b'), tool('c')],
      'messages[3].tool_call_id',
      'invalid_argument',
      'no open call',
    ],
    [
      'function result without a call',
      [user, { role: 'function', name: 'f', content: '' }],
      'messages[1].name',
      'invalid_argument',
      'no assistant message',
    ],
  ])('%s', (_, messages, param, code, text) => {
    const problems = validate(messages);
    expect(problems).toEqual([{ param, code, message: expect.stringContaining(text) }]);
  });

  it('names ten calls at most and cuts long ids', () => {
    const ids = Array.from({ length: 12 }, (_, index) => `call_${index}_${'x'.repeat(1000)}`);
    const [problem] = validate([calls(...ids)]);
    expect(problem?.message).toMatch(/call_9_x+…, 2 more;/);
    expect(problem?.message.length).toBeLessThan(700);
  });
});

describe('problems of single messages', () => {
  it('do not hide problems between others', () => {
    const problems = validate([{ role: 'user', content: 5 }, calls('a'), { ...user, name: 7 }]);
    expect(problems.map(({ param }) => param)).toEqual([
      'messages[0].content',
      'messages[2].name',
      'messages[1].tool_calls',
    ]);
  });

  it('in calls or results do not make their neighbours look unmatched', () => {
    const broken = { role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f', arguments: '[' } }] };
    expect(validate([broken, tool('a')]).map(({ param }) => param)).toEqual([
      'messages[0].tool_calls[0].function.arguments',
    ]);
  });
});
