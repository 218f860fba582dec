/** Requests in which every field of the ledger occurs at least once, and what it takes to find fields in them. */
import { FOREIGN_CONTROLS } from '../../src/wire/openai/foreign-controls.ts';
import { type PathKey, formatJsonPath } from '../../src/wire/validation/format-json-path.ts';
import { USER } from './request/translate.ts';
import type { TestTarget } from './request/translate.ts';

export interface Example {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly target?: TestTarget;
}

const PNG = 'data:image/png;base64,AAAA';
const NEW = { model: 'gemini-3-pro-preview' };
const CITY = { type: 'object', properties: { city: { type: 'string' } } };
const TOOLS = [
  { type: 'function', function: { name: 'f' } },
  { type: 'function', function: { name: 'g' } },
];

const said = (message: object): object[] => [USER, { role: 'assistant', content: 'a', ...message }, USER];
const asked = (...content: object[]): object[] => [{ role: 'user', content }];
const google = (fields: object): Record<string, unknown> => ({ extra_body: { google: fields } });

/** A step with one call, and its result. */
function step(call: object, result: object = {}): object[] {
  return [
    USER,
    { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', ...call }] },
    { role: 'tool', tool_call_id: 'c', content: 'r', ...result },
  ];
}

const CALLED = { function: { name: 'f', arguments: '{"a":1}' } };

const REQUEST: readonly Example[] = [
  { fields: { model: 'm', messages: [USER] } },
  { fields: { max_completion_tokens: 5 } },
  { fields: { max_tokens: 5, temperature: 0.5, top_p: 0.5, top_k: 5, n: 2, stop: 'x', seed: 1 } },
  { fields: { presence_penalty: 1, frequency_penalty: 1 } },
  { fields: { logit_bias: { 5: 1 } } },
  { fields: { logprobs: true } },
  { fields: { logprobs: true, top_logprobs: 2 } },
  { fields: { stream: true, stream_options: { include_usage: true, include_obfuscation: false } } },
  { fields: { response_format: { type: 'json_object' } } },
  {
    fields: {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'n', description: 'd', schema: CITY, strict: true },
      },
    },
  },
  { fields: { reasoning_effort: 'low' } },
  { fields: { reasoning: { effort: 'low' } } },
  { fields: { thinking: { type: 'disabled' } } },
  { fields: { thinking: { type: 'enabled', budget_tokens: 2000 } } },
  {
    fields: {
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: CITY, strict: true } },
      ],
    },
  },
  { fields: { tools: [{ type: 'custom', custom: { name: 'c', description: 'd' } }] } },
  { fields: { tools: [{ type: 'custom', custom: { name: 'c', format: { type: 'grammar' } } }] } },
  { fields: { tools: TOOLS, tool_choice: { type: 'function', function: { name: 'f' } } } },
  { fields: { tools: TOOLS, tool_choice: { type: 'function', name: 'f' } } },
  {
    fields: {
      tools: [{ type: 'custom', custom: { name: 'c' } }],
      tool_choice: { type: 'custom', custom: { name: 'c' } },
    },
  },
  {
    fields: {
      tools: TOOLS,
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: TOOLS.slice(1) } },
    },
  },
  { fields: { tools: TOOLS, parallel_tool_calls: false } },
  {
    fields: {
      functions: [{ name: 'f', description: 'd', parameters: CITY, strict: true }],
      function_call: { name: 'f' },
    },
  },
  { fields: { functions: [{ name: 'f', strict: true }] } },
  { fields: { modalities: ['text', 'audio'], audio: { voice: 'Puck', format: 'mp3' } } },
  { fields: { modalities: ['text', 'audio'], audio: { voice: 'Puck' } } },
  { fields: { web_search_options: { search_context_size: 'low' } } },
  { fields: { web_search_options: { user_location: {} } } },
  { fields: { service_tier: 'flex' }, target: { upstream: 'gemini' } },
  { fields: { prediction: { type: 'content', content: 'a' }, metadata: { a: 'b' }, store: true, user: 'u' } },
  { fields: { verbosity: 'low' } },
  {
    fields: {
      safety_identifier: 's',
      prompt_cache_key: 'k',
      prompt_cache_retention: '24h',
      prompt_cache_options: {},
    },
  },
  { fields: { moderation: { model: 'm' } } },
  ...Array.from(FOREIGN_CONTROLS).map((field) => ({ fields: { [field]: 1 } })),
];

const MESSAGES: readonly Example[] = [
  { fields: { messages: [{ role: 'user', content: 'a', name: 'Ann' }] } },
  { fields: { messages: said({ refusal: 'No.' }) } },
  { fields: { messages: said({ audio: { id: 'a' } }) } },
  {
    fields: {
      messages: said({
        audio: {
          id: 'a',
          data: 'AAAA',
          expires_at: 1,
          transcript: 't',
          extra_content: { google: { mime_type: 'image/png' } },
        },
      }),
    },
  },
  { fields: { messages: said({ annotations: [{}] }) } },
  { fields: { messages: said({ images: [{}] }) } },
  { fields: { messages: said({ reasoning_content: 't' }) } },
  { fields: { messages: said({ reasoning: 't' }) } },
  { fields: { messages: said({ content: [{ type: 'refusal', refusal: 'No.' }] }) } },
  { fields: { messages: said({ thought_signature: 'QQ==' }) } },
  { fields: { messages: step(CALLED) }, target: { upstream: 'gemini' } },
  { fields: { messages: step({ ...CALLED, index: 0 }) } },
  { fields: { messages: step({ ...CALLED, thought_signature: 'QQ==' }) } },
  { fields: { messages: step({ function: { name: 'f', arguments: '{}', thought_signature: 'QQ==' } }) } },
  { fields: { messages: step({ type: 'custom', custom: { name: 'c', input: 'x' } }) } },
  {
    fields: {
      messages: [
        USER,
        { role: 'assistant', function_call: { name: 'f', arguments: '{"a":1}' } },
        { role: 'function', name: 'f', content: 'r' },
      ],
    },
  },
  {
    fields: {
      messages: asked(
        { type: 'text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } },
        { type: 'text', text: 'b' },
      ),
    },
  },
  { fields: { messages: asked({ type: 'image_url', image_url: { url: PNG, detail: 'low' } }) }, target: NEW },
  { fields: { messages: asked({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } }) } },
  { fields: { messages: asked({ type: 'file', file: { file_data: 'AAAA', filename: 'a.pdf' } }) } },
  { fields: { messages: asked({ type: 'file', file: { file_id: 'gs://b/o.pdf' } }) } },
  { fields: { messages: asked({ type: 'video_url', video_url: { url: 'gs://b/v' } }) } },
  { fields: { messages: asked({ type: 'audio_url', audio_url: { url: 'gs://b/a' } }) } },
];

