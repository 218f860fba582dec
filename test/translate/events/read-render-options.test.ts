import { describe, expect, it } from 'vitest';
import { type RenderContext, readRenderOptions } from '../../../src/translate/events/read-render-options.ts';
import type { ChatCompletionRequest } from '../../../src/wire/openai/request.ts';

const CONTEXT: RenderContext = {
  family: 'plain',
  usageMode: 'openai',
  now: 1_779_051_164_999,
  model: 'm',
  id: 'chatcmpl-1',
  newCallId: () => 'call_1',
};

const render = (fields: Partial<ChatCompletionRequest>, context: Partial<RenderContext> = {}) =>
  readRenderOptions({ messages: [{ role: 'user', content: 'Hi' }], ...fields }, { ...CONTEXT, ...context });

describe('readRenderOptions', () => {
  it('takes over ids, and the time in seconds', () => {
    const options = render({});
    expect(options).toMatchObject({ created: 1_779_051_164, model: 'm', usageMode: 'openai' });
    expect(options.id).toBe('chatcmpl-1');
    expect(options.newCallId()).toBe('call_1');
  });

  it.each<[string, Partial<ChatCompletionRequest>, object]>([
    ['nothing', {}, { parallelToolCalls: true, deprecatedFunctions: false, jsonOutput: false }],
    ['nulls', { service_tier: null, functions: null, tools: null }, { deprecatedFunctions: false }],
    ['one call only', { parallel_tool_calls: false }, { parallelToolCalls: false }],
    ['functions', { functions: [{ name: 'f' }] }, { deprecatedFunctions: true }],
    ['a tier', { service_tier: 'flex' }, { serviceTier: 'flex' }],
    ['probabilities', { logprobs: true }, { topLogprobs: 0 }],
    ['more probabilities', { logprobs: true, top_logprobs: 3 }, { topLogprobs: 3 }],
    [
      'custom tools',
      {
        tools: [
          { type: 'custom', custom: { name: 'a' } },
          { type: 'function', function: { name: 'b' } },
          { type: 'google_search' },
        ],
      },
      { customTools: new Set(['a']) },
    ],
  ])('%s', (_name, fields, expected) => {
    expect(render(fields)).toMatchObject(expected);
  });

  it.each<[Partial<ChatCompletionRequest>, boolean]>([
    [{ response_format: { type: 'json_object' } }, true],
    [{ response_format: { type: 'json_schema', json_schema: {} } }, true],
    [{ response_format: 'application/json' }, true],
    [{ response_format: { type: 'text' } }, false],
    [{ response_format: null }, false],
    [{ extra_body: { google: { response_mime_type: 'application/json' } } }, true],
    [{ extra_body: { google: { response_json_schema: {} } } }, true],
    [{ response_format: { type: 'text' }, extra_body: { google: { response_json_schema: {} } } }, false],
  ])('%j asks for JSON: %s', (fields, jsonOutput) => {
    expect(render(fields).jsonOutput).toBe(jsonOutput);
  });

  it.each([
    ['vertex', undefined, 'on-finish'],
    ['vertex', false, 'on-finish'],
    ['vertex', true, 'own-chunk'],
    ['devapi', undefined, 'none'],
    ['devapi', true, 'own-chunk'],
    ['plain', null, 'none'],
    ['plain', true, 'own-chunk'],
  ] as const)('on %s routes include_usage %s means usage %s', (family, asked, streamUsage) => {
    const fields = asked === undefined ? {} : { stream_options: { include_usage: asked } };
    expect(render(fields, { family }).streamUsage).toBe(streamUsage);
  });

  it('lets the configuration choose where thoughts go', () => {
    expect(render({}, { thoughtsDelivery: 'both' }).thoughts.inReasoningContent).toBe(true);
    expect(render({}, { thoughtsDelivery: 'google' }).thoughts.inReasoningContent).toBe(false);
  });
});
