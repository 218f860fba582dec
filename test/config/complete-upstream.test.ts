import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { completeUpstream, type UpstreamProblem } from '../../src/config/complete-upstream.ts';
import type { Environment } from '../../src/config/interpolate.ts';
import { upstreamSchema } from '../../src/config/upstream-schemas.ts';

function complete(upstream: object, env: Environment = {}) {
  const problems: UpstreamProblem[] = [];
  const completed = completeUpstream(upstreamSchema.parse(upstream), env, (problem) =>
    problems.push(problem),
  );
  return { completed, problems };
}

const CLOUD = { GOOGLE_CLOUD_PROJECT: 'env-project', GOOGLE_CLOUD_LOCATION: 'europe-west4' };
const NOTHING = {
  GOOGLE_CLOUD_PROJECT: '',
  GOOGLE_CLOUD_LOCATION: '',
  GEMINI_API_KEY: '',
  GOOGLE_API_KEY: '',
};

describe('embedded', () => {
  it.each([
    [{}, Math.max(1, availableParallelism() - 1)],
    [{ threads: 3 }, 3],
  ])('%j computes on %i threads', (keys, threads) => {
    expect(complete({ kind: 'embedded', ...keys }).completed).toMatchObject({ threads });
  });
});

function completeVertex(upstream: object, env?: Environment) {
  const { completed, problems } = complete({ kind: 'vertex', ...upstream }, env);
  if (completed.kind !== 'vertex') throw new Error('the kind changed');
  const { project, location, credentials, access_token, api_key } = completed;
  return { problems, place: { project, location, credentials, access_token, api_key } };
}

describe('vertex', () => {
  it.each<[upstream: object, env: Environment, expected: object]>([
    [{}, {}, { location: 'us-central1', credentials: 'adc' }],
    [{}, NOTHING, { location: 'us-central1', credentials: 'adc' }],
    [{}, CLOUD, { project: 'env-project', location: 'europe-west4', credentials: 'adc' }],
    [
      { project: 'mine', location: 'global' },
      CLOUD,
      { project: 'mine', location: 'global', credentials: 'adc' },
    ],
    [{ credentials: '/k.json' }, {}, { location: 'us-central1', credentials: '/k.json' }],
    [
      { access_token: 'ya29.x', project: 'mine' },
      {},
      { project: 'mine', location: 'us-central1', access_token: 'ya29.x' },
    ],
    [
      { access_token: 'ya29.x' },
      CLOUD,
      { project: 'env-project', location: 'europe-west4', access_token: 'ya29.x' },
    ],
    [{ api_key: 'k' }, CLOUD, { location: 'global', api_key: 'k' }],
  ])('%j with %j is at %j', (upstream, env, expected) => {
    expect(completeVertex(upstream, env)).toEqual({ problems: [], place: expected });
  });

  it('needs a project beside an access token', () => {
    expect(complete({ kind: 'vertex', access_token: 't' }).problems).toEqual([
      { key: 'project', message: expect.stringContaining('GOOGLE_CLOUD_PROJECT') },
    ]);
  });

  it.each([
    ['GOOGLE_CLOUD_PROJECT', '../other'],
    ['GOOGLE_CLOUD_LOCATION', 'us central'],
  ])('refuses %s=%j, and reads it only when it counts', (variable, value) => {
    const env = { [variable]: value };
    expect(complete({ kind: 'vertex' }, env).problems).toEqual([
      { variable, message: expect.stringMatching(/^must be .* \(environment variable\)$/) },
    ]);
    expect(complete({ kind: 'vertex', project: 'p', location: 'eu' }, env).problems).toEqual([]);
    expect(complete({ kind: 'vertex', api_key: 'k' }, env).problems).toEqual([]);
  });
});

describe('gemini', () => {
  it.each<[env: Environment, expected: string]>([
    [{ GEMINI_API_KEY: 'g' }, 'g'],
    [{ GOOGLE_API_KEY: 'o' }, 'o'],
    [{ GEMINI_API_KEY: 'g', GOOGLE_API_KEY: 'o' }, 'g'],
    [{ GEMINI_API_KEY: '', GOOGLE_API_KEY: 'o' }, 'o'],
  ])('with %j has the key %s', (env, expected) => {
    expect(complete({ kind: 'gemini' }, env)).toMatchObject({
      completed: { api_key: expected },
      problems: [],
    });
    expect(complete({ kind: 'gemini', api_key: 'own' }, env).completed).toMatchObject({ api_key: 'own' });
  });

  it.each([{}, NOTHING])('needs a key: %j', (env) => {
    expect(complete({ kind: 'gemini' }, env).problems).toEqual([
      { key: 'api_key', message: expect.stringContaining('GEMINI_API_KEY or GOOGLE_API_KEY') },
    ]);
  });

  it('refuses a key that cannot travel in a header', () => {
    expect(complete({ kind: 'gemini' }, { GEMINI_API_KEY: 'a\nb' }).problems).toEqual([
      { variable: 'GEMINI_API_KEY', message: expect.stringContaining('visible ASCII') },
    ]);
  });
});

describe('a model server', () => {
  it.each<[upstream: object, urls: string[]]>([
    [{ kind: 'vllm', base_url: 'http://a:8000' }, ['http://a:8000/v1']],
    [{ kind: 'openai', base_url: ['http://a', 'http://b/x/'] }, ['http://a/v1', 'http://b/x']],
    [{ kind: 'ollama' }, ['http://127.0.0.1:11434/v1']],
  ])('%j has its API at %j', (upstream, urls) => {
    const { completed, problems } = complete(upstream);
    expect(completed).toMatchObject({ base_urls: urls });
    expect(completed).not.toHaveProperty('base_url');
    expect(problems).toEqual([]);
  });
});