const GOOGLE: readonly Example[] = [
  { fields: { google: { top_k: 5 } } },
  { fields: { extra_body: { generation_config: { seed: 1 } } } },
  ...[
    { safety_settings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'OFF' }] },
    { cached_content: 'c' },
    { thinking_config: { include_thoughts: true, thinking_budget: 5 } },
    { tools: [{ google_search: {} }] },
    { tool_config: { retrieval_config: { language_code: 'nb' } } },
    { stream_function_call_arguments: true },
    { media_resolution: 'low' },
    { model_safety_settings: { enabled: true } },
    { labels: { a: 'b' } },
    { generation_config: { seed: 1 } },
    { top_k: 5 },
    { response_modalities: ['IMAGE'] },
    { image_config: { image_size: '2K' } },
    { speech_config: { language_code: 'nb' } },
    { audio_timestamp: true },
    { response_schema: { type: 'STRING' } },
    { response_json_schema: CITY },
    { response_mime_type: 'application/json' },
    { routing_config: { manual_mode: { model_name: 'm' } } },
    { system_instruction: 'S' },
    { model_armor_config: { prompt_template_name: 'p' } },
  ].map((fields) => ({ fields: google(fields) })),
  { fields: google({ thinking_config: { thinking_level: 'low' } }), target: NEW },
  { fields: google({ service_tier: 'flex' }), target: { upstream: 'gemini' } },
  { fields: { ...google({ thought_tag_marker: 't' }), messages: said({ content: '<t>a</t>b' }) } },
];

const flagged = (key: string, value: object): Record<string, unknown> => ({
  extra_content: { [key]: value },
});

const CONTENT: readonly Example[] = [
  { fields: { messages: said(flagged('google', { thought_signature: 'QQ==' })) } },
  { fields: { messages: said(flagged('google', { thought: true })) } },
  { fields: { messages: said(flagged('vertex', { thought: true })) } },
  {
    fields: {
      messages: step(
        CALLED,
        flagged('google', { parts: [{ inline_data: { mime_type: 'image/png', data: 'AAAA' } }] }),
      ),
    },
    target: NEW,
  },
  { fields: { messages: step({ ...CALLED, ...flagged('google', { thought_signature: 'QQ==' }) }) } },
  { fields: { messages: step({ ...CALLED, ...flagged('google', { thought: true }) }) } },
  { fields: { messages: step({ ...CALLED, ...flagged('vertex', { thought_signature: 'QQ==' }) }) } },
  {
    fields: {
      messages: said({
        content: [{ type: 'text', text: 'a', ...flagged('google', { thought_signature: 'QQ==' }) }],
      }),
    },
  },
  {
    fields: {
      messages: said({ content: [{ type: 'text', text: 'a', ...flagged('google', { thought: true }) }] }),
    },
  },
  {
    fields: {
      messages: said({ content: [{ type: 'text', text: 'a', ...flagged('vertex', { thought: true }) }] }),
    },
  },
  ...[{ video_metadata: { fps: 2 } }, { media_resolution: 'low' }, { mime_type: 'video/mp4' }].map(
    (fields) => ({
      fields: { messages: asked({ type: 'image_url', image_url: PNG, ...flagged('google', fields) }) },
      target: NEW,
    }),
  ),
];

export const EXAMPLES: readonly Example[] = [...REQUEST, ...MESSAGES, ...GOOGLE, ...CONTENT];

/** Where a path of the ledger leads to in a request: one place for each item its `[]` match. */
function placesOf(request: unknown, path: string): PathKey[][] {
  let places: { readonly value: unknown; readonly keys: PathKey[] }[] = [{ value: request, keys: [] }];
  for (const name of path.replaceAll('[]', '.[]').split('.')) {
    places = places.flatMap(({ value, keys }) => {
      if (name === '[]') {
        return Array.isArray(value)
          ? value.map((item: unknown, index) => ({ value: item, keys: [...keys, index] }))
          : [];
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
        return [];
      return [{ value: (value as Record<string, unknown>)[name], keys: [...keys, name] }];
    });
  }
  return places.map(({ keys }) => keys);
}

export function pathsOf(request: unknown, path: string): string[] {
  return placesOf(request, path).map((keys) => formatJsonPath(keys) ?? '');
}

/** A copy of a request without the fields a path of the ledger leads to. */
export function without(request: object, path: string): Record<string, unknown> {
  const copy = structuredClone(request) as Record<string, unknown>;
  for (const keys of placesOf(request, path)) {
    let parent: Record<PathKey, unknown> = copy;
    for (const key of keys.slice(0, -1)) parent = parent[key] as Record<PathKey, unknown>;
    delete parent[keys.at(-1) ?? ''];
  }
  return copy;
}
