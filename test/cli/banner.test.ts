import { describe, expect, it } from 'vitest';
import { banner, readyText } from '../../src/cli/banner.ts';
import type { LoadedConfig } from '../../src/config/load.ts';

type Modes = LoadedConfig['auth']['routes']['plain'];

/** The words of the command, as a shell reads them. */
const wordsOf = (modes: Modes): string => {
  const auth = { routes: { vertex: ['open'], devapi: ['open'], plain: modes }, keys: [], oidc: [] };
  const text = readyText('http://127.0.0.1:8080', { auth } as unknown as LoadedConfig);
  return text.replaceAll(/\\\n +/g, '');
};

const START = "curl http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: application/json' ";

describe('banner', () => {
  it('names a model without the secrets of its URL', () => {
    const model = 'https://me:s3cret@example.com/m.gguf?X-Goog-Signature=s3cret';
    const upstreams = { a: { kind: 'embedded', model, fallback: [] } };
    const config = { upstreams, models: [], endpoints: {}, notices: [] } as unknown as LoadedConfig;
    const text = banner({ url: 'http://127.0.0.1:8080', version: '0', config });
    expect(text).toContain('Upstream a: https://example.com/m.gguf, embedded');
    expect(text).not.toContain('s3cret');
  });
});

describe('readyText', () => {
  it.each<[Modes, string]>([
    [['open'], ''],
    [['keys'], '-H "Authorization: Bearer $KEY" '],
    [['local', 'keys'], '-H "Authorization: Bearer $KEY" '],
    [['local'], '-H "Authorization: Bearer $(gcloud auth print-access-token)" '],
    [['passthrough'], '-H "Authorization: Bearer $(gcloud auth print-access-token)" '],
  ])('%j shows a command that gets in', (modes, credential) => {
    expect(wordsOf(modes)).toContain(`\n  ${START}${credential}-d '{"model"`);
  });
});
