import { describe, expect, it } from 'vitest';
import { expandCompatPreset } from '../../src/config/compat-preset.ts';

const GOOGLE = {
  compat: { unsupported: 'ignore' },
  thoughts: { delivery: 'google' },
  usage: { mode: 'google' },
};
const OPENAI = {
  compat: { unsupported: 'reject' },
  thoughts: { delivery: 'reasoning_content' },
  usage: { mode: 'openai' },
};

describe('expandCompatPreset', () => {
  it.each<[value: unknown, expected: unknown]>([
    [{ compat: 'google' }, GOOGLE],
    [{ compat: 'openai' }, OPENAI],
    [
      { compat: 'google', log: 1 },
      { ...GOOGLE, log: 1 },
    ],
    [
      { compat: 'google', usage: { mode: 'openai' } },
      { ...GOOGLE, usage: { mode: 'openai' } },
    ],
    [
      { compat: 'openai', thoughts: { replay: false } },
      { ...OPENAI, thoughts: { delivery: 'reasoning_content', replay: false } },
    ],
    [
      { compat: 'openai', thoughts: { delivery: 'both' } },
      { ...OPENAI, thoughts: { delivery: 'both' } },
    ],
    [
      { compat: 'google', usage: null, thoughts: [] },
      { ...GOOGLE, usage: null, thoughts: [] },
    ],
  ])('%j is %j', (value, expected) => {
    const before = structuredClone(value);
    expect(expandCompatPreset(value)).toEqual(expected);
    expect(value).toEqual(before);
  });

  it.each([
    null,
    'google',
    ['google'],
    {},
    { compat: 'Google' },
    { compat: 'toString' },
    { compat: { unsupported: 'ignore' } },
    { compat: 1 },
  ])('%j stays', (value) => {
    expect(expandCompatPreset(value)).toBe(value);
  });
});
