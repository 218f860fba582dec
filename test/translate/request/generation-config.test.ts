import { describe, expect, it } from 'vitest';
import { foldSeed } from '../../../src/translate/request/generation-config.ts';
import type { GenerationConfig } from '../../../src/wire/gemini/request.ts';
import { refusal, type TestTarget, translate } from './translate.ts';

const configOf = (fields: object, target?: TestTarget): GenerationConfig | undefined =>
  translate(fields, target).body.generationConfig;

describe('sampling fields', () => {
  it.each<[fields: object, config: object | undefined]>([
    [{ max_tokens: 5 }, { maxOutputTokens: 5 }],
    [{ max_completion_tokens: 6 }, { maxOutputTokens: 6 }],
    [{ max_completion_tokens: 6, max_tokens: 5 }, { maxOutputTokens: 6 }],
    [{ max_tokens: 2 ** 40 }, { maxOutputTokens: 2 ** 31 - 1 }],
    [{ temperature: 0 }, { temperature: 0 }],
    [{ top_p: 0.5 }, { topP: 0.5 }],
    [{ top_k: 40 }, { topK: 40 }],
    [{ google: { top_k: 40 } }, { topK: 40 }],
    [{ top_k: 1, google: { top_k: 40 } }, { topK: 1 }],
    [{ n: 2 }, { candidateCount: 2 }],
    [{ stop: 'END' }, { stopSequences: ['END'] }],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, { stopSequences: ['a', 'b', 'c', 'd', 'e'] }],
    [{ stop: [] }, undefined],
    [{ seed: 7 }, { seed: 7 }],
    [
      { presence_penalty: 0.5, frequency_penalty: -1 },
      { presencePenalty: 0.5, frequencyPenalty: -1 },
    ],
    [{ presence_penalty: 0, frequency_penalty: 0 }, undefined],
    [{ logprobs: true }, { responseLogprobs: true }],
    [
      { logprobs: true, top_logprobs: 3 },
      { responseLogprobs: true, logprobs: 3 },
    ],
    [{ logprobs: true, top_logprobs: 0 }, { responseLogprobs: true }],
    [{ logprobs: false }, undefined],
    [
      { temperature: null, top_p: null, max_tokens: null, n: null, stop: null, seed: null, logprobs: null },
      undefined,
    ],
  ])('%j', (fields, config) => {
    for (const upstream of ['vertex', 'gemini'] as const)
      expect(configOf(fields, { upstream })).toEqual(config);
  });
});

describe('foldSeed', () => {
  it.each([0, 1, -1, 2 ** 31 - 1, -(2 ** 31)])('keeps %i', (seed) => {
    expect(foldSeed(seed)).toBe(seed);
  });

  it.each([2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, 2 ** 63, -(2 ** 63)])(
    'folds %i into 32 bits, always the same way',
    (seed) => {
      const folded = foldSeed(seed);
      expect(folded | 0).toBe(folded);
      expect(foldSeed(seed)).toBe(folded);
    },
  );

  it('tells long seeds apart', () => {
    const seeds = Array.from({ length: 2000 }, (_, index) => foldSeed(2 ** 40 + index * 2 ** 32 + index));
    expect(new Set(seeds).size).toBeGreaterThan(1990);
  });
});

const audio = (members: object): object => ({ modalities: ['text', 'audio'], audio: members });

const voiced = (voiceName: string): object => ({
  responseModalities: ['TEXT', 'AUDIO'],
  speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName } } },
});

