import { describe, expect, it } from 'vitest';
import {
  createApiKeySource,
  createStaticTokenSource,
} from '../../../src/auth/outbound/fixed-token-source.ts';
import { never } from './credential-fixture.ts';

describe.each([
  {
    name: 'createApiKeySource',
    source: createApiKeySource('AIza-key'),
    headers: { 'x-goog-api-key': 'AIza-key' },
  },
  {
    name: 'createStaticTokenSource',
    source: createStaticTokenSource('ya29.fixed'),
    headers: { authorization: 'Bearer ya29.fixed' },
  },
])('$name', ({ source, headers }) => {
  it('gives the same headers before and after a refusal', async () => {
    expect(await source.headers(never)).toEqual(headers);
    source.invalidate(await source.headers(never));
    expect(await source.headers(never)).toEqual(headers);
  });

  it('knows no project', async () => {
    expect(await source.projectId(never)).toBeUndefined();
  });

  it('gives an aborted caller nothing', async () => {
    const aborted = AbortSignal.abort(new Error('gone'));
    await expect(source.headers(aborted)).rejects.toThrow('gone');
    await expect(source.projectId(aborted)).rejects.toThrow('gone');
  });
});
