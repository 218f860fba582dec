import { describe, expect, it } from 'vitest';
import { describeTools } from '../../../../src/backends/embedded/tools/tool-prompt.ts';
import type { ToolSet } from '../../../../src/backends/embedded/tools/tool-set.ts';
import type { TemplateConversation } from '../../../../src/backends/embedded/prompt/template-messages.ts';

const TOOLS: ToolSet = {
  use: 'auto',
  parallel: false,
  tools: [
    { name: 'clock', description: 'EVIL', parameters: { type: 'object' }, strict: false, path: 'tools[0]' },
    { name: 'weather', description: '', parameters: { type: 'object' }, strict: false, path: 'tools[1]' },
  ],
};

const CONVERSATION: TemplateConversation = {
  system: 'Be kind.',
  prefill: 'Well,',
  messages: [
    { role: 'user', content: 'Hi' },
    {
      role: 'assistant',
      content: 'Let me look.',
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'clock', arguments: { zone: 'UTC' } } },
        { id: 'b', type: 'function', function: { name: 'weather', arguments: {} } },
      ],
    },
    { role: 'tool', content: 'noon', name: 'clock', tool_call_id: 'a' },
  ],
};

const protect = (text: string): string => text.replaceAll('EVIL', 'SAFE');

describe('describeTools', () => {
  it('describes every tool in the system text, after what the client said', () => {
    const { system } = describeTools(CONVERSATION, TOOLS, protect);
    expect(system).toMatch(/^Be kind\.\n\n/);
    expect(system).toContain('"name":"clock"');
    expect(system).toContain('"name":"weather"');
    expect(system).toContain('<tool_call>\n{"name": ');
    expect(system).toContain('SAFE');
    expect(system).not.toContain('EVIL');
  });

  it('is the whole system text where the client gave none', () => {
    const { system } = describeTools({ ...CONVERSATION, system: '' }, TOOLS, protect);
    expect(system).toMatch(/^You can call these functions/);
  });

  it('writes earlier calls and results out, with tools or without', () => {
    const spelled = [
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content:
          'Let me look.\n<tool_call>\n{"name":"clock","arguments":{"zone":"UTC"}}\n</tool_call>\n<tool_call>\n{"name":"weather","arguments":{}}\n</tool_call>',
      },
      { role: 'user', content: '<tool_response>\nnoon\n</tool_response>' },
    ];
    expect(describeTools(CONVERSATION, TOOLS, protect).messages).toEqual(spelled);
    expect(describeTools(CONVERSATION, undefined, protect)).toEqual({
      system: 'Be kind.',
      prefill: 'Well,',
      messages: spelled,
    });
  });
});
