import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareModelName, isModelName, modelNameSpellings } from '../../src/routing/model-name.ts';
import { validateChatRequest } from '../../src/wire/openai/validate-request.ts';

describe('bareModelName', () => {
  it.each([
    ['gemini-2.5-flash', 'gemini-2.5-flash'],
    ['google/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['models/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['publishers/google/models/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['projects/p/locations/l/publishers/google/models/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['publishers/meta/models/llama', 'meta/llama'],
    ['projects/p/locations/l/publishers/meta/models/llama', 'meta/llama'],
    ['meta/llama-3.3-70b-instruct-maas', 'meta/llama-3.3-70b-instruct-maas'],
    ['tunedModels/mine', 'tunedModels/mine'],
    ['projects/p/locations/l/endpoints/123', 'projects/p/locations/l/endpoints/123'],
    ['publishers/google/models/x/y', 'publishers/google/models/x/y'],
    ['x/publishers/google/models/y', 'x/publishers/google/models/y'],
    ['googlemodel', 'googlemodel'],
    ['', ''],
  ])('%s -> %s', (asked, bare) => {
    expect(bareModelName(asked)).toBe(bare);
  });
});

describe('modelNameSpellings', () => {
  it.each([
    ['x', ['x', 'x', 'google/x']],
    ['models/x', ['models/x', 'x', 'google/x']],
    ['meta/x', ['meta/x', 'meta/x']],
    ['publishers/google/models/x', ['publishers/google/models/x', 'x', 'google/x']],
  ])('%s', (asked, names) => {
    expect(modelNameSpellings(asked)).toEqual(names);
  });
});

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
