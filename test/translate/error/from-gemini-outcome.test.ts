import { describe, expect, it } from 'vitest';
import { fromGeminiOutcome } from '../../../src/translate/error/from-gemini-outcome.ts';
import type { GeminiOutcome } from '../../../src/translate/events/decode-gemini.ts';

const malformed = (finishMessage: string | undefined): GeminiOutcome => ({
  kind: 'malformed',
  finishReason: 'MALFORMED_FUNCTION_CALL',
  finishMessage,
});

describe('fromGeminiOutcome', () => {
  it('a complete answer is no failure', () => {
    expect(fromGeminiOutcome({ kind: 'complete' })).toBeUndefined();
  });

  it.each<[GeminiOutcome, string, RegExp]>([
    [{ kind: 'empty' }, 'empty_response', /nothing/],
    [{ kind: 'disconnected' }, 'upstream_disconnected', /broke off/],
    [
      malformed('Malformed function call: print(f())'),
      'malformed_function_call',
      /MALFORMED_FUNCTION_CALL\): Malformed function call: print/,
    ],
    [malformed(undefined), 'malformed_function_call', /no further reason/],
  ])('%j', (outcome, code, message) => {
    const error = fromGeminiOutcome(outcome);
    expect(error).toMatchObject({ code, status: 502 });
    expect(error?.message).toMatch(message);
  });
});
