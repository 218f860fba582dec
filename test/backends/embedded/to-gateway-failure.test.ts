import { describe, expect, it } from 'vitest';
import type { GenerationFailure } from '../../../src/backends/embedded/engine/protocol.ts';
import { toGatewayFailure } from '../../../src/backends/embedded/to-gateway-failure.ts';

describe('toGatewayFailure', () => {
  it.each<[failure: GenerationFailure, code: string, status: number, param: string | null, words: RegExp]>([
    [
      { kind: 'context-overflow', promptTokens: 5000, contextSize: 4096 },
      'context_length_exceeded',
      400,
      'messages',
      /5000 tokens.*4096 tokens/,
    ],
    [{ kind: 'unknown-token', token: 99_999 }, 'invalid_argument', 400, 'logit_bias', /99999/],
    [{ kind: 'invalid-grammar', message: 'secret' }, 'internal_error', 500, null, /grammar/],
    [{ kind: 'internal', message: 'secret' }, 'internal_error', 500, null, /failed/],
  ])('%j', (failure, code, status, param, words) => {
    const error = toGatewayFailure(failure);
    expect(error).toMatchObject({ code, status, param });
    expect(error.message).toMatch(words);
    expect(error.message).not.toContain('secret');
  });

  it('keeps the native words for the log', () => {
    expect(toGatewayFailure({ kind: 'internal', message: 'native words' }).cause).toBe('native words');
  });
});
