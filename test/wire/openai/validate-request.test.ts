import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorFromProblems } from '../../../src/errors.ts';
import { parseChatRequest, validateChatRequest } from '../../../src/wire/openai/validate-request.ts';
import { MAX_PROBLEMS } from '../../../src/wire/validation/problem-collector.ts';

const messages = [{ role: 'user', content: 'Why is the sky blue?' }];
const tools = [{ type: 'function', function: { name: 'f' } }];
const long = 'x'.repeat(65);

function validate(fields: Record<string, unknown>, modelRequired = true) {
  return validateChatRequest({ model: 'm', messages, ...fields }, { modelRequired });
}

describe('validateChatRequest accepts', () => {
  it.each<[string, unknown[]]>([
    [
      'model',
      ['google/gemini-2.5-flash', 'gpt-oss:120b', 'publishers/google/models/x', 'a@001', 'x'.repeat(256)],
    ],
    ['max_completion_tokens', [1, 2 ** 53 - 1, null]],
    ['max_tokens', [1, 300, null]],
    ['temperature', [0, 0.7, 2, null]],
    ['top_p', [0, 1, null]],
    ['top_k', [1, 40, null]],
    ['n', [1, 8, null]],
    ['stop', ['END', ['a', 'b', 'c', 'd', 'e'], [], '\0', null]],
    ['seed', [0, -1, 2 ** 40, 2 ** 63, -(2 ** 63), null]],
    ['presence_penalty', [-2, 0, 2, null]],
    ['frequency_penalty', [-2, 0, 2, null]],
    ['logit_bias', [{}, { '50256': -100 }, null]],
    ['logprobs', [true, false, null]],
    ['top_logprobs', [0, null]],
    ['stream', [true, false, null]],
    [
      'stream_options',
      [{}, { include_usage: true, include_obfuscation: false }, { include_usage: null }, null],
    ],
    ['response_format', ['text', 'application/json', { type: 'text/x.enum' }, { type: 'json_object' }, null]],
    [
      'response_format',
      [
        { type: 'json_schema', json_schema: { name: 'odd name!', schema: { type: 'array' }, strict: true } },
        { type: 'json_schema', json_schema: { schema: true } },
        { type: 'json_schema', json_schema: {} },
        { type: 'json_schema', json_schema: { schema: null, description: 'd' } },
      ],
    ],
    ['reasoning_effort', ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', null]],
    ['reasoning', [{ effort: 'low' }, {}, { effort: null, exclude: true }, null]],
    ['thinking', [{ type: 'enabled', budget_tokens: 1024 }, { type: 'disabled' }, null]],
    ['modalities', [['text'], ['text', 'audio', 'image'], [], null]],
    [
      'web_search_options',
      [{}, { search_context_size: 'low', user_location: { type: 'approximate' } }, null],
    ],
    ['service_tier', ['auto', 'default', 'standard', 'flex', 'scale', 'priority', 'fast', null]],
    ['prediction', [{ type: 'content', content: 'x' }, null]],
    ['verbosity', ['low', 'medium', 'high', null]],
    [
      'metadata',
      [{}, Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, 'v'.repeat(512)])), null],
    ],
    ['store', [true, null]],
    ['user', ['x'.repeat(64), '', null]],
    ['safety_identifier', ['id', null]],
    ['prompt_cache_key', ['k', null]],
    ['prompt_cache_retention', ['24h', null]],
    ['prompt_cache_options', [{}, null]],
    ['moderation', [{ model: 'm' }, null]],
    ['parallel_tool_calls', [true, false, null]],
    ['chat_template_kwargs', [{ enable_thinking: false }, 5, 'x', null]],
  ])('%s', (field, values) => {
    const refused = values.filter((value) => validate({ [field]: value }).length > 0);
    expect(refused).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    [
      'audio beside the audio modality',
      { modalities: ['text', 'audio'], audio: { voice: 'Kore', format: 'wav' } },
    ],
    ['a voice object', { modalities: ['audio'], audio: { voice: { id: 'v' } } }],
    ['top_logprobs beside logprobs', { logprobs: true, top_logprobs: 20 }],
    ['both token limits', { max_tokens: 5, max_completion_tokens: 6 }],
    ['stream_options without stream', { stream: false, stream_options: { include_usage: true } }],
    ['effort said twice alike', { reasoning_effort: 'low', reasoning: { effort: 'low' } }],
    ['no effort and thinking disabled', { reasoning_effort: 'none', thinking: { type: 'disabled' } }],
    ['effort and thinking without a budget', { reasoning_effort: 'low', thinking: { type: 'enabled' } }],
    [
      'effort and visible thoughts',
      { reasoning_effort: 'low', google: { thinking_config: { include_thoughts: true } } },
    ],
  ])('%s', (_, fields) => {
    expect(validate(fields)).toEqual([]);
  });
});

