import { describe, expect, it } from 'vitest';
import { readyText } from '../../src/cli/banner.ts';
import type { LoadedConfig } from '../../src/config/load.ts';

type Modes = LoadedConfig['auth']['routes']['plain'];

/** The words of the command, as a shell reads them. */
const wordsOf = (modes: Modes): string => {
  const auth = { routes: { vertex: ['open'], devapi: ['open'], plain: modes }, keys: [], oidc: [] };
  const text = readyText('http://127.0.0.1:8080', { auth } as unknown as LoadedConfig);
  return text.replaceAll(/\\\n +/g, '');
};

const START = "curl http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: application/json' ";

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
