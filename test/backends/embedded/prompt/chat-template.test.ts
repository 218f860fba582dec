import { describe, expect, it } from 'vitest';
import { ChatTemplate, type RenderRequest } from '../../../../src/backends/embedded/prompt/chat-template.ts';
import type { TemplateMessage } from '../../../../src/backends/embedded/prompt/template-messages.ts';

/** Templates in the manner of model families, each with the habit that makes it special. */
const CHATML = `{%- for m in messages -%}
<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}`;

const LLAMA_3 = `{{- bos_token }}
{%- for message in messages %}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}`;

const GEMMA = `{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}
{%- for message in messages -%}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}{{ raise_exception('roles must alternate') }}{%- endif -%}
{%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
{{ '<start_of_turn>' + role + '\\n' + message['content'] + '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}`;

const MISTRAL = `{%- if messages[0].role == 'system' -%}{%- set rules = messages[0].content -%}{%- set turns = messages[1:] -%}
{%- else -%}{%- set turns = messages -%}{%- endif -%}
{{- bos_token -}}
{%- for m in turns -%}
{%- if (m.role == 'user') != (loop.index0 % 2 == 0) -%}{{- raise_exception('user and assistant must take turns') -}}{%- endif -%}
{%- if m.role == 'user' -%}[INST] {% if loop.last and rules is defined %}{{ rules + '\\n\\n' }}{% endif %}{{ m.content }} [/INST]
{%- else -%}{{ ' ' + m.content + eos_token }}{%- endif -%}
{%- endfor -%}`;

/** Of models that see: messages are lists of parts, and a text of its own is none. */
const SMOL_VLM = `<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}
{%- if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}
{%- for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}
{%- elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>
{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}`;

const QWEN_3 = `{%- if tools -%}
<|im_start|>system
{% if messages[0].role == 'system' %}{{ messages[0].content + '\\n\\n' }}{% endif %}# Tools
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
Put calls into <tool_call></tool_call>.<|im_end|>
{% elif messages[0].role == 'system' -%}
<|im_start|>system
{{ messages[0].content }}<|im_end|>
{% endif -%}
{%- for m in messages -%}
{%- if m.role == 'user' -%}
<|im_start|>user
{{ m.content }}<|im_end|>
{% elif m.role == 'assistant' -%}
<|im_start|>assistant
{% if m.reasoning_content and loop.last %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}
{%- for call in m.tool_calls or [] %}
<tool_call>
{{ {'name': call.function.name, 'arguments': call.function.arguments} | tojson }}
</tool_call>
{%- endfor -%}
<|im_end|>
{% elif m.role == 'tool' -%}
<|im_start|>user
<tool_response>{{ m.content }}</tool_response><|im_end|>
{% endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% if enable_thinking is defined and enable_thinking is false %}<think>

</think>

{% endif -%}
{%- endif -%}`;

/** Opens the reasoning itself, whatever it is told. */
const R1 = `{%- for m in messages -%}<|{{ m.role }}|>{{ m.content }}{%- endfor -%}{{ '<|assistant|><think>\\n' }}`;

const XML_CALLS = `{% for t in tools %}{{ t }}{% endfor %}<tool_call><function=x></function></tool_call>`;

const FACTS = { bosToken: '<s>', eosToken: '</s>' };

function render(
  source: string | undefined,
  request: Partial<RenderRequest['conversation']> & Partial<Pick<RenderRequest, 'tools' | 'enableThinking'>>,
) {
  const { system = '', messages = [], prefill = '', tools, enableThinking = true } = request;
  return new ChatTemplate({ source, ...FACTS }).render({
    conversation: { system, messages, prefill },
    enableThinking,
    ...(tools === undefined ? {} : { tools }),
  });
}

const USER: TemplateMessage = { role: 'user', content: 'Hi' };
const REPLY: TemplateMessage = { role: 'assistant', content: 'Yes?' };
const MORE: TemplateMessage = { role: 'user', content: 'Why?' };