describe('validateChatRequest refuses', () => {
  it.each<[string, unknown, string, string]>([
    ['model', 5, 'model', 'must be a string, not the number 5'],
    ['model', 'x'.repeat(257), 'model', 'at most 256'],
    ['model', 'a b', 'model', 'letters, digits'],
    ['model', 'a?key=1', 'model', 'letters, digits'],
    ['model', 'a%2e%2e', 'model', 'letters, digits'],
    ['model', 'a#b', 'model', 'letters, digits'],
    ['model', 'a\\b', 'model', 'letters, digits'],
    ['model', 'a\0', 'model', 'letters, digits'],
    ['model', 'a\n', 'model', 'letters, digits'],
    ['model', '../secret', 'model', 'segment'],
    ['model', 'a/../b', 'model', 'segment'],
    ['model', 'a/./b', 'model', 'segment'],
    ['model', 'a//b', 'model', 'segment'],
    ['model', '/a', 'model', 'segment'],
    ['model', 'a/', 'model', 'segment'],
    ['model', '..', 'model', 'segment'],
    ['messages', {}, 'messages', 'must be an array of messages, not an object'],
    ['messages', [], 'messages', 'must have 1 to 100000 messages, not 0'],
    ['max_completion_tokens', 0, 'max_completion_tokens', 'at least 1'],
    ['max_completion_tokens', 1.5, 'max_completion_tokens', 'whole number'],
    ['max_tokens', '300', 'max_tokens', 'not the string "300"'],
    ['max_tokens', 2 ** 53, 'max_tokens', 'whole number'],
    ['temperature', 2.1, 'temperature', 'must be a number from 0 to 2, not the number 2.1'],
    ['temperature', '0.5', 'temperature', 'not the string "0.5"'],
    ['temperature', JSON.parse('1e999') as unknown, 'temperature', 'not the number Infinity'],
    ['top_p', -0.1, 'top_p', 'from 0 to 1'],
    ['top_k', 0, 'top_k', 'at least 1'],
    ['n', 9, 'n', 'from 1 to 8'],
    ['n', 0, 'n', 'from 1 to 8'],
    ['stop', '', 'stop', 'non-empty'],
    ['stop', ['a', ''], 'stop[1]', 'non-empty'],
    ['stop', ['a', 'b', 'c', 'd', 'e', 'f'], 'stop', 'at most 5 items, not 6'],
    ['stop', 5, 'stop', 'must be an array, not the number 5'],
    ['seed', 1.5, 'seed', 'whole number'],
    ['seed', 2 ** 64, 'seed', '64 bits'],
    ['presence_penalty', 2.5, 'presence_penalty', 'from -2 to 2'],
    ['frequency_penalty', -2.5, 'frequency_penalty', 'from -2 to 2'],
    ['logit_bias', { '5': 101 }, 'logit_bias["5"]', 'from -100 to 100'],
    ['logit_bias', { ok: null }, 'logit_bias.ok', 'not null'],
    ['logit_bias', [], 'logit_bias', 'must be an object'],
    ['logprobs', 'true', 'logprobs', 'true or false'],
    ['top_logprobs', -1, 'top_logprobs', 'from 0 to 20'],
    ['top_logprobs', 5, 'top_logprobs', 'needs logprobs'],
    ['stream', 1, 'stream', 'true or false'],
    ['stream_options', { include_usage: 'yes' }, 'stream_options.include_usage', 'true or false'],
    ['stream_options', true, 'stream_options', 'must be an object'],
    ['response_format', '', 'response_format', 'non-empty'],
    ['response_format', {}, 'response_format.type', 'is required'],
    ['response_format', { type: 'json_schema' }, 'response_format.json_schema', 'is required'],
    ['response_format', 'json_schema', 'response_format.json_schema', 'is required'],
    [
      'response_format',
      { type: 'json_schema', json_schema: [] },
      'response_format.json_schema',
      'must be an object',
    ],
    [
      'response_format',
      { type: 'json_schema', json_schema: { schema: 'x' } },
      'response_format.json_schema.schema',
      'must be an object',
    ],
    [
      'response_format',
      { type: 'json_schema', json_schema: { strict: 1 } },
      'response_format.json_schema.strict',
      'true or false',
    ],
    ['reasoning_effort', 'extreme', 'reasoning_effort', 'one of "none", "minimal", "low"'],
    ['reasoning_effort', 3, 'reasoning_effort', 'not the number 3'],
    ['reasoning', { effort: 'x' }, 'reasoning.effort', 'one of'],
    ['reasoning', 'low', 'reasoning', 'must be an object'],
    ['thinking', {}, 'thinking.type', 'is required'],
    ['thinking', { type: 'on' }, 'thinking.type', '"enabled", "disabled"'],
    ['thinking', { type: 'enabled', budget_tokens: -1 }, 'thinking.budget_tokens', 'at least 0'],
    ['modalities', ['text', 'video'], 'modalities[1]', '"text", "audio", "image"'],
    ['modalities', 'audio', 'modalities', 'must be an array'],
    ['audio', { voice: 'Kore' }, 'audio', 'needs "audio" in modalities'],
    [
      'web_search_options',
      { search_context_size: 1 },
      'web_search_options.search_context_size',
      'must be a string',
    ],
    ['service_tier', 'gold', 'service_tier', 'one of'],
    ['prediction', { type: 'other' }, 'prediction.type', 'must be "content"'],
    ['verbosity', 'loud', 'verbosity', 'one of'],
    ['metadata', { [long]: 'v' }, `metadata["${'x'.repeat(64)}…"]`, 'key of at most 64 characters, not 65'],
    ['metadata', { 'odd key': 5 }, 'metadata["odd key"]', 'must be a string'],
    ['metadata', { k: 'v'.repeat(513) }, 'metadata.k', 'at most 512 characters, not one of 513'],
    [
      'metadata',
      Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, ''])),
      'metadata',
      'at most 16 entries',
    ],
    ['store', 'no', 'store', 'true or false'],
    ['user', 'x'.repeat(65), 'user', 'at most 64 characters, not one of 65'],
    ['safety_identifier', 7, 'safety_identifier', 'must be a string'],
    ['prompt_cache_key', 7, 'prompt_cache_key', 'must be a string'],
    ['moderation', true, 'moderation', 'must be an object'],
    ['parallel_tool_calls', 'no', 'parallel_tool_calls', 'true or false'],
    ['extra_body', [], 'extra_body', 'must be an object'],
    ['google', 'x', 'google', 'must be an object'],
    ['unknown_field', { a: ['\ud800'] }, 'unknown_field.a[0]', 'surrogate'],
  ])('%s %j', (field, value, param, message) => {
    const problems = validate({ [field]: value });
    expect(problems.map((problem) => problem.param)).toEqual([param]);
    expect(problems[0]?.message).toContain(message);
    expect(['invalid_argument', 'missing_required_parameter']).toContain(problems[0]?.code);
  });

  it.each<[string, Record<string, unknown>, string, string[]]>([
    [
      'two efforts',
      { reasoning_effort: 'low', reasoning: { effort: 'high' } },
      'reasoning_effort',
      ['reasoning.effort'],
    ],
    [
      'effort and budget',
      { reasoning_effort: 'low', extra_body: { google: { thinking_config: { thinking_budget: 5 } } } },
      'reasoning_effort',
      ['reasoning_effort', 'extra_body.google.thinking_config.thinking_budget', 'found both'],
    ],
    [
      'effort and level, in camelCase',
      { reasoning_effort: 'low', google: { thinkingConfig: { thinkingLevel: 'LOW' } } },
      'reasoning_effort',
      ['google.thinkingConfig.thinking_level', 'found both'],
    ],
    [
      'level and budget',
      { google: { thinking_config: { thinking_level: 'low', thinking_budget: 5 } } },
      'google.thinking_config',
      ['thinking_budget', 'thinking_level', 'found both'],
    ],
    [
      'level and budget in two places',
      {
        google: { thinking_config: { thinking_level: 'low' } },
        extra_body: { google: { thinkingConfig: { thinkingBudget: 5 } } },
      },
      'extra_body.google.thinkingConfig',
      ['found both'],
    ],
    [
      'effort and a budget in tokens',
      { reasoning_effort: 'low', thinking: { type: 'enabled', budget_tokens: 5 } },
      'reasoning_effort',
      ['thinking.budget_tokens'],
    ],
    [
      'effort and thinking disabled',
      { reasoning: { effort: 'low' }, thinking: { type: 'disabled' } },
      'reasoning.effort',
      ['thinking.type'],
    ],
  ])('%s', (_, fields, param, words) => {
    const problems = validate(fields);
    expect(problems.map((problem) => problem.param)).toEqual([param]);
    for (const word of words) expect(problems[0]?.message).toContain(word);
  });
});

