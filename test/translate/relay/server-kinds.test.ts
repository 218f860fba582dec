import { describe, expect, it } from 'vitest';
import {
  SERVER_KIND_NAMES,
  SERVER_KINDS,
  type ServerKind,
} from '../../../src/translate/relay/server-kinds.ts';

describe('server kinds (contract 12)', () => {
  it('are those of the contract', () => {
    expect(SERVER_KIND_NAMES.toSorted()).toEqual(['llamacpp', 'ollama', 'openai', 'sglang', 'tgi', 'vllm']);
  });

  it.each<[ServerKind, string, boolean, boolean]>([
    ['vllm', '/v1/models', true, true],
    ['sglang', '/v1/models', true, true],
    ['openai', '/v1/models', true, true],
    ['llamacpp', '/v1/models', false, true],
    ['ollama', '/v1/models', false, false],
    ['tgi', '/health', false, false],
  ])('%s', (kind, healthPath, takesDeveloperRole, takesMaxCompletionTokens) => {
    expect(SERVER_KINDS[kind]).toMatchObject({ healthPath, takesDeveloperRole, takesMaxCompletionTokens });
  });

  it('what is not known of any server is not promised', () => {
    expect(SERVER_KINDS.openai.enforcesSchemas).toBe(false);
    expect(SERVER_KINDS.ollama.readsMediaUrls).toBe(false);
  });
});
