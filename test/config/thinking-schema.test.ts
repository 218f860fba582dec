import { describe, expect, it } from 'vitest';
import { thinkingFamilySchema, toThinkingFamilies } from '../../src/config/thinking-schema.ts';

const TOKENS = { minimal: 1, low: 2, medium: 3, high: 4 };
const WORDS = { minimal: 'minimal', low: 'low', medium: 'medium', high: 'high' };

describe('a model family', () => {
  it.each<[row: object, expected: object]>([
    [
      { match: '^a', control: 'budget', efforts: { none: 0, ...TOKENS }, budget_range: { min: 1, max: '9' } },
      {
        control: 'budget',
        efforts: {
          none: { budget: 0 },
          minimal: { budget: 1 },
          low: { budget: 2 },
          medium: { budget: 3 },
          high: { budget: 4 },
        },
        budgetRange: [1, 9],
      },
    ],
    [
      { match: '^a', control: 'level', efforts: { ...WORDS, minimal: 'low' } },
      {
        control: 'level',
        efforts: {
          minimal: { level: 'LOW' },
          low: { level: 'LOW' },
          medium: { level: 'MEDIUM' },
          high: { level: 'HIGH' },
        },
      },
    ],
    [{ match: '^a', control: 'none' }, { control: 'none' }],
  ])('%j is %j', (row, expected) => {
    const families = toThinkingFamilies([thinkingFamilySchema.parse(row)]);
    expect(families).toEqual([{ name: '^a', models: '^a', ...expected }]);
  });

  it('of levels may turn thinking off with a budget of 0', () => {
    const row = { match: 'a', control: 'level', efforts: { none: 0, ...WORDS } };
    const [family] = toThinkingFamilies([thinkingFamilySchema.parse(row)]);
    expect(family?.efforts?.none).toEqual({ budget: 0 });
  });

  it.each<[row: object, path: string, message: string]>([
    [{ match: '(', control: 'none' }, 'match', 'must be a regular expression'],
    [{ match: '', control: 'none' }, 'match', 'must not be empty'],
    [{ match: 'a', control: 'tokens' }, 'control', 'must be `budget` or `level` or `none`'],
    [{ match: 'a', control: 'budget' }, 'efforts', 'is needed with control `budget`'],
    [{ match: 'a', control: 'none', efforts: TOKENS }, 'efforts', 'has no meaning with control `none`'],
    [
      { match: 'a', control: 'budget', efforts: { ...TOKENS, low: 'low' } },
      'efforts.low',
      'must be a number of tokens',
    ],
    [{ match: 'a', control: 'level', efforts: { ...WORDS, low: 5 } }, 'efforts.low', 'must be a word'],
    [{ match: 'a', control: 'level', efforts: { none: 1, ...WORDS } }, 'efforts.none', 'must be a word'],
    [
      { match: 'a', control: 'level', efforts: { ...WORDS, low: 'lowest' } },
      'efforts.low',
      'must be a number of tokens from 0 to',
    ],
    [
      { match: 'a', control: 'budget', efforts: TOKENS, budget_range: { min: 2, max: 1 } },
      'budget_range',
      '`min` must not be above `max`',
    ],
    [
      { match: 'a', control: 'level', efforts: WORDS, budget_range: { min: 1, max: 2 } },
      'budget_range',
      'has a meaning with control `budget` only',
    ],
  ])('%j is wrong', (row, path, message) => {
    const issues = thinkingFamilySchema.safeParse(row).error?.issues ?? [];
    expect(issues.map((issue) => issue.path.join('.'))).toEqual([path]);
    expect(issues[0]?.message.slice(0, message.length)).toBe(message);
  });
});