describe('model and messages are required', () => {
  it.each([
    [{ messages }, true, ['model']],
    [{ messages, model: null }, true, ['model']],
    [{ messages, model: '' }, true, ['model']],
    [{ messages }, false, []],
    [{ messages, model: '' }, false, []],
    [{ model: 'm' }, true, ['messages']],
    [{ messages: null }, true, ['model', 'messages']],
  ])('%j, model required: %s', (body, modelRequired, params) => {
    const problems = validateChatRequest(body, { modelRequired });
    expect(problems.map(({ param }) => param)).toEqual(params);
    for (const { code } of problems) expect(code).toBe('missing_required_parameter');
  });

  it.each([null, [], 'text', 5, true, undefined])(
    'a body that is %j has one problem without a path',
    (body) => {
      expect(validateChatRequest(body, { modelRequired: true })).toEqual([
        { param: null, message: expect.stringContaining('must be a JSON object'), code: 'invalid_argument' },
      ]);
    },
  );
});

describe('all problems at once', () => {
  it('lists every problem with its own path', () => {
    const problems = validateChatRequest(
      {
        temperature: 'hot',
        messages: [
          { role: 'wizard', content: 'x' },
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 7 } }, { type: 'hologram' }] },
          { role: 'user' },
        ],
        tools: [...tools, ...tools],
        tool_choice: { type: 'function', function: { name: 'g' } },
        top_logprobs: 3,
      },
      { modelRequired: true },
    );
    expect(problems.map(({ param }) => param)).toEqual([
      'model',
      'temperature',
      'messages[0].role',
      'messages[1].content[0].image_url.url',
      'messages[1].content[1].type',
      'messages[2].content',
      'top_logprobs',
      'tools[1].function.name',
      'tool_choice.function.name',
    ]);
    const error = errorFromProblems(problems);
    expect(error.code).toBe('missing_required_parameter');
    expect(error.message).toContain('temperature: must be a number from 0 to 2, not the string "hot"');
  });

  it('never shows a long value', () => {
    const secret = 'sk-0123456789012345678901234567890123456789';
    const fields = {
      temperature: secret,
      stop: 5,
      reasoning_effort: secret,
      tool_choice: secret,
      user: secret.repeat(2),
    };
    expect(JSON.stringify(validate(fields))).not.toContain('sk-0');
  });

  it('more messages than any API takes are one problem', () => {
    expect(validate({ messages: Array(100_001).fill(messages[0]) })).toEqual([
      { param: 'messages', message: 'must have 1 to 100000 messages, not 100001', code: 'invalid_argument' },
    ]);
  });

  it('stops at its limit', () => {
    const broken = Array.from({ length: 100_000 }, () => ({ role: 'user', content: 5 }));
    expect(validate({ messages: broken })).toHaveLength(MAX_PROBLEMS);
  });
});

