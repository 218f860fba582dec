import { describe, expect, it } from 'vitest';
import { acceptFields } from '../../../src/backends/embedded/accept-fields.ts';
import { GatewayError } from '../../../src/errors.ts';
import { FOREIGN_CONTROLS } from '../../../src/wire/openai/foreign-controls.ts';
import type { ChatCompletionRequest } from '../../../src/wire/openai/request.ts';

type Fields = Record<string, unknown>;

const request = (fields: Fields): ChatCompletionRequest => ({
  messages: [{ role: 'user', content: 'Hi' }],
  ...fields,
});

function refusal(fields: Fields): GatewayError {
  try {
    acceptFields(request(fields), 'reject');
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  throw new Error('nothing was refused');
}

describe('acceptFields', () => {
  it.each<[fields: Fields]>([
    [{ model: 'm', max_tokens: 1, max_completion_tokens: 1, temperature: 1, top_p: 1, top_k: 1, n: 1 }],
    [{ stop: 'x', seed: 1, presence_penalty: 1, frequency_penalty: 1, logit_bias: { 1: 1 } }],
    [{ logprobs: true, top_logprobs: 1, stream: true, stream_options: { include_usage: true } }],
    [{ response_format: { type: 'json_object' }, reasoning_effort: 'low', reasoning: { effort: 'low' } }],
    [{ thinking: { type: 'disabled' }, tools: [], tool_choice: 'auto', parallel_tool_calls: true }],
    [{ functions: [], function_call: 'auto' }],
    [
      {
        metadata: { a: 'b' },
        store: true,
        user: 'u',
        safety_identifier: 's',
        prediction: { type: 'content' },
      },
    ],
    [{ prompt_cache_key: 'k', prompt_cache_retention: '24h', prompt_cache_options: {} }],
    [{ modalities: ['text'], verbosity: 'medium' }],
    [{ service_tier: 'auto' }],
    [{ service_tier: 'default' }],
    [{ service_tier: 'standard' }],
    [{ audio: null, moderation: null, guided_json: null, web_search_options: null }],
    [{ google: { thinking_config: { include_thoughts: true }, thought_tag_marker: 'think', top_k: 3 } }],
    [{ extra_body: { google: { response_json_schema: {}, response_mime_type: 'application/json' } } }],
    [{ extra_body: { google: { responseModalities: ['TEXT'] } } }],
  ])('accepts %j', (fields) => {
    expect(acceptFields(request(fields), 'reject')).toEqual([]);
  });

  it.each<[fields: Fields, named: string]>([
    [{ service_tier: 'flex' }, 'service_tier'],
    [{ surprise: 1 }, 'surprise'],
    [{ constructor: 1 }, 'constructor'],
    [{ google: { safety_settings: [] } }, 'extra_body.google.safety_settings'],
    [{ google: { labels: { a: 'b' } } }, 'extra_body.google.labels'],
    [{ google: { mediaResolution: 'LOW' } }, 'extra_body.google.media_resolution'],
    [
      { google: { stream_function_call_arguments: true } },
      'extra_body.google.stream_function_call_arguments',
    ],
    [{ google: { service_tier: 'flex' } }, 'extra_body.google.service_tier'],
    [{ google: { audio_timestamp: true } }, 'extra_body.google.audio_timestamp'],
    [{ extra_body: { other: 1 } }, 'extra_body.other'],
  ])('accepts %j without effect, and says so', (fields, named) => {
    expect(acceptFields(request(fields), 'reject')).toEqual([named]);
  });

  it.each<[fields: Fields, param: string]>([
    [{ modalities: ['text', 'audio'] }, 'modalities'],
    [{ audio: { voice: 'Kore', format: 'wav' } }, 'audio'],
    [{ web_search_options: {} }, 'web_search_options'],
    [{ moderation: {} }, 'moderation'],
    [{ verbosity: 'low' }, 'verbosity'],
    ...Array.from(FOREIGN_CONTROLS).map((field): [Fields, string] => [{ [field]: 1 }, field]),
    [{ google: { cached_content: 'cachedContents/1' } }, 'extra_body.google.cached_content'],
    [{ google: { tools: [{ google_search: {} }] } }, 'extra_body.google.tools'],
    [{ google: { response_schema: {} } }, 'extra_body.google.response_schema'],
    [{ google: { response_modalities: ['IMAGE'] } }, 'extra_body.google.response_modalities'],
    [{ google: { saftey_settings: [] } }, 'extra_body.google.saftey_settings'],
    [{ google: { constructor: 1 } }, 'extra_body.google.constructor'],
    [{ extra_body: { generation_config: {} } }, 'extra_body.generation_config'],
  ])('refuses %j, and names it where that is configured', (fields, param) => {
    expect(refusal(fields)).toMatchObject({ code: 'unsupported_parameter', status: 400, param });
    expect(acceptFields(request(fields), 'ignore')).toEqual([param]);
  });

  it('names everything it refuses at once', () => {
    const error = refusal({ audio: {}, min_p: 0.1, google: { tools: [] } });
    expect(error.problems.map(({ param }) => param)).toEqual(['audio', 'min_p', 'extra_body.google.tools']);
    expect(error.message).toContain('min_p');
  });
});
