import { describe, expect, it } from 'vitest';
import { readGoogleExtraBody, thoughtTagMarker } from '../../../src/wire/openai/google-extra-body.ts';

describe('readGoogleExtraBody', () => {
  it.each([
    { name: 'nothing', request: {}, google: {}, thinking: {}, otherKeys: [] },
    { name: 'nulls', request: { google: null, extra_body: null }, google: {}, thinking: {}, otherKeys: [] },
    {
      name: 'top-level google',
      request: { google: { cached_content: 'c' } },
      google: { cached_content: 'c' },
      thinking: {},
      otherKeys: [],
    },
    {
      name: 'extra_body.google wins per key',
      request: { google: { cached_content: 'a', top_k: 1 }, extra_body: { google: { cached_content: 'b' } } },
      google: { cached_content: 'b', top_k: 1 },
      thinking: {},
      otherKeys: [],
    },
    {
      name: 'doubled extra_body wins over both',
      request: {
        google: { top_k: 1 },
        extra_body: { google: { top_k: 2 }, extra_body: { google: { top_k: 3 } } },
      },
      google: { top_k: 3 },
      thinking: {},
      otherKeys: [],
    },
    {
      name: 'thinking_config is merged key by key, whatever the spelling',
      request: {
        google: { thinking_config: { include_thoughts: true, thinking_budget: 5 } },
        extra_body: { google: { thinkingConfig: { thinkingBudget: 7, includeThoughts: null } } },
      },
      google: { thinking_config: { include_thoughts: true, thinking_budget: 7 } },
      thinking: { include_thoughts: true, thinking_budget: 7 },
      otherKeys: [],
    },
    {
      name: 'known camelCase keys',
      request: { google: { thoughtTagMarker: 't', streamFunctionCallArguments: true, safetySettings: [] } },
      google: { thought_tag_marker: 't', stream_function_call_arguments: true, safety_settings: [] },
      thinking: {},
      otherKeys: [],
    },
    {
      name: 'unknown keys stay as they are',
      request: { google: { someNewThing: { innerKey: 1 } } },
      google: { someNewThing: { innerKey: 1 } },
      thinking: {},
      otherKeys: [],
    },
    {
      name: 'a later null does not unset',
      request: { google: { top_k: 4 }, extra_body: { google: { top_k: null } } },
      google: { top_k: 4 },
      thinking: {},
      otherKeys: [],
    },
    {
      name: 'levels in lower case',
      request: { google: { thinking_config: { thinking_level: 'HIGH' } } },
      google: { thinking_config: { thinking_level: 'HIGH' } },
      thinking: { thinking_level: 'high' },
      otherKeys: [],
    },
    {
      name: 'other keys, each once',
      request: {
        extra_body: { top_k: 5, generation_config: {}, google: {}, extra_body: { min_p: 1, top_k: 6 } },
      },
      google: {},
      thinking: {},
      otherKeys: ['top_k', 'generation_config', 'min_p'],
    },
  ])('$name', ({ request, google, thinking, otherKeys }) => {
    expect(readGoogleExtraBody(request)).toEqual({ google, thinking, otherKeys });
  });

  it('treats prototype names as ordinary keys', () => {
    const { google } = readGoogleExtraBody({
      google: JSON.parse('{"__proto__":{"polluted":1},"constructor":2}') as Record<string, unknown>,
    });
    expect(Object.keys(google)).toEqual(['__proto__', 'constructor']);
    expect(google['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('has no inherited keys even when nothing was sent', () => {
    expect(readGoogleExtraBody({}).google['constructor']).toBeUndefined();
  });
});

describe('thoughtTagMarker', () => {
  it.each([
    [{ thought_tag_marker: 'think' }, 'think'],
    [{ thought_tag_marker: '<think>' }, 'think'],
    [{ thought_tag_marker: '<think' }, '<think'],
    [{ thought_tag_marker: null }, undefined],
    [{}, undefined],
  ])('%j', (google, marker) => {
    expect(thoughtTagMarker(google)).toBe(marker);
  });
});
