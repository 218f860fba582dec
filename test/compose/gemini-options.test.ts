import { describe, expect, it } from 'vitest';
import { geminiUrl } from '../../src/backends/gemini/gemini-url.ts';
import { type GeminiConfig, geminiPlace, geminiTranslateOptions } from '../../src/compose/gemini-options.ts';
import { temporaryFiles } from '../config/temporary-files.ts';

const files = temporaryFiles();

function load(upstream: string): GeminiConfig {
  const { up } = files.load(`upstreams: { up: ${upstream} }`, {}).upstreams;
  if (up?.kind !== 'vertex' && up?.kind !== 'gemini') throw new Error('no Gemini upstream');
  return up;
}

describe('geminiPlace', () => {
  it.each([
    [
      '{ kind: vertex, project: p }',
      'https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google/models/m',
    ],
    [
      '{ kind: vertex, project: p, location: eu, api_version: v1beta1 }',
      'https://aiplatform.eu.rep.googleapis.com/v1beta1/projects/p/locations/eu/publishers/google/models/m',
    ],
    ['{ kind: vertex, api_key: k }', 'https://aiplatform.googleapis.com/v1/publishers/google/models/m'],
    ['{ kind: gemini, api_key: k }', 'https://generativelanguage.googleapis.com/v1beta/models/m'],
    [
      '{ kind: gemini, api_key: k, api_version: v1, base_url: "http://127.0.0.1:9/x/" }',
      'http://127.0.0.1:9/x/v1/models/m',
    ],
  ])('%s is called at %s', (upstream, expected) => {
    const { origin, path } = geminiUrl(geminiPlace(load(upstream)), 'm', 'generateContent');
    expect(origin + path).toBe(`${expected}:generateContent`);
  });
});

describe('geminiTranslateOptions', () => {
  it('are what the configuration says', () => {
    const config = load(
      '{ kind: vertex, schema: { mode: openapi, max_ref_depth: 1 }, function_ids: always, voice_map: { alloy: Puck } }',
    );
    expect(geminiTranslateOptions(config, { replay: false })).toEqual({
      schemaMode: 'openapi',
      maxRefDepth: 1,
      functionIds: 'always',
      replayThoughts: false,
      voiceMap: { alloy: 'Puck' },
    });
  });

  it('put the model families of the configuration in front', () => {
    const config = load('{ kind: vertex, thinking: [{ match: ^mine, control: none }] }');
    const { thinkingFamilies = [] } = geminiTranslateOptions(config, { replay: true });
    expect(thinkingFamilies[0]).toEqual({ name: '^mine', models: '^mine', control: 'none' });
    expect(thinkingFamilies.some(({ name }) => name === '2.5 Flash')).toBe(true);
  });
});