describe('audio and modalities', () => {
  it.each<[fields: object, target: TestTarget, config: object]>([
    [{ modalities: ['text'] }, {}, { responseModalities: ['TEXT'] }],
    [{ modalities: ['text', 'image'] }, {}, { responseModalities: ['TEXT', 'IMAGE'] }],
    [audio({ voice: 'alloy', format: 'wav' }), {}, voiced('Kore')],
    [audio({ voice: 'Puck', format: 'pcm16' }), {}, voiced('Puck')],
    [audio({ voice: 'alloy' }), { voiceMap: { alloy: 'Zephyr' } }, voiced('Zephyr')],
    [audio({ voice: 'ours' }), { voiceMap: { ours: 'Leda' } }, voiced('Leda')],
    [audio({ voice: 'constructor' }), {}, voiced('constructor')],
    [audio({ format: 'wav' }), {}, { responseModalities: ['TEXT', 'AUDIO'] }],
    [
      { ...audio({ voice: 'Puck' }), google: { speech_config: { language_code: 'nb-NO' } } },
      {},
      {
        responseModalities: ['TEXT', 'AUDIO'],
        speechConfig: { languageCode: 'nb-NO', voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Puck' } } },
      },
    ],
  ])('%j with %j', (fields, target, config) => {
    expect(configOf(fields, target)).toEqual(config);
  });

  it.each([
    [audio({ voice: 'alloy', format: 'mp3' }), 'audio.format'],
    [audio({ voice: { id: 'voice_1' }, format: 'wav' }), 'audio.voice'],
  ])('refuses %j', (fields, param) => {
    expect(refusal(fields)).toMatchObject({ param, code: 'unsupported_parameter' });
    expect(translate(fields, { unsupported: 'ignore' }).ignored).toEqual([param]);
  });
});

describe('native generation settings', () => {
  it.each<[fields: object, config: object]>([
    [{ google: { response_modalities: ['image', 'TEXT'] } }, { responseModalities: ['IMAGE', 'TEXT'] }],
    [
      { google: { image_config: { image_size: '2K', aspect_ratio: '16:9' } } },
      { imageConfig: { imageSize: '2K', aspectRatio: '16:9' } },
    ],
    [{ google: { imageConfig: { imageSize: '2K' } } }, { imageConfig: { imageSize: '2K' } }],
    [{ google: { media_resolution: 'low' } }, { mediaResolution: 'MEDIA_RESOLUTION_LOW' }],
    [{ google: { audio_timestamp: true } }, { audioTimestamp: true }],
    [
      { google: { routing_config: { auto_mode: { model_routing_preference: 'balanced' } } } },
      { routingConfig: { autoMode: { modelRoutingPreference: 'BALANCED' } } },
    ],
    [{ google: { response_mime_type: 'application/json' } }, { responseMimeType: 'application/json' }],
    [
      { google: { response_json_schema: { type: 'object' } } },
      { responseJsonSchema: { type: 'object' }, responseMimeType: 'application/json' },
    ],
    [
      { google: { response_schema: { type: 'array', items: { type: 'string' }, min_items: 1 } } },
      {
        responseSchema: { type: 'ARRAY', items: { type: 'STRING' }, minItems: '1' },
        responseMimeType: 'application/json',
      },
    ],
    [{ google: { generation_config: { temperature: 0.1, topK: 3 } } }, { temperature: 0.1, topK: 3 }],
    [{ extra_body: { generation_config: { temperature: 0.1 } } }, { temperature: 0.1 }],
    [{ extra_body: { extra_body: { generation_config: { seed: 1 } } } }, { seed: 1 }],
    [
      {
        extra_body: { generation_config: { seed: 1, topP: 0.5 } },
        google: { generation_config: { seed: 2 } },
        seed: 3,
      },
      { seed: 3, topP: 0.5 },
    ],
    [{ google: { generation_config: { topK: 3 }, top_k: 4 } }, { topK: 4 }],
    [{ google: { generation_config: { response_mime_type: null } }, seed: 1 }, { seed: 1 }],
    [
      {
        google: {
          speech_config: {
            multi_speaker_voice_config: {
              speaker_voice_configs: [
                { speaker: 'A', voice_config: { prebuilt_voice_config: { voice_name: 'Puck' } } },
              ],
            },
          },
        },
      },
      {
        speechConfig: {
          multiSpeakerVoiceConfig: {
            speakerVoiceConfigs: [
              { speaker: 'A', voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Puck' } } },
            ],
          },
        },
      },
    ],
  ])('%j', (fields, config) => {
    const { body, ignored } = translate(fields);
    expect(body.generationConfig).toEqual(config);
    expect(ignored).toEqual([]);
  });

  it.each<[fields: object, upstream: 'vertex' | 'gemini', param: string, code: string]>([
    [
      { google: { generation_config: { temprature: 1 } } },
      'vertex',
      'google.generation_config.temprature',
      'unsupported_parameter',
    ],
    [
      { extra_body: { generation_config: { temperature: '1' } } },
      'vertex',
      'extra_body.generation_config.temperature',
      'invalid_argument',
    ],
    [
      { google: { generation_config: { temperature: 1e300 } } },
      'vertex',
      'google.generation_config.temperature',
      'invalid_argument',
    ],
    [
      { google: { generation_config: { seed: 2 ** 31 } } },
      'vertex',
      'google.generation_config.seed',
      'invalid_argument',
    ],
    [
      { google: { generation_config: { topK: 1, top_k: 2 } } },
      'vertex',
      'google.generation_config.top_k',
      'invalid_argument',
    ],
    [{ google: { audio_timestamp: true } }, 'gemini', 'google.audio_timestamp', 'unsupported_parameter'],
    [{ google: { routing_config: {} } }, 'gemini', 'google.routing_config', 'unsupported_parameter'],
    [
      { google: { image_config: { person_generation: 'ALLOW_ALL' } } },
      'gemini',
      'google.image_config.person_generation',
      'unsupported_parameter',
    ],
    [
      { google: { generation_config: { enable_enhanced_civic_answers: true } } },
      'vertex',
      'google.generation_config.enable_enhanced_civic_answers',
      'unsupported_parameter',
    ],
    [
      { google: { response_modalities: ['VIDEO'] } },
      'gemini',
      'google.response_modalities[0]',
      'unsupported_parameter',
    ],
    [
      { google: { response_modalities: ['SMELL'] } },
      'vertex',
      'google.response_modalities[0]',
      'invalid_argument',
    ],
    [
      { google: { response_schema: {}, response_json_schema: {} } },
      'vertex',
      'google.response_schema',
      'invalid_argument',
    ],
    [
      { google: { response_schema: { type: 'object', additional_properties: true } } },
      'gemini',
      'google.response_schema.additional_properties',
      'unsupported_parameter',
    ],
    [
      {
        google: {
          speech_config: { voice_config: { prebuilt_voice_config: {}, replicated_voice_config: {} } },
        },
      },
      'vertex',
      'google.speech_config.voice_config',
      'invalid_argument',
    ],
    [{ google: { media_resolution: 'ultra_high' } }, 'vertex', 'google.media_resolution', 'invalid_argument'],
  ])('refuses %j on %s', (fields, upstream, param, code) => {
    expect(refusal(fields, { upstream })).toMatchObject({ param, code });
  });
});
