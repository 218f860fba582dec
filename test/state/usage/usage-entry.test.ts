import { describe, expect, it } from 'vitest';
import { toUsageRow, type UsageEntry } from '../../../src/state/usage/usage-entry.ts';

const ENTRY: UsageEntry = {
  id: 'a',
  requestId: 'req_a',
  at: new Date(0),
  principal: 'key_a',
  upstream: 'vertex',
  model: 'google/gemini',
  endpoint: 'chat.completions',
  reservedTokens: 5,
};

describe('toUsageRow', () => {
  it('makes an open row without an outcome', () => {
    expect(toUsageRow(ENTRY)).toEqual({
      id: 'a',
      request_id: 'req_a',
      at: '1970-01-01T00:00:00.000Z',
      principal: 'key_a',
      upstream: 'vertex',
      model: 'google/gemini',
      endpoint: 'chat.completions',
      status: 'open',
      reserved_tokens: 5,
      prompt_tokens: null,
      completion_tokens: null,
      total_tokens: null,
    });
  });

  it.each<[string, string]>([
    ['a\0b', 'a\u{fffd}b'],
    ['\ud800', '\u{fffd}'],
    ['x'.repeat(1000), 'x'.repeat(256)],
    [`${'x'.repeat(255)}😀`, `${'x'.repeat(255)}\u{fffd}`],
    ["'; drop table parlance.usage; --", "'; drop table parlance.usage; --"],
  ])('makes text that a database takes of %j', (model, expected) => {
    expect(toUsageRow({ ...ENTRY, model }).model).toBe(expected);
  });

  it.each<[number | undefined, number | null]>([
    [undefined, null],
    [NaN, null],
    [Infinity, null],
    [-1, 0],
    [1.2, 2],
    [1e300, Number.MAX_SAFE_INTEGER],
  ])('makes a count that a database takes of %s', (totalTokens, expected) => {
    expect(toUsageRow(ENTRY, { status: 'completed', totalTokens }).total_tokens).toBe(expected);
  });
});
