import { describe, expect, it } from 'vitest';
import { refusal, translate } from './translate.ts';

const SAFETY = [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }];
const TOOLS = [{ type: 'function', function: { name: 'f' } }];

describe('fields of the native root', () => {
  it.each<[fields: object, root: object]>([
    [{ google: { safety_settings: SAFETY } }, { safetySettings: SAFETY }],
    [
      {
        google: {
          safetySettings: [{ category: 'harm_category_harassment', threshold: 'off', method: 'severity' }],
        },
      },
      { safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'OFF', method: 'SEVERITY' }] },
    ],
    [{ google: { safety_settings: [] } }, {}],
    [{ google: { cached_content: 'cachedContents/a' } }, { cachedContent: 'cachedContents/a' }],
    [{ extra_body: { google: { labels: { team: 'search' } } } }, { labels: { team: 'search' } }],
    [
      { google: { model_armor_config: { prompt_template_name: 'p' } } },
      { modelArmorConfig: { promptTemplateName: 'p' } },
    ],
    [{ google: { system_instruction: 'S' } }, { systemInstruction: { parts: [{ text: 'S' }] } }],
    [
      { google: { system_instruction: { role: 'system', parts: [{ text: 'S' }, { text: '' }] } } },
      { systemInstruction: { parts: [{ text: 'S' }] } },
    ],
    [
      { google: { safety_settings: SAFETY }, extra_body: { google: { safety_settings: null } } },
      { safetySettings: SAFETY },
    ],
  ])('%j', (fields, root) => {
    const { body, ignored } = translate(fields);
    const { contents: _, ...others } = body;
    expect(others).toEqual(root);
    expect(ignored).toEqual([]);
  });

  it('put the native system instruction before the system messages', () => {
    const fields = {
      messages: [
        { role: 'system', content: 'B' },
        { role: 'user', content: 'x' },
      ],
      google: { system_instruction: 'A' },
    };
    expect(translate(fields).body.systemInstruction?.parts).toEqual([{ text: 'A' }, { text: 'B' }]);
  });

  it.each<[fields: object, upstream: 'vertex' | 'gemini', param: string, code: string]>([
    [
      { google: { safety_settings: [{ ...SAFETY[0], method: 'SEVERITY' }] } },
      'gemini',
      'google.safety_settings[0].method',
      'unsupported_parameter',
    ],
    [
      { google: { safety_settings: [{ category: 'HARM_CATEGORY_JAILBREAK', threshold: 'OFF' }] } },
      'gemini',
      'google.safety_settings[0].category',
      'unsupported_parameter',
    ],
    [
      { google: { safety_settings: [{ category: 'X', threshold: 'OFF' }] } },
      'vertex',
      'google.safety_settings[0].category',
      'invalid_argument',
    ],
    [
      { google: { safety_settings: SAFETY, model_armor_config: {} } },
      'vertex',
      'google.model_armor_config',
      'invalid_argument',
    ],
    [{ google: { model_armor_config: {} } }, 'gemini', 'google.model_armor_config', 'unsupported_parameter'],
    [
      { google: { model_safety_settings: { enabled: true } } },
      'vertex',
      'google.model_safety_settings',
      'unsupported_parameter',
    ],
    [{ google: { saftey_settings: [] } }, 'vertex', 'google.saftey_settings', 'unsupported_parameter'],
    [{ extra_body: { google: { foo: 1 } } }, 'vertex', 'extra_body.google.foo', 'unsupported_parameter'],
    [
      { extra_body: { extra_body: { google: { foo: 1 } } } },
      'vertex',
      'extra_body.extra_body.google.foo',
      'unsupported_parameter',
    ],
    [
      { google: { system_instruction: { parts: [{ inline_data: {} }] } } },
      'vertex',
      'google.system_instruction.parts[0].inline_data',
      'unsupported_parameter',
    ],
    [
      {
        google: { cached_content: 'c' },
        messages: [
          { role: 'system', content: 'S' },
          { role: 'user', content: 'x' },
        ],
      },
      'vertex',
      'google.cached_content',
      'invalid_argument',
    ],
    [
      { google: { cached_content: 'c' }, tools: TOOLS },
      'vertex',
      'google.cached_content',
      'invalid_argument',
    ],
    [
      { google: { cached_content: 'c', tool_config: { function_calling_config: { mode: 'NONE' } } } },
      'vertex',
      'google.cached_content',
      'invalid_argument',
    ],
  ])('refuses %j on %s', (fields, upstream, param, code) => {
    expect(refusal(fields, { upstream })).toMatchObject({ param, code });
  });

  it('drops a refused setting as a whole where the configuration says so', () => {
    const settings = [{ category: 'HARM_CATEGORY_JAILBREAK', threshold: 'OFF' }, ...SAFETY];
    const target = { upstream: 'gemini', unsupported: 'ignore' } as const;
    const { body, ignored } = translate({ google: { safety_settings: settings } }, target);
    expect(body.safetySettings).toEqual(SAFETY);
    expect(ignored).toEqual(['google.safety_settings[0].category']);
  });

  it('names labels on the Developer API, which has none', () => {
    const { body, ignored } = translate({ google: { labels: { a: 'b' } } }, { upstream: 'gemini' });
    expect([Object.keys(body), ignored]).toEqual([['contents'], ['google.labels']]);
  });

  it('names other keys of extra_body', () => {
    expect(translate({ extra_body: { top_k: 1, foo: 2 } }).ignored).toEqual([
      'extra_body.top_k',
      'extra_body.foo',
    ]);
  });
});

describe('service_tier', () => {
  it.each<[fields: object, tier: string | undefined]>([
    [{ service_tier: 'auto' }, undefined],
    [{ service_tier: 'default' }, undefined],
    [{ service_tier: 'standard' }, undefined],
    [{ service_tier: 'flex' }, 'flex'],
    [{ service_tier: 'priority' }, 'priority'],
    [{ service_tier: 'fast' }, 'priority'],
    [{ google: { service_tier: 'FLEX' } }, 'flex'],
    [{ service_tier: 'priority', google: { service_tier: 'flex' } }, 'priority'],
  ])('%j', (fields, tier) => {
    const ofGemini = translate(fields, { upstream: 'gemini' });
    expect([ofGemini.body.serviceTier, ofGemini.ignored]).toEqual([tier, []]);
    const ofVertex = translate(fields);
    expect(ofVertex.body).not.toHaveProperty('serviceTier');
    expect(ofVertex.ignored).toEqual([]);
    expect(ofVertex.headers).toEqual(
      tier === undefined ? {} : { 'x-vertex-ai-llm-shared-request-type': tier },
    );
    expect(ofGemini.headers).toEqual({});
  });

  it.each([
    [{ service_tier: 'scale' }, 'service_tier'],
    [{ google: { service_tier: 5 } }, 'google.service_tier'],
  ])('refuses %j', (fields, param) => {
    expect(refusal(fields)).toMatchObject({ param, code: 'unsupported_parameter' });
  });
});
