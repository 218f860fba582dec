import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../../../src/wire/openai/validate-request.ts';

const messages = [{ role: 'user', content: 'go on' }];

const places = [
  { path: 'google', wrap: (google: unknown) => ({ google }) },
  { path: 'extra_body.google', wrap: (google: unknown) => ({ extra_body: { google } }) },
  {
    path: 'extra_body.extra_body.google',
    wrap: (google: unknown) => ({ extra_body: { extra_body: { google } } }),
  },
];

function validate(fields: Record<string, unknown>) {
  return validateChatRequest({ messages, ...fields }, { modelRequired: false });
}

describe.each(places)('$path', ({ path, wrap }) => {
  it.each<[string, unknown]>([
    ['nothing', {}],
    ['null', null],
    ['unknown keys', { brand_new: [1], tool_config: {} }],
    ['every thinking key', { thinking_config: { include_thoughts: true, thinking_budget: -1 } }],
    ['a level in any case', { thinkingConfig: { thinkingLevel: 'Minimal' } }],
    ['a marker', { thought_tag_marker: 'vertex_think_tag' }],
    ['a marker in brackets', { thoughtTagMarker: '<think:a-1>' }],
    ['a long marker', { thought_tag_marker: 'x'.repeat(64) }],
    [
      'the documented keys',
      {
        safety_settings: [{ category: 'HARM', threshold: 'OFF' }],
        cached_content: 'c',
        tools: [{ google_search: {} }],
        labels: { a: 'b' },
        stream_function_call_arguments: true,
      },
    ],
  ])('takes %s', (_, google) => {
    expect(validate(wrap(google))).toEqual([]);
  });

  it.each<[unknown, string, string]>([
    [[], '', 'must be an object'],
    [{ thinking_config: 'high' }, '.thinking_config', 'must be an object'],
    [{ thinking_config: { thinking_budget: -2 } }, '.thinking_config.thinking_budget', 'at least -1'],
    [{ thinking_config: { thinking_budget: '5' } }, '.thinking_config.thinking_budget', 'whole number'],
    [{ thinkingConfig: { includeThoughts: 'yes' } }, '.thinkingConfig.includeThoughts', 'true or false'],
    [
      { thinking_config: { thinking_level: 'ultra' } },
      '.thinking_config.thinking_level',
      'minimal, low, medium, high',
    ],
    [{ thought_tag_marker: '' }, '.thought_tag_marker', 'tag name'],
    [{ thought_tag_marker: '1x' }, '.thought_tag_marker', 'tag name'],
    [{ thought_tag_marker: '<<x>>' }, '.thought_tag_marker', 'tag name'],
    [{ thought_tag_marker: 'a b' }, '.thought_tag_marker', 'tag name'],
    [{ thought_tag_marker: 'x\n' }, '.thought_tag_marker', 'tag name'],
    [{ thought_tag_marker: 'x'.repeat(65) }, '.thought_tag_marker', 'tag name'],
    [{ thoughtTagMarker: 5 }, '.thoughtTagMarker', 'tag name'],
    [{ safety_settings: {} }, '.safety_settings', 'must be an array'],
    [{ safetySettings: [{ category: 'HARM' }] }, '.safetySettings[0].threshold', 'is required'],
    [{ stream_function_call_arguments: 1 }, '.stream_function_call_arguments', 'true or false'],
    [{ tools: ['google_search'] }, '.tools[0]', 'must be an object'],
    [{ labels: { a: 1 } }, '.labels.a', 'must be a string'],
    [{ unknown: '\ud800' }, '.unknown', 'surrogate'],
  ])('refuses %j', (google, suffix, text) => {
    const problems = validate(wrap(google));
    expect(problems.map(({ param }) => param)).toEqual([`${path}${suffix}`]);
    expect(problems[0]?.message).toContain(text);
  });
});
