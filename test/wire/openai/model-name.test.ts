import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isModelName } from '../../../src/wire/openai/model-name.ts';
import { validateChatRequest } from '../../../src/wire/openai/validate-request.ts';

describe('isModelName', () => {
  it.each(['x', 'google/gemini-2.5-flash', 'a:b@c', '...', 'a/...', 'x'.repeat(256)])('takes %s', (name) => {
    expect(isModelName(name)).toBe(true);
  });

  it.each(['', '.', '..', 'a/..', '../a', 'a/./b', 'a//b', '/a', 'a/', 'a b', 'é', 'a\n', 'x'.repeat(257)])(
    'refuses %j',
    (name) => {
      expect(isModelName(name)).toBe(false);
    },
  );

  it('agrees with the validation of requests', () => {
    const name = fc.string({
      unit: fc.constantFrom(...'aZ9._:@/- %\0é'.split('')),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(name, (model) => {
        const body = { model, messages: [{ role: 'user', content: 'Hi' }] };
        expect(isModelName(model)).toBe(validateChatRequest(body, { modelRequired: true }).length === 0);
      }),
    );
  });
});
