import { describe, expect, it } from 'vitest';
import { type GeminiPlace, geminiUrl, vertexHost } from '../../../src/backends/gemini/gemini-url.ts';

const REGION: GeminiPlace = {
  upstream: 'vertex',
  project: 'my-project',
  isExpress: false,
  location: 'europe-west4',
  version: 'v1',
};
const EXPRESS: GeminiPlace = { ...REGION, project: undefined, isExpress: true, location: 'global' };
const DEVAPI: GeminiPlace = { upstream: 'gemini', version: 'v1beta' };

describe('vertexHost', () => {
  it.each([
    ['global', 'aiplatform.googleapis.com'],
    ['us-central1', 'us-central1-aiplatform.googleapis.com'],
    ['us', 'aiplatform.us.rep.googleapis.com'],
    ['eu', 'aiplatform.eu.rep.googleapis.com'],
  ])('of %s is %s', (location, host) => {
    expect(vertexHost(location)).toBe(host);
  });
});

describe('geminiUrl', () => {
  const inRegion = '/v1/projects/my-project/locations/europe-west4';

  it.each<{ name: string; place: GeminiPlace; model?: string; origin: string; path: string }>([
    {
      name: 'a region',
      place: REGION,
      origin: 'https://europe-west4-aiplatform.googleapis.com',
      path: `${inRegion}/publishers/google/models/gemini-2.5-flash:generateContent`,
    },
    {
      name: 'express mode',
      place: EXPRESS,
      origin: 'https://aiplatform.googleapis.com',
      path: '/v1/publishers/google/models/gemini-2.5-flash:generateContent',
    },
    {
      name: 'the Developer API',
      place: DEVAPI,
      origin: 'https://generativelanguage.googleapis.com',
      path: '/v1beta/models/gemini-2.5-flash:generateContent',
    },
    {
      name: 'a tuned model on Vertex AI',
      place: REGION,
      model: 'endpoints/123',
      origin: 'https://europe-west4-aiplatform.googleapis.com',
      path: `${inRegion}/endpoints/123:generateContent`,
    },
    {
      name: 'a tuned model of another project',
      place: REGION,
      model: 'projects/other/locations/us-central1/endpoints/123',
      origin: 'https://europe-west4-aiplatform.googleapis.com',
      path: `${inRegion}/endpoints/123:generateContent`,
    },
    {
      name: 'a tuned model on the Developer API',
      place: DEVAPI,
      model: 'tunedModels/mine',
      origin: 'https://generativelanguage.googleapis.com',
      path: '/v1beta/tunedModels/mine:generateContent',
    },
    {
      name: 'another host',
      place: { ...DEVAPI, baseUrl: 'http://127.0.0.1:9000' },
      origin: 'http://127.0.0.1:9000',
      path: '/v1beta/models/gemini-2.5-flash:generateContent',
    },
    {
      name: 'another host with a path',
      place: { ...REGION, baseUrl: 'https://proxy.example/gemini/' },
      origin: 'https://proxy.example',
      path: `/gemini${inRegion}/publishers/google/models/gemini-2.5-flash:generateContent`,
    },
    {
      name: 'a name with marks of URLs',
      place: DEVAPI,
      model: 'a:b?c#d%2F@e',
      origin: 'https://generativelanguage.googleapis.com',
      path: '/v1beta/models/a%3Ab%3Fc%23d%252F%40e:generateContent',
    },
  ])('names $name', ({ place, model = 'gemini-2.5-flash', origin, path }) => {
    expect(geminiUrl(place, model, 'generateContent')).toEqual({ origin, path });
    expect(geminiUrl(place, model, 'streamGenerateContent')).toEqual({
      origin,
      path: `${path.replace(/generateContent$/, 'streamGenerateContent')}?alt=sse`,
    });
  });

  it.each([
    '',
    '.',
    '..',
    'a/b',
    '../../x',
    'meta/llama-3.3-70b-instruct-maas',
    'endpoints/..',
    'tunedModels/.',
  ])('refuses %j', (model) => {
    for (const place of [REGION, EXPRESS, DEVAPI]) {
      expect(() => geminiUrl(place, model, 'generateContent')).toThrow(
        expect.objectContaining({ code: 'model_not_found', param: 'model' }),
      );
    }
  });
});
