import { describe, expect, it } from 'vitest';
import { bareModelName, modelNameSpellings } from '../../src/routing/model-name.ts';

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
