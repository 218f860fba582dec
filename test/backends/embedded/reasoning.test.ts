import { describe, expect, it } from 'vitest';
import { type ReasoningWish, readReasoning } from '../../../src/backends/embedded/reasoning.ts';
import type { ChatCompletionRequest } from '../../../src/wire/openai/request.ts';

const THINKING = 'extra_body.google.thinking_config';

describe('readReasoning', () => {
  it.each<[fields: Partial<ChatCompletionRequest>, wish: ReasoningWish]>([
    [{}, { enabled: true }],
    [{ reasoning_effort: null }, { enabled: true }],
    [{ google: { thinking_config: { include_thoughts: true } } }, { enabled: true }],
    [{ reasoning_effort: 'none' }, { enabled: false, budget: 0, askedBy: 'reasoning_effort' }],
    [{ reasoning_effort: 'minimal' }, { enabled: true, budget: 1024, askedBy: 'reasoning_effort' }],
    [{ reasoning_effort: 'low' }, { enabled: true, budget: 1024, askedBy: 'reasoning_effort' }],
    [{ reasoning_effort: 'medium' }, { enabled: true, budget: 8192, askedBy: 'reasoning_effort' }],
    [{ reasoning_effort: 'high' }, { enabled: true, budget: 24_576, askedBy: 'reasoning_effort' }],
    [
      { reasoning_effort: 'xhigh' },
      { enabled: true, budget: 24_576, askedBy: 'reasoning_effort', clamped: 'reasoning_effort.xhigh' },
    ],
    [
      { reasoning: { effort: 'max' } },
      { enabled: true, budget: 24_576, askedBy: 'reasoning.effort', clamped: 'reasoning.effort.max' },
    ],
    [{ reasoning: { effort: 'low' } }, { enabled: true, budget: 1024, askedBy: 'reasoning.effort' }],
    [{ thinking: { type: 'disabled' } }, { enabled: false, budget: 0, askedBy: 'thinking' }],
    [{ thinking: { type: 'enabled', budget_tokens: 7 } }, { enabled: true, budget: 7, askedBy: 'thinking' }],
    [{ thinking: { type: 'enabled' } }, { enabled: true, askedBy: 'thinking' }],
    [
      { google: { thinking_config: { thinking_budget: 5 } } },
      { enabled: true, budget: 5, askedBy: `${THINKING}.thinking_budget` },
    ],
    [
      { extra_body: { google: { thinkingConfig: { thinkingBudget: 0 } } } },
      { enabled: false, budget: 0, askedBy: `${THINKING}.thinking_budget` },
    ],
    [
      { google: { thinking_config: { thinking_budget: -1 } } },
      { enabled: true, askedBy: `${THINKING}.thinking_budget` },
    ],
    [
      { google: { thinking_config: { thinking_level: 'HIGH' } } },
      { enabled: true, budget: 24_576, askedBy: `${THINKING}.thinking_level` },
    ],
  ])('reads %j', (fields, wish) => {
    expect(readReasoning({ messages: [], ...fields })).toEqual(wish);
  });
});