describe('parseChatRequest', () => {
  it('gives the body itself when it is a request', () => {
    const body = { model: 'm', messages };
    expect(parseChatRequest(body, { modelRequired: true })).toEqual({ request: body });
    expect(parseChatRequest(body, { modelRequired: true }).request).toBe(body);
  });

  it('gives the problems when it is not', () => {
    expect(parseChatRequest({}, { modelRequired: false })).toEqual({
      problems: [{ param: 'messages', message: 'is required', code: 'missing_required_parameter' }],
    });
  });
});

function nestedField(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

describe('hostile bodies', () => {
  it('treats prototype names as unknown fields', () => {
    const body: unknown = JSON.parse(
      '{"model":"m","messages":[{"role":"user","content":"x","__proto__":{"role":"tool"}}],"__proto__":{"n":99},"constructor":{"prototype":{}}}',
    );
    expect(validateChatRequest(body, { modelRequired: true })).toEqual([]);
    expect(({} as Record<string, unknown>)['n']).toBeUndefined();
  });

  it.each([
    ['__proto__', '{"type":"__proto__"}', 'messages[0].content[0].type'],
    ['constructor', '{"type":"constructor"}', 'messages[0].content[0].type'],
  ])('knows no part type %s', (_, part, param) => {
    const body: unknown = { model: 'm', messages: [{ role: 'user', content: [JSON.parse(part)] }] };
    expect(validateChatRequest(body, { modelRequired: true }).map((problem) => problem.param)).toEqual([
      param,
    ]);
  });

  it('allows 128 levels in all and refuses more, however deep', () => {
    expect(validate({ x: nestedField(127) })).toEqual([]);
    expect(validate({ x: nestedField(128) })).toEqual([
      expect.objectContaining({ message: expect.stringContaining('at most 128 levels') }),
    ]);
    expect(validate({ x: nestedField(500_000) })).toHaveLength(1);
    expect(
      validate({
        tools: [{ type: 'function', function: { name: 'f', parameters: { x: nestedField(500) } } }],
      }),
    ).toHaveLength(1);
  });

  it('handles a conversation of very many tool results', () => {
    const count = 49_000;
    const calls = Array.from({ length: count }, (_, index) => ({
      id: `c${index}`,
      function: { name: 'f', arguments: '' },
    }));
    const results = calls.toReversed().map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'x' }));
    expect(validate({ messages: [{ role: 'assistant', tool_calls: calls }, ...results] })).toEqual([]);
    expect(validate({ messages: [{ role: 'assistant', content: 'x' }, ...results] })).toHaveLength(
      MAX_PROBLEMS,
    );
  });

  it('accepts very long texts and control characters in them', () => {
    expect(validate({ messages: [{ role: 'user', content: `\0\u0007${'é😀'.repeat(500_000)}` }] })).toEqual(
      [],
    );
  });
});