describe('ChatTemplate', () => {
  it.each<[name: string, source: string | undefined, prompt: string]>([
    [
      'ChatML',
      CHATML,
      '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n',
    ],
    [
      'the fallback',
      undefined,
      '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n',
    ],
    [
      'Llama 3',
      LLAMA_3,
      '<s><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nYes?<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
    ],
    [
      'Gemma, which has no system role',
      GEMMA,
      '<s><start_of_turn>user\nBe kind.\n\nHi<end_of_turn>\n<start_of_turn>model\nYes?<end_of_turn>\n<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n',
    ],
    [
      'SmolVLM, which reads parts',
      SMOL_VLM,
      '<|im_start|>System: Be kind.<end_of_utterance>\nUser: Hi<end_of_utterance>\nAssistant: Yes?<end_of_utterance>\nUser: Why?<end_of_utterance>\nAssistant:',
    ],
    [
      'Mistral, which puts the rules last',
      MISTRAL,
      '<s>[INST] Hi [/INST] Yes?</s>[INST] Be kind.\n\nWhy? [/INST]',
    ],
    [
      'Qwen 3',
      QWEN_3,
      '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n',
    ],
  ])('writes a conversation as %s does', (_, source, prompt) => {
    expect(render(source, { system: 'Be kind.', messages: [USER, REPLY, MORE] })).toEqual({
      text: prompt,
      opensThought: false,
    });
  });

  it.each([
    ['Gemma', GEMMA],
    ['Mistral', MISTRAL],
  ])('joins neighbours for %s, which insists on turns', (_, source) => {
    const { text } = render(source, {
      messages: [USER, MORE, REPLY, { role: 'assistant', content: 'No.' }, USER],
    });
    expect(text).toContain('Hi\n\nWhy?');
    expect(text).toContain('Yes?\n\nNo.');
  });

  it('keeps neighbours apart where the template does not mind', () => {
    expect(render(CHATML, { messages: [USER, MORE] }).text).toContain('Hi<|im_end|>\n<|im_start|>user\nWhy?');
  });

  it('lets a conversation begin with the assistant where the template insists on the user', () => {
    const { text } = render(GEMMA, { messages: [REPLY, MORE] });
    expect(text).toBe(
      '<s><start_of_turn>user\n<end_of_turn>\n<start_of_turn>model\nYes?<end_of_turn>\n<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n',
    );
  });

  it('answers 400 with the words of a template that accepts none of the forms', () => {
    expect(() => render(`{{ raise_exception('only on Sundays') }}`, { messages: [USER] })).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        status: 400,
        param: 'messages',
        message: expect.stringContaining('only on Sundays'),
      }),
    );
  });

  it.each(['{% for %}', '{{ "open', '{% if x %}'])('throws at once for %s, which is no Jinja', (source) => {
    expect(() => new ChatTemplate({ source, ...FACTS })).toThrow(Error);
  });

  it('continues a prefilled answer', () => {
    expect(render(CHATML, { messages: [USER], prefill: 'Well,' }).text).toMatch(
      /<\|im_start\|>assistant\nWell,$/,
    );
  });

  describe('tools', () => {
    it.each<[name: string, source: string | undefined, native: boolean]>([
      ['ChatML', CHATML, false],
      ['the fallback', undefined, false],
      ['Qwen 3', QWEN_3, true],
      ['a template that wraps XML', XML_CALLS, false],
    ])('%s', (_, source, native) => {
      expect(new ChatTemplate({ source, ...FACTS }).writesToolCallTags).toBe(native);
    });

    it('are put in by a template that knows them, with calls and results', () => {
      const { text } = render(QWEN_3, {
        tools: [{ type: 'function', function: { name: 'clock' } }],
        messages: [
          USER,
          {
            role: 'assistant',
            content: '',
            tool_calls: [
              { id: 'a', type: 'function', function: { name: 'clock', arguments: { zone: 'UTC' } } },
            ],
          },
          { role: 'tool', content: 'noon', name: 'clock', tool_call_id: 'a' },
        ],
      });
      expect(text).toContain('{"type": "function", "function": {"name": "clock"}}');
      expect(text).toContain('<tool_call>\n{"name": "clock", "arguments": {"zone": "UTC"}}\n</tool_call>');
      expect(text).toContain('<tool_response>noon</tool_response>');
    });
  });

  describe('reasoning', () => {
    it.each<[name: string, source: string | undefined, tags: string | undefined]>([
      ['ChatML', CHATML, undefined],
      ['Qwen 3', QWEN_3, '<think>'],
      ['one that opens it itself', R1, '<think>'],
      ['one with brackets', `{{ '[THINK]' }}`, '[THINK]'],
    ])('%s', (_, source, tag) => {
      expect(new ChatTemplate({ source, ...FACTS }).thoughtTags?.startTag).toBe(tag);
    });

    it.each<
      [name: string, source: string, request: Parameters<typeof render>[1], ending: string, opens: boolean]
    >([
      ['is left to the model', QWEN_3, {}, '<|im_start|>assistant\n', false],
      [
        'is switched off by a template that can',
        QWEN_3,
        { enableThinking: false },
        '<think>\n\n</think>\n\n',
        false,
      ],
      ['is opened by the prompt', R1, {}, '<think>\n', true],
      ['is closed where it is not wanted', R1, { enableThinking: false }, '<think>\n\n</think>\n\n', false],
      [
        'is closed in front of a prefilled answer',
        R1,
        { prefill: 'Well,' },
        '<think>\n\n</think>\n\nWell,',
        false,
      ],
    ])('%s', (_, source, request, ending, opens) => {
      const { text, opensThought } = render(source, { messages: [USER], ...request });
      expect(text.endsWith(ending)).toBe(true);
      expect(opensThought).toBe(opens);
    });
  });
});
