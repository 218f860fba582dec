import { readGoogleExtraBody } from '../../wire/openai/google-extra-body.ts';
import type { ChatCompletionRequest, ReasoningEffort } from '../../wire/openai/request.ts';

/** How a reasoning model should reason for one request. */
export interface ReasoningWish {
  /** `false`: answer at once. */
  readonly enabled: boolean;
  /** Tokens after which reasoning is closed; `undefined` leaves it to the model. */
  readonly budget?: number;
  /** The JSON path that said so, for the receipt when the model does not reason; `undefined`: nothing was said. */
  readonly askedBy?: string;
  /** The JSON path and value of an effort above the highest there is. */
  readonly clamped?: string;
}

/** Google's numbers for the 2.5 family, which has budgets as this engine does. Contract section 6.1. */
const EFFORT_BUDGETS: Readonly<Record<ReasoningEffort, number>> = {
  none: 0,
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};

/** Reads `reasoning_effort`, `thinking_config` and their other spellings. Contract section 6. */
export function readReasoning(request: ChatCompletionRequest): ReasoningWish {
  const { thinking } = readGoogleExtraBody(request);
  if (thinking.thinking_budget !== undefined) {
    return fromBudget(thinking.thinking_budget, 'extra_body.google.thinking_config.thinking_budget');
  }
  if (thinking.thinking_level !== undefined) {
    const level = thinking.thinking_level.toLowerCase();
    // Validation has seen to it that this is one of Gemini's levels, which are a part of OpenAI's efforts.
    return fromBudget(
      EFFORT_BUDGETS[level as ReasoningEffort],
      'extra_body.google.thinking_config.thinking_level',
    );
  }
  if (request.reasoning_effort != null) return fromEffort(request.reasoning_effort, 'reasoning_effort');
  if (request.reasoning?.effort != null) return fromEffort(request.reasoning.effort, 'reasoning.effort');
  if (request.thinking != null) {
    const budget = request.thinking.type === 'disabled' ? 0 : (request.thinking.budget_tokens ?? -1);
    return fromBudget(budget, 'thinking');
  }
  return { enabled: true };
}

function fromEffort(effort: ReasoningEffort, askedBy: string): ReasoningWish {
  const wish = fromBudget(EFFORT_BUDGETS[effort], askedBy);
  return effort === 'xhigh' || effort === 'max' ? { ...wish, clamped: `${askedBy}.${effort}` } : wish;
}

function fromBudget(budget: number, askedBy: string): ReasoningWish {
  if (budget === 0) return { enabled: false, budget: 0, askedBy };
  return { enabled: true, askedBy, ...(budget < 0 ? {} : { budget }) };
}