describe('any JSON value', () => {
  // Names the validator knows, so that generated bodies reach its inner checks.
  const knownName = fc.constantFrom(
    'model',
    'messages',
    'role',
    'content',
    'type',
    'text',
    'tool_calls',
    'tools',
    'function',
    'name',
    'id',
    'google',
    'arguments',
    'tool_choice',
    'extra_body',
    'extra_content',
    'image_url',
    'url',
    'thinking_config',
    '__proto__',
    'reasoning',
    'tool_call_id',
    'functions',
    'function_call',
    'response_format',
    'allowed_tools',
    'file',
    'custom',
    'n',
    'stop',
  );
  const knownText = fc.constantFrom(
    'user',
    'assistant',
    'tool',
    'system',
    'function',
    'text',
    'custom',
    'allowed_tools',
    '',
    '{}',
    '\ud800',
  );
  const { body } = fc.letrec((tie) => ({
    body: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      fc.jsonValue({ maxDepth: 1 }),
      knownText,
      tie('list'),
      tie('object'),
    ),
    list: fc.array(tie('body'), { maxLength: 4 }),
    object: fc.dictionary(knownName, tie('body'), { maxKeys: 6 }),
  }));

  it('is judged without a throw, the same way twice, and is not changed', () => {
    fc.assert(
      fc.property(body, fc.boolean(), (value, modelRequired) => {
        const before = JSON.stringify(value);
        const first = validateChatRequest(value, { modelRequired });
        expect(validateChatRequest(value, { modelRequired })).toEqual(first);
        expect(JSON.stringify(value)).toBe(before);
        expect(first.length).toBeLessThanOrEqual(MAX_PROBLEMS);
        for (const { message } of first) expect(message.length).toBeLessThan(700);
      }),
      { numRuns: 2000 },
    );
  });

  it('as one field of a good request gives problems at that field only', () => {
    fc.assert(
      fc.property(knownName, body, (field, value) => {
        fc.pre(field !== 'model' && field !== '__proto__');
        const problems = validate({ [field]: value });
        const elsewhere = problems.filter(({ param }) => param?.startsWith(field) !== true);
        expect(elsewhere).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});
