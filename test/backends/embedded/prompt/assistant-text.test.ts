import { describe, expect, it } from 'vitest';
import { readAssistantText } from '../../../../src/backends/embedded/prompt/assistant-text.ts';
import type { AssistantMessage, ContentPart } from '../../../../src/wire/openai/request.ts';

const textOf = (part: ContentPart): string => ('text' in part ? part.text : '');
const flag = { google: { thought: true } };

describe('readAssistantText', () => {
  it.each<[string, Partial<AssistantMessage>, Record<string, unknown>, [content: string, reasoning: string]]>(
    [
      ['plain text', { content: 'Hi' }, {}, ['Hi', '']],
      ['tags nobody named', { content: '<think>a</think>b' }, {}, ['<think>a</think>b', '']],
      ['tags of the request', { content: '<think>a</think>b' }, { thought_tag_marker: 'think' }, ['b', 'a']],
      ['a flagged message', { content: 'a', extra_content: flag }, {}, ['', 'a']],
      [
        'a flagged part',
        {
          content: [
            { type: 'text', text: 'a', extra_content: flag },
            { type: 'text', text: 'b' },
          ],
        },
        {},
        ['b', 'a'],
      ],
      ['reasoning told apart', { content: 'b', reasoning_content: 'a' }, {}, ['b', 'a']],
      ['a refusal', { content: null, refusal: 'No.' }, {}, ['No.', '']],
      ['calls only', { content: null, tool_calls: [] }, {}, ['', '']],
    ],
  )('%s', (_, fields, google, [content, reasoning]) => {
    expect(readAssistantText({ role: 'assistant', ...fields }, google, textOf)).toEqual({
      content,
      reasoning,
    });
  });
});
