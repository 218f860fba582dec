import { describe, expect, it } from 'vitest';
import type { ThinkingFamily } from '../../../src/translate/request/thinking.ts';
import { refusal, type TestTarget, translate } from './translate.ts';

const thinkingOf = (fields: object, target: TestTarget = {}): unknown =>
  translate(fields, target).body.generationConfig?.thinkingConfig;

/** What `reasoning_effort` becomes: a budget, a level, nothing or a refusal. */
function effort(word: string, model: string): unknown {
  try {
    const { thinkingBudget, thinkingLevel } = (thinkingOf({ reasoning_effort: word }, { model }) ??
      {}) as Record<string, unknown>;
    return thinkingBudget ?? thinkingLevel ?? '-';
  } catch {
    return 400;
  }
}

describe('reasoning_effort', () => {
  it.each<[model: string, none: unknown, minimal: unknown, low: unknown, medium: unknown, high: unknown]>([
    ['gemini-2.5-flash-lite', 0, 1024, 1024, 8192, 24_576],
    ['gemini-2.5-flash-lite-preview-09-2025', 0, 1024, 1024, 8192, 24_576],
    ['gemini-2.5-flash', 0, 1024, 1024, 8192, 24_576],
    ['gemini-2.5-pro', 400, 1024, 1024, 8192, 24_576],
    ['gemini-2.5-computer-use-preview', 400, 1024, 1024, 8192, 24_576],
    ['gemini-3-pro-preview', 400, 'LOW', 'LOW', 'HIGH', 'HIGH'],
    ['gemini-3.1-pro-preview', 400, 'LOW', 'LOW', 'MEDIUM', 'HIGH'],
    ['gemini-3.8-flash', 400, 'LOW', 'LOW', 'MEDIUM', 'HIGH'],
    ['gemini-3.7-flash', 400, 'LOW', 'LOW', 'MEDIUM', 'HIGH'],
    ['gemini-3-flash-preview', 400, 'MINIMAL', 'LOW', 'MEDIUM', 'HIGH'],
    ['gemini-3.1-flash-lite', 400, 'MINIMAL', 'LOW', 'MEDIUM', 'HIGH'],
    ['gemini-3.5-flash', 400, 'MINIMAL', 'LOW', 'MEDIUM', 'HIGH'],
    ['gemini-4-ultra', 400, 'LOW', 'LOW', 'MEDIUM', 'HIGH'],
    ['gemini-flash-latest', 400, 'LOW', 'LOW', 'MEDIUM', 'HIGH'],
    ['gemini-2.0-flash', '-', 400, 400, 400, 400],
    ['gemini-1.5-pro-002', '-', 400, 400, 400, 400],
    ['gemini-2.5-flash-image', '-', 400, 400, 400, 400],
    ['gemini-3-pro-image-preview', '-', 400, 400, 400, 400],
    ['gemini-2.5-flash-preview-tts', '-', 400, 400, 400, 400],
    ['gemma-3-27b-it', '-', 400, 400, 400, 400],
    ['1234567890', 400, 400, 400, 400, 400],
  ])('%s', (model, ...expected) => {
    expect(['none', 'minimal', 'low', 'medium', 'high'].map((word) => effort(word, model))).toEqual(expected);
    expect(effort('xhigh', model)).toBe(expected[4]);
    expect(effort('max', model)).toBe(expected[4]);
  });

  it('absent sends nothing', () => {
    expect(translate({}).body).not.toHaveProperty('generationConfig');
  });

  it.each([
    [{ reasoning_effort: 'xhigh' }, 'reasoning_effort.xhigh'],
    [{ reasoning: { effort: 'max' } }, 'reasoning.effort.max'],
  ])('beyond the highest is clamped and named: %j', (fields, path) => {
    expect(translate(fields).ignored).toEqual([path]);
  });

  it('none becomes the lowest where thinking cannot stop and the configuration says so', () => {
    const target = { model: 'gemini-2.5-pro', unsupported: 'ignore' } as const;
    expect(translate({ reasoning_effort: 'none' }, target)).toMatchObject({
      body: { generationConfig: { thinkingConfig: { thinkingBudget: 1024 } } },
      ignored: ['reasoning_effort'],
    });
  });

  it('is refused with its path', () => {
    expect(refusal({ reasoning_effort: 'low' }, { model: 'gemini-2.0-flash' })).toMatchObject({
      param: 'reasoning_effort',
      code: 'unsupported_parameter',
    });
  });

  it('follows the table of the configuration', () => {
    const amount = { level: 'LOW' } as const;
    const family: ThinkingFamily = {
      name: 'mine',
      models: '^tuned',
      control: 'level',
      efforts: { none: { budget: 0 }, minimal: amount, low: amount, medium: amount, high: amount },
    };
    const target = { model: 'tuned-7', thinkingFamilies: [family] };
    expect(thinkingOf({ reasoning_effort: 'high' }, target)).toEqual({ thinkingLevel: 'LOW' });
    expect(thinkingOf({ reasoning_effort: 'none' }, target)).toEqual({ thinkingBudget: 0 });
  });
});

