import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/interpolate.ts';
import { setUpWithoutFile } from '../../src/config/setup-without-file.ts';

const PROJECT = { GOOGLE_CLOUD_PROJECT: 'my-project' };

describe('setUpWithoutFile', () => {
  it.each<[env: Environment, hasGoogleCredentials: boolean, kind: string, reason: string]>([
    [{ GEMINI_API_KEY: 'AIza-x' }, false, 'gemini', 'GEMINI_API_KEY is set'],
    [{ GOOGLE_API_KEY: 'AIza-x' }, false, 'gemini', 'GOOGLE_API_KEY is set'],
    [{ GEMINI_API_KEY: 'AIza-x', ...PROJECT }, true, 'gemini', 'GEMINI_API_KEY is set'],
    [PROJECT, true, 'vertex', 'Google credentials and GOOGLE_CLOUD_PROJECT is set'],
  ])('%j, Google credentials %j: Gemini models from %s', (env, hasGoogleCredentials, kind, reason) => {
    const { upstreams, models, endpoints, notice } = setUpWithoutFile(env, hasGoogleCredentials);
    expect(Object.entries(upstreams).map(([name, upstream]) => [name, upstream.kind])).toEqual([
      [kind, kind],
      ['local', 'embedded'],
    ]);
    expect(models).toEqual([
      { match: 'google/gemini-*', upstream: kind },
      { match: '*', upstream: 'local' },
    ]);
    expect(endpoints).toEqual({ '*': { upstream: 'local' } });
    expect(notice).toContain(reason);
    expect(notice).toContain('may charge');
    expect(notice).not.toContain('AIza');
  });

  it.each<[env: Environment, hasGoogleCredentials: boolean]>([
    [{}, false],
    [{ GEMINI_API_KEY: '' }, false],
    [PROJECT, false],
    [{}, true],
    [{ GOOGLE_CLOUD_PROJECT: '' }, true],
  ])('%j, Google credentials %j: everything from the embedded model', (env, hasGoogleCredentials) => {
    const { upstreams, models, endpoints, notice } = setUpWithoutFile(env, hasGoogleCredentials);
    expect(Object.keys(upstreams)).toEqual(['local']);
    expect(models).toEqual([{ match: '*', upstream: 'local' }]);
    expect(endpoints).toEqual({ '*': { upstream: 'local' } });
    expect(notice).toContain('every model name and every endpoint');
    expect(notice.includes('set GOOGLE_CLOUD_PROJECT')).toBe(hasGoogleCredentials);
  });
});