describe('other spellings', () => {
  it.each<[fields: object, model: string, config: object | undefined, ignored: string[]]>([
    [{ reasoning: { effort: 'low' } }, 'gemini-2.5-flash', { thinkingBudget: 1024 }, []],
    [{ reasoning: {} }, 'gemini-2.5-flash', undefined, []],
    [{ thinking: { type: 'disabled' } }, 'gemini-2.5-flash', { thinkingBudget: 0 }, []],
    [{ thinking: { type: 'enabled' } }, 'gemini-2.5-flash-lite', { thinkingBudget: -1 }, []],
    [{ thinking: { type: 'enabled' } }, 'gemini-3-pro-preview', undefined, []],
    [
      { thinking: { type: 'enabled', budget_tokens: 5000 } },
      'gemini-2.5-flash',
      { thinkingBudget: 5000 },
      [],
    ],
    [
      { thinking: { type: 'enabled', budget_tokens: 5 } },
      'gemini-2.5-pro',
      { thinkingBudget: 128 },
      ['thinking.budget_tokens'],
    ],
    [
      { thinking: { type: 'enabled', budget_tokens: 99_999 } },
      'gemini-2.5-flash',
      { thinkingBudget: 24_576 },
      ['thinking.budget_tokens'],
    ],
    [{ thinking: { type: 'enabled', budget_tokens: 0 } }, 'gemini-2.5-flash', { thinkingBudget: 0 }, []],
    [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, 'gemini-3-flash', { thinkingLevel: 'LOW' }, []],
    [
      { thinking: { type: 'enabled', budget_tokens: 8192 } },
      'gemini-3-flash',
      { thinkingLevel: 'MEDIUM' },
      [],
    ],
    [{ thinking: { type: 'enabled', budget_tokens: 8193 } }, 'gemini-3-flash', { thinkingLevel: 'HIGH' }, []],
    [{ thinking: { type: 'disabled' } }, 'gemini-2.0-flash', undefined, []],
  ])('%j on %s', (fields, model, config, ignored) => {
    const translation = translate(fields, { model });
    expect(translation.body.generationConfig?.thinkingConfig).toEqual(config);
    expect(translation.ignored).toEqual(ignored);
  });
});

const google = (thinking_config: object): object => ({ google: { thinking_config } });

const inNative = (config: object): object => ({
  google: { generation_config: { thinking_config: config } },
});

describe('thinking_config', () => {
  it.each<[config: object, model: string, native: object | undefined]>([
    [{ include_thoughts: true }, 'gemini-2.5-flash', { includeThoughts: true }],
    [{ include_thoughts: false }, 'gemini-2.5-flash', undefined],
    [{ thinking_budget: 0 }, 'gemini-2.5-flash', { thinkingBudget: 0 }],
    [{ thinking_budget: -1 }, 'gemini-2.5-flash', { thinkingBudget: -1 }],
    [{ thinking_budget: 2048 }, 'gemini-3-flash', { thinkingBudget: 2048 }],
    [{ thinking_budget: 2 ** 40 }, 'gemini-2.5-flash', { thinkingBudget: 2 ** 31 - 1 }],
    [{ thinking_level: 'High' }, 'gemini-3-pro-preview', { thinkingLevel: 'HIGH' }],
    [{ thinking_level: 'medium' }, 'gemini-2.5-flash', { thinkingBudget: 8192 }],
    [
      { thinking_level: 'low', include_thoughts: true },
      'gemini-3-flash',
      { thinkingLevel: 'LOW', includeThoughts: true },
    ],
    [
      { thinkingBudget: 512, includeThoughts: true },
      'gemini-2.5-flash',
      { thinkingBudget: 512, includeThoughts: true },
    ],
    [{ thinking_budget: 512 }, '1234567890', { thinkingBudget: 512 }],
    [{ thinking_budget: 0 }, 'gemini-2.0-flash', undefined],
  ])('%j on %s', (config, model, native) => {
    expect(thinkingOf(google(config), { model })).toEqual(native);
  });

  it('goes with reasoning_effort when it only asks for thoughts (B19)', () => {
    expect(thinkingOf({ reasoning_effort: 'low', ...google({ include_thoughts: true }) })).toEqual({
      thinkingBudget: 1024,
      includeThoughts: true,
    });
  });

  it.each([
    [google({ include_thoughts: true, thinking_budget: 0 }), 'gemini-2.5-flash'],
    [{ ...google({ include_thoughts: true }), reasoning_effort: 'none' }, 'gemini-2.5-flash'],
    [google({ include_thoughts: true }), 'gemini-2.0-flash'],
  ])('shows no thoughts where there are none: %j on %s', (fields, model) => {
    const { body, ignored } = translate(fields, { model });
    expect(body.generationConfig?.thinkingConfig?.includeThoughts).toBeUndefined();
    expect(ignored).toEqual(['google.thinking_config.include_thoughts']);
  });

  it.each(['thinking_budget', 'thinking_level'])('is refused where the model takes none: %s', (key) => {
    const value = key === 'thinking_budget' ? 100 : 'low';
    expect(refusal(google({ [key]: value }), { model: 'gemini-2.0-flash' }).param).toBe(
      `google.thinking_config.${key}`,
    );
  });

  it('in generation_config gives way key by key', () => {
    expect(thinkingOf(inNative({ thinking_budget: 5 }))).toEqual({ thinkingBudget: 5 });
    expect(
      thinkingOf({
        ...inNative({ thinking_level: 'low', include_thoughts: true }),
        reasoning_effort: 'high',
      }),
    ).toEqual({ thinkingBudget: 24_576, includeThoughts: true });
    expect(refusal(inNative({ thinking_budget: 5, thinking_level: 'low' })).param).toBe(
      'google.generation_config.thinking_config',
    );
  });
});
